import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { MINUTE, SECOND, type Span, zoneClock } from '../time.ts';
import { byKey, type Entry, exclusiveEnd } from './book.ts';
import { FAKES } from './fakes.ts';
import { renderCdr } from './okcc-rows.ts';
import {
  type CommonBehaviour,
  instantIn,
  type Reply,
  type SandboxRequest,
  type Service,
  type ServiceContext,
  wholeNumber,
} from './wire.ts';

/** What the document leaves open, and installations do differently. */
export interface OkccBehaviour extends CommonBehaviour {
  readonly order?: 'descending' | 'ascending';
  /** What `startKey` does; `wrong-way` lists what lies before it in the list's own order. */
  readonly startKey?: 'exclusive' | 'inclusive' | 'ignored' | 'wrong-way';
  /** What `total` counts: the range asked for, the page, or what is left from `startKey` on. */
  readonly total?: 'range' | 'page' | 'rest' | 'none';
  readonly pageSize?: number;
  /** Whether a response states its page size; true by default. */
  readonly statesSize?: boolean;
  /** How far (ms) a request's timestamp may be off; unchecked by default. */
  readonly timestampTolerance?: number;
  /** `exact` writes fees such as 0.60, which a double does not give back. */
  readonly fees?: 'plain' | 'exact';
}

const Authentication = z.object({
  customer: z.string(),
  timestamp: z.string(),
  seq: z.string().min(1).max(20),
  digest: z.string(),
});

const Message = z.object({
  authentication: z.unknown(),
  request: z.record(z.string(), z.unknown()),
});

// An integer may come as text; an empty text is a field left out.
const Text = z.string().optional();
const Whole = z
  .union([z.int(), z.string().regex(/^\d*$/)])
  .transform((value) => (value === '' ? undefined : Number(value)))
  .optional();
const Query = z.object({
  seq: Text,
  userData: Text,
  taskID: Whole,
  agent: z.array(z.string()).optional(),
  serviceType: Whole,
  startTime: Text,
  endTime: Text,
  caller: Text,
  callee: Text,
  timeLengthMin: Whole,
  timeLengthMax: Whole,
  startKey: Whole,
});
type Query = z.infer<typeof Query>;

const MESSAGES = {
  1: '认证失败',
  4: '数据库操作失败',
  5: '参数错误',
  8: '请求数据格式错误',
  10: '不支持的API版本',
  11: '不支持的API请求',
} as const;

