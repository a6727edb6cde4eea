import type { JsonObject } from '../json.ts';
import { HOUR, SECOND, zoneClock } from '../time.ts';
import { type Entry, exclusiveEnd } from './book.ts';
import { FAKES } from './fakes.ts';
import { hexOf, uuidOf } from './random.ts';
import type { Call, Ending } from './traffic.ts';
import {
  type CommonBehaviour,
  instantIn,
  type Reply,
  type Service,
  type ServiceContext,
  wholeNumber,
} from './wire.ts';

export interface Infin8linxBehaviour extends CommonBehaviour {
  /** How long a token from Login holds; 12 hours by default. */
  readonly tokenLifetime?: number;
  /** How an expired or unknown token is refused: `ret` 600, or `ret` 200 with `data.status` 1 and code 1010. */
  readonly tokenRefusal?: 'ret' | 'status';
  /** `sample`: the rows of the document's example; `table`: with the fields of its table too, recordurl signed anew each time. */
  readonly fields?: 'sample' | 'table';
}

const CAUSES: Readonly<Record<Ending, number>> = {
  answered: 10001,
  no_answer: 10016,
  busy: 10006,
  rejected: 10003,
  cancelled: 10002,
  invalid_number: 10014,
  unreachable: 10009,
  failed: 10004,
};
const METHODS = { manual: 2, click: 3, automatic: 5, ivr: 6 } as const;
// All three stand for "never".
const UNSET = [null, '', '1970-01-01 08:00:00'] as const;

/** Infin8linx: a form posted to one address, the API named in `service`. */
export function makeInfin8linx(context: ServiceContext, behaviour: Infin8linxBehaviour): Service {
  const clock = zoneClock(context.zone);
  const tokens = new Map<string, number>();
  // Which rows were ever handed out to a reader of new rows.
  const queried = new Set<Entry>();
  let logins = 0;
  let links = 0;

  const book = context.openBook({
    firstKey: 263_056_202,
    lists: (call) => call.charge === null,
    render: (call, key) => renderBill(call, key, clock.format, behaviour.fields === 'table'),
    atOfCall: (call) => call.start,
    atOfRow: (row) => instantIn(row, 'starttime', context.zone),
    keyOfRow: (row) => (typeof row['id'] === 'number' ? row['id'] : null),
  });

  const data = (status: number, desc: string, more: JsonObject): Reply => {
    const second = Math.floor(context.clock() / SECOND);
    const times = { reqtime: second, rsptime: second };
    return envelope(200, { status, desc, ...more, ...times }, '');
  };

  const login = (form: ReadonlyMap<string, string>): Reply => {
    const { appId, accessKey } = FAKES.infin8linx;
    if (form.get('appid') !== appId || form.get('accesskey') !== accessKey) {
      return data(1, '授权失败', { code: 1001 });
    }
    logins += 1;
    const token = hexOf(`token ${logins}`, 32);
    tokens.set(token, context.clock() + (behaviour.tokenLifetime ?? 12 * HOUR));
    const authtime = clock.format(context.clock());
    const company = { companycode: '1', companyname: 'sandbox' };
    return data(0, '授权成功', { result: { ...company, token, authtime, authmodel: '' } });
  };

  const knows = (token: string | undefined): boolean => {
    if (token === FAKES.infin8linx.token) return true;
    return token !== undefined && (tokens.get(token) ?? 0) > context.clock();
  };

  const failure = (kind: 'auth' | 'system'): Reply => {
    if (kind === 'system') return envelope(500, [], '服务器内部错误');
    if (behaviour.tokenRefusal === 'status') return data(1, 'token已失效', { code: 1010 });
    return envelope(600, [], 'token无效或已过期');
  };

  const getBill = (form: ReadonlyMap<string, string>): Reply => {
    if (!knows(form.get('token'))) return failure('auth');
    const from = clock.parse(form.get('starttime') ?? '');
    const to = clock.parse(form.get('endtime') ?? '');
    if (from === null || to === null) return badRequest('starttime, endtime');
    const direction = choice(form, 'direction', 3, 1, 3);
    const syncflag = choice(form, 'syncflag', 1, 1, 3);
    const callmethod = choice(form, 'callmethod', 3, 0, 6);
    const currentpage = choice(form, 'currentpage', 1, 1, 10_000_000);
    const itemsperpage = choice(form, 'itemsperpage', 10, 1, 1000);
    if (direction === null) return badRequest('direction');
    if (syncflag === null) return badRequest('syncflag');
    if (callmethod === null) return badRequest('callmethod');
    if (currentpage === null) return badRequest('currentpage');
    if (itemsperpage === null) return badRequest('itemsperpage');

    const listed = book
      .between(from.at, exclusiveEnd(to.at, behaviour.endInclusive ?? true))
      .filter((entry) => {
        if (syncflag !== 3 && queried.has(entry) !== (syncflag === 2)) return false;
        if (direction === 3 && callmethod === 0) return true;
        const row = book.rowOf(entry);
        if (callmethod !== 0 && row['callmethod'] !== callmethod) return false;
        return direction === 3 || row['direction'] === (direction === 1 ? 'callin' : 'callout');
      })
      .toReversed();
    const page = listed.slice((currentpage - 1) * itemsperpage, currentpage * itemsperpage);
    if (syncflag === 1) for (const entry of page) queried.add(entry);
    const bills = page.map((entry) => withFreshLink(book.rowOf(entry)));
    const result = { totalitems: listed.length, currentpage, itemsperpage, bills };
    return data(0, '获取成功', { result });
  };

  const withFreshLink = (row: JsonObject): JsonObject => {
    const link = row['recordurl'];
    if (typeof link !== 'string' || link === '') return row;
    links += 1;
    return { ...row, recordurl: `${link}?sign=${hexOf(`link ${links}`, 16)}` };
  };

  return {
    basePath: '/infin8linx',
    book,
    operation: ({ form }) => form.get('service')?.split('.').at(-1) ?? 'unknown',
    answer({ method, path, form }) {
      if (method !== 'POST' || (path !== '' && path !== '/')) return badRequest('method');
      const service = form.get('service');
      if (service === 'App.Sip_Auth.Login') return login(form);
      return service === 'App.Sip_Cdr.GetBill' ? getBill(form) : badRequest('service');
    },
    failure,
  };
}

