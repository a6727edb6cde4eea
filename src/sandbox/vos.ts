import type { Json, JsonObject } from '../json.ts';
import { addDays, isDay, SECOND, zoneClock } from '../time.ts';
import { FAKES } from './fakes.ts';
import type { Call } from './traffic.ts';
import {
  type CommonBehaviour,
  decimalText,
  instantIn,
  type Reply,
  type Service,
  type ServiceContext,
  wholeNumber,
} from './wire.ts';

export interface VosBehaviour extends CommonBehaviour {
  /** `array` is the whole day; `meta` has pages and says so; `silent` has pages and does not. */
  readonly list?: 'array' | 'meta' | 'silent';
  readonly pageSize?: number;
  /** Whether the day that is not over can be asked for; it can by default. */
  readonly today?: 'open' | 'refused';
}

/** VOS call records: one calendar day a GET, a bearer token, records without an id. */
export function makeVos(context: ServiceContext, behaviour: VosBehaviour): Service {
  const clock = zoneClock(context.zone);
  const book = context.openBook({
    firstKey: 1,
    lists: (call) => call.charge === null,
    render: (call) => renderRecord(call, clock.format),
    atOfCall: (call) => call.start,
    atOfRow: (row) => instantIn(row, 'start_time', context.zone),
    keyOfRow: () => null,
  });

  const getCallRecord = (query: ReadonlyMap<string, string>): Reply => {
    const today = clock.dayOf(context.clock());
    const day = query.get('time') ?? addDays(today, -1);
    if (!isDay(day)) return refuse(422, '日期格式不正确');
    if (behaviour.today === 'refused' && day >= today) return refuse(422, '只能查询今天之前的话单');
    const account = query.get('vos_account_id') ?? String(FAKES.vos.vosAccountId);
    if (account !== String(FAKES.vos.vosAccountId)) return refuse(404, 'vos账号不存在');

    const phone = query.get('phone');
    const callee = query.get('callee_phone');
    const rows = book
      .between(clock.startOfDay(day), clock.startOfDay(addDays(day, 1)))
      .map((entry) => book.rowOf(entry))
      .filter((row) => phone === undefined || row['phone'] === phone)
      .filter((row) => callee === undefined || row['callee_phone'] === callee)
      .reverse();
    if ((behaviour.list ?? 'array') === 'array') return accept(rows, {});
    return pageOf(rows, wholeNumber(query.get('page') ?? '1') ?? 1);
  };

  const pageOf = (rows: readonly JsonObject[], page: number): Reply => {
    const size = behaviour.pageSize ?? 15;
    const current = Math.max(1, page);
    const data = rows.slice((current - 1) * size, current * size);
    if (behaviour.list !== 'meta') return accept(data, {});
    const meta = {
      current_page: current,
      last_page: Math.max(1, Math.ceil(rows.length / size)),
      per_page: size,
      total: rows.length,
    };
    return accept(data, { meta });
  };

  return {
    basePath: '/vos',
    book,
    operation: ({ path }) => path.split('/').at(-1) ?? 'unknown',
    answer({ method, path, query, headers }) {
      const [, user] = /^\/agent-api\/vos\/([^/]+)\/get_call_record$/.exec(path) ?? [];
      if (user === undefined) return refuse(404, 'Not Found');
      if (method !== 'GET') return refuse(405, 'Method Not Allowed');
      if (headers.authorization !== `Bearer ${FAKES.vos.token}`)
        return refuse(401, 'Unauthenticated.');
      return user === FAKES.vos.userId ? getCallRecord(query) : refuse(404, '用户不存在');
    },
    failure: (kind) =>
      kind === 'auth' ? refuse(401, 'Unauthenticated.') : refuse(500, 'Server Error'),
  };
}

function accept(data: Json, more: JsonObject): Reply {
  const head = { code: 200, status: 'success', message: '查询话单列表成功' };
  return { status: 200, body: { ...head, data, ...more } };
}

function refuse(code: number, message: string): Reply {
  return { status: code, body: { code, status: 'error', message, data: [] } };
}

function renderRecord(call: Call, format: (at: number) => string): JsonObject {
  const held = new Date(call.talkSeconds * SECOND).toISOString().slice(11, 19);
  return {
    phone: call.caller,
    callee_phone: call.callee,
    start_time: format(call.start),
    end_time: format(call.end),
    hold_time: held,
    fee: Number(decimalText(call.cost)),
    call_level_text: call.callee.startsWith('021') ? '市话' : '国内长途',
    customer_name: 'vos',
    customer_account: '10086001',
  };
}