/** OKCC: JSON posted with its own authentication block; errors as a code in the body. */
export function makeOkcc(context: ServiceContext, behaviour: OkccBehaviour): Service {
  const clock = zoneClock(context.zone);
  const pageSize = behaviour.pageSize ?? 500;
  const seen = new Map<string, number>();
  const book = context.openBook({
    firstKey: 573_262,
    lists: () => true,
    render: (call, key) => renderCdr(call, key, clock.format, behaviour.fees === 'exact'),
    atOfCall: (call) => call.start,
    atOfRow: (row) => instantIn(row, 'startTime', context.zone),
    keyOfRow: (row) => wholeNumber(String(row['key'])),
  });

  const trusts = (authentication: unknown): boolean => {
    const read = Authentication.safeParse(authentication);
    if (!read.success || read.data.customer !== FAKES.okcc.customer) return false;
    const { customer, timestamp, seq, digest } = read.data;
    const signed = [customer, timestamp, seq, FAKES.okcc.password].join('@');
    if (digest !== createHash('md5').update(signed).digest('hex')) return false;
    const now = context.clock();
    for (const [old, at] of seen) {
      if (now - at <= 5 * MINUTE) break;
      seen.delete(old);
    }
    if (seen.has(seq)) return false;
    seen.set(seq, now);
    const stamp = wholeNumber(timestamp) ?? 0;
    const at = timestamp.length > 10 ? stamp : stamp * SECOND;
    return Math.abs(now - at) <= (behaviour.timestampTolerance ?? Infinity);
  };

  /** The instants asked for; today without any; null where they are no range. */
  const spanOf = ({ startTime, endTime }: Query): Span | null => {
    if (!startTime && !endTime) {
      return { from: clock.startOfDay(clock.dayOf(context.clock())), to: Infinity };
    }
    const from = clock.parse(startTime ?? '')?.at;
    const to = clock.parse(endTime ?? '')?.at;
    if (from === undefined || to === undefined || to < from) return null;
    return { from, to: exclusiveEnd(to, behaviour.endInclusive ?? true) };
  };

  const fromKey = (entries: readonly Entry[], startKey: number | undefined): readonly Entry[] => {
    const meaning = behaviour.startKey ?? 'exclusive';
    if (startKey === undefined || meaning === 'ignored') return entries;
    const onward = behaviour.order === 'ascending' ? 1 : -1;
    const direction = meaning === 'wrong-way' ? -onward : onward;
    return entries.filter(({ key }) => {
      if (key === startKey) return meaning === 'inclusive';
      return (key - startKey) * direction > 0;
    });
  };

  const getCdrList = (request: unknown): Reply => {
    const read = Query.safeParse(request);
    const span = read.success ? spanOf(read.data) : null;
    if (!read.success || span === null) return refuse(5);
    const query = read.data;
    const range = byKey(book.between(span.from, span.to)).filter((entry) =>
      wanted(query, () => book.rowOf(entry)),
    );
    if (behaviour.order !== 'ascending') range.reverse();
    const rest = fromKey(range, query.startKey);
    const cdr = rest.slice(0, pageSize).map((entry) => book.rowOf(entry));
    const totals = { range: range.length, page: cdr.length, rest: rest.length };
    const counts = behaviour.total ?? 'range';
    const response = {
      seq: query.seq ?? '',
      userData: query.userData ?? '',
      result: { error: 0 },
      ...(counts === 'none' ? {} : { total: String(totals[counts]) }),
      cdr,
      page: 1,
      ...(behaviour.statesSize === false ? {} : { size: pageSize }),
    };
    const data = { seq: '0001', response };
    return { status: 200, body: { result: { error: 0, msg: '成功' }, data, logs: null } };
  };

  return {
    basePath: '/okcc/openapi/V2.0.6',
    book,
    operation: ({ path }) => path.split('/').at(-1) ?? 'unknown',
    answer(request) {
      const [, version, name] = /^\/openapi\/([^/]+)\/(.+)$/.exec(request.path) ?? [];
      if (!/^V2\.0\.[1-46]$/.test(version ?? '')) return refuse(10);
      if (name !== 'getCdrList') return refuse(11);
      if (request.method !== 'POST' || !speaksJson(request)) return refuse(8);
      const message = Message.safeParse(request.json);
      if (!message.success) return refuse(8);
      if (!trusts(message.data.authentication)) return refuse(1);
      return getCdrList(message.data.request);
    },
    failure: (kind) => refuse(kind === 'auth' ? 1 : 4),
  };
}

function refuse(error: keyof typeof MESSAGES): Reply {
  const result = { error, msg: MESSAGES[error] };
  return { status: 200, body: { result, data: null, logs: null } };
}

/** The document asks for both headers in every request. */
function speaksJson({ headers }: SandboxRequest): boolean {
  const { accept = '', 'content-type': type = '' } = headers;
  return accept.includes('application/json') && type.startsWith('application/json');
}

function wanted(query: Query, read: () => JsonObject): boolean {
  const { agent, serviceType, taskID, caller, callee, timeLengthMin, timeLengthMax } = query;
  const exact = { serviceType, taskID, caller: caller || undefined, callee: callee || undefined };
  const fields = Object.entries(exact).filter(([, value]) => value !== undefined);
  const agents = agent !== undefined && agent.length > 0 ? agent : null;
  const lengths = timeLengthMin !== undefined || timeLengthMax !== undefined;
  if (fields.length === 0 && agents === null && !lengths) return true;
  const row = read();
  if (fields.some(([name, value]) => row[name] !== String(value))) return false;
  if (agents !== null && !agents.includes(String(row['agent']))) return false;
  const length = Number(row['timeLength']);
  return length >= (timeLengthMin ?? 0) && length <= (timeLengthMax ?? Infinity);
}