function envelope(ret: number, data: JsonObject | readonly [], msg: string): Reply {
  return { status: 200, body: { ret, data, msg } };
}

function badRequest(what: string): Reply {
  return envelope(400, [], `非法请求：${what}`);
}

function choice(
  form: ReadonlyMap<string, string>,
  name: string,
  standard: number,
  low: number,
  high: number,
): number | null {
  const text = form.get(name);
  const value = text === undefined ? standard : wholeNumber(text);
  return value === null || value < low || value > high ? null : value;
}

function renderBill(
  call: Call,
  id: number,
  format: (at: number) => string,
  whole: boolean,
): JsonObject {
  const day = format(call.start).slice(0, 10).replaceAll('-', '');
  const recorded = call.answer !== null;
  const row = {
    id,
    extnumber: call.agent,
    destnumber: call.callee,
    displaynumber: call.caller,
    starttime: format(call.start),
    answertime: call.answer === null ? (UNSET[id % UNSET.length] ?? null) : format(call.answer),
    endtime: format(call.end),
    duration: (call.end - call.start) / SECOND,
    billsec: call.talkSeconds,
    direction: call.direction === 'inbound' ? 'callin' : 'callout',
    callmethod: call.direction === 'internal' ? 1 : METHODS[call.mode],
    userid: '0',
    memberid: '0',
    chengshudu: '0',
    customuuid: '0',
    recordfilename: recorded ? `${day}/${id}.mp3` : '',
    downloadip: recorded ? '192.0.2.10' : '',
    hangupdirection: call.hungUpBy === 'caller' ? 10040 : 10041,
    hangupcause: CAUSES[call.ending],
    userkey: call.mode === 'ivr' && recorded ? '#' : '',
  };
  if (!whole) return row;
  return {
    ...row,
    companycode: '1',
    ext: '0',
    uuid: uuidOf(`infin8linx ${call.uid}`),
    taskid: call.mode === 'automatic' ? '77' : '',
    round: 0,
    recordurl: recorded ? `http://192.0.2.10/record/${day}/${id}.mp3` : '',
  };
}
