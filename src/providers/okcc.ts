import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallFlag, Direction, Disposition } from '../call.ts';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../json.ts';
import { isoSeconds } from '../time.ts';
import {
  credentialsRefused,
  notAsPromised,
  providerTrouble,
  requestRefused,
  type Said,
} from './faults.ts';
import {
  customFields,
  flagList,
  money,
  RowProblem,
  readStart,
  readTime,
  received,
  secondsBetween,
  statedSeconds,
  text,
  timeText,
  whole,
} from './fields.ts';
import { type After, type Ask, defineProvider, type Failed, type Page } from './provider.ts';

/** The values of `serviceType` in the provider's document: all that a list can be narrowed by. */
const SERVICE_TYPES = [1, 2, 3, 4, 5, 7, 9, 17, 18, 19, 21];

/** Rent and settlement stand in the list of calls. */
const FEE_TYPES: ReadonlySet<string | null> = new Set(['17', '18']);

const DIRECTIONS: ReadonlyMap<string | null, Direction> = new Map([
  ['1', 'outbound'],
  ['2', 'inbound'],
  ['3', 'internal'],
  ['4', 'outbound'],
  ['5', 'outbound'],
  ['19', 'outbound'],
  ['21', 'outbound'],
]);

/** By `releaseCause`; whatever else is above 1 is `failed`. */
const DISPOSITIONS: ReadonlyMap<string | null, Disposition> = new Map([
  ['304', 'invalid_number'],
  ['305', 'no_answer'],
  ['306', 'busy'],
  ['308', 'no_answer'],
  ['309', 'busy'],
  ['311', 'invalid_number'],
  ['400', 'no_answer'],
]);

/**
 * `releaseCause` in the words of the provider's document, from the section on
 * getCdrList: its table for the pushes words 103, 200 and 402 differently.
 */
const RELEASE_CAUSES: ReadonlyMap<string | null, string> = new Map(
  `0 未设定, 1 成功, 100 账户过期, 101 账户禁用, 102 账户并发受限, 103 账户不存在, 200 其他认证错误,
  201 账户欠费, 202 账户业务受限, 300 无路由, 301 无主叫号码, 302 黑名单, 303 客户振铃之后收到4xx,
  304 客户侧回404, 305 客户振铃超时408, 306 客户忙486, 307 坐席振铃之后收到4xx, 308 坐席振铃超时408,
  309 坐席忙486, 310 呼叫回了5xx, 311 号码非法, 400 队列超时, 401 呼叫中心异常, 402 非法接入码,
  403 did未绑定, 404 呼入ag中继未绑定, 405 分机不存在, 406 坐席未做离线绑定, 407 业务并发受限,
  408 坐席不存在, 409 被叫超频, 410 主叫超频, 411 小号绑定失败, 412 下发fs命令失败, 413 配置不存在,
  414 入队失败, 415 桥接上报失败, 416 二次选路失败, 417 获取远端数据失败, 418 选择主叫号码失败,
  419 呼叫上报失败, 420 任务不存在, 421 任务模式不存在, 422 放音文件不存在, 423 内部事件发送失败,
  424 语音导航放音失败, 425 设置业务失败, 426 号码变换失败, 427 分机不在线, 428 被叫号码属于禁拨区域,
  429 业务处于不可用时间段, 430 发送数据库队列失败, 431 检查scb非法, 432 检查leg非法,
  433 语音导航事件匹配失败, 434 呼入策略放音失败, 435 呼入策略处理失败`
    .split(/,\s+/)
    .map((entry) => {
      const [code = '', words = ''] = entry.split(' ');
      return [code, words];
    }),
);

const credentials = z.strictObject({ customer: z.string().min(1), password: z.string().min(1) });
const options = z.strictObject({});

const row = z
  .object({
    key: text,
    session: text,
    serviceType: text,
    result: text,
    releaseCause: text,
    agent: text,
    caller: text,
    callee: text,
    startTime: text,
    ringTime: text,
    answerTime: text,
    byeTime: text,
    timeLength: whole,
    fee: money,
    filename: text,
    // What getOneCdr calls session and timeLength, for servers that answer alike to both.
    voiceSign: text,
    timeLen: whole,
  })
  .catchall(received);

const outcome = z.looseObject({ error: text, msg: text.catch(null) }).nullish();
const envelope = z.looseObject({ result: outcome, data: received.optional() });
const listing = z.looseObject({
  result: outcome,
  total: whole,
  size: whole,
  cdr: z.array(received).nullish(),
});

const total = z.int().nullable();

/**
 * Where a walk stands. The document says of `startKey` only "the Id to query
 * from", so its meaning is learnt from the pages it brings. The phases after
 * `keyed` narrow a second that holds more than a page shows: its two instants,
 * then its service types. `total` is what the first page said of the range:
 * later pages may count the rest from `startKey`, or their own part.
 */
const position = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('keyed'), startKey: received, rows: z.int(), total }),
  /** `full`: how many rows the page had that could not be walked on from. */
  z.object({ phase: z.literal('from'), full: z.int().nullable(), total }),
  z.object({ phase: z.literal('to'), full: z.int().nullable(), rows: z.int(), total }),
  z.object({ phase: z.literal('service'), index: z.int(), total: z.int() }),
]);

type Position = z.infer<typeof position>;

function readPosition(cursor: string | null): Position | null {
  return cursor === null ? null : position.parse(parseJson(cursor));
}

const writePosition = (at: Position): string => writeJson(at);

const more = (next: Position): After => ({ kind: 'more', cursor: writePosition(next) });
const end = (proof: boolean): After => ({ kind: 'end', proof });
const stuck = (reason: string): After => ({ kind: 'stuck', reason });

/** A page as it was listed. */
interface Listed {
  readonly rows: readonly Json[];
  readonly total: number | null;
  /** How many rows a page may have; null where the response does not say. */
  readonly size: number | null;
}

/** Whether rows may have been left out. Without a stated size only an empty page is surely whole. */
function isFull({ rows, size }: Listed): boolean {
  return rows.length > 0 && (size === null || rows.length >= size);
}

function readPage(listed: Listed, at: Position | null): Page {
  const { rows } = listed;
  if (at === null) return firstPage(listed);
  if (at.phase === 'keyed') return keyedPage(listed, at);
  // What narrows a second lists again what its pages had listed.
  const overlap = rows.length;
  const page = (after: After): Page => ({ kind: 'page', rows, total: at.total, overlap, after });
  if (at.phase === 'service') {
    if (listed.size !== null && isFull(listed)) return page(stuck('one service type fills a page'));
    const index = at.index + 1;
    if (index < SERVICE_TYPES.length) return page(more({ ...at, index }));
    // A type missing in the document would be missing here too: only the total can prove this.
    return page(stuck('the service types do not add up to the total'));
  }
  if (isFull(listed)) return page(stuck('one instant fills a page'));
  if (at.phase === 'from') return page(more({ ...at, phase: 'to', rows: rows.length }));
  // A server that leaves a range's end out lists nothing for an instant.
  const whole = at.full !== null && at.rows + rows.length >= at.full;
  return page(whole ? end(true) : stuck('the instants list less than their second'));
}

function firstPage({ rows, total: stated, size }: Listed): Page {
  const short = size !== null && rows.length < size;
  const beyond = stated !== null && stated > rows.length;
  // A total equal to a full page may count that page alone.
  const total = beyond || (short && stated === rows.length) ? stated : null;
  const page = (after: After): Page => ({ kind: 'page', rows, total, after });
  if (rows.length === 0 || (short && !beyond)) return page(end(true));
  return page(nextKey(rows, total));
}

function keyedPage(
  { rows, total: stated, size }: Listed,
  at: Extract<Position, { phase: 'keyed' }>,
): Page {
  const total = at.total === null ? null : Math.max(at.total, stated ?? 0);
  const start = keyText(at.startKey);
  const overlap = rows.filter((row) => rowKeyText(row) === start).length;
  const page = (after: After): Page => ({ kind: 'page', rows, total, overlap, after });
  if (rows.length === 0 || (rows.length === 1 && overlap === 1)) {
    // The wrong direction would have brought the other rows of the page before, if there were any.
    const single = at.rows < 2;
    return page(single && size === 1 ? stuck('a page holds a single row') : end(!single));
  }
  if (size !== null && rows.length < size) return page(end(true));
  if (rowKeyText(lastKeyed(rows)) === start) return page(stuck('startKey does not move the list'));
  return page(nextKey(rows, total));
}

function nextKey(rows: readonly Json[], total: number | null): After {
  const last = lastKeyed(rows);
  const startKey = isObject(last) ? last['key'] : undefined;
  if (startKey === undefined) return stuck('no row of the page has a key');
  return more({ phase: 'keyed', startKey, rows: rows.length, total });
}

function lastKeyed(rows: readonly Json[]): Json | undefined {
  return rows.findLast((row) => rowKeyText(row) !== null);
}

function rowKeyText(row: Json | undefined): string | null {
  return isObject(row) ? keyText(row['key']) : null;
}

/** A key may be text on one page and a number on the next. */
function keyText(key: Json | undefined): string | null {
  return text.safeParse(key).data ?? null;
}

/** Null where `error` says success. Codes come as numbers, as text, and as hexadecimal text. */
function refusal(result: z.infer<typeof outcome>): Failed | null {
  const code = result?.error ?? null;
  if (code === null || Number(code) === 0) return null;
  const said: Said = { code, message: result?.msg ?? null };
  switch (Number(code)) {
    case 1:
      return credentialsRefused(
        said,
        "Check customer and password of this account, and that this machine's clock is right.",
      );
    case 4:
    case 0xf1000016:
      return providerTrouble(said);
    case 10:
      return requestRefused(
        said,
        'The API version in baseUrl (…/openapi/V2.0.6) is not that of the installation: ask the operator which one it runs.',
      );
    case 11:
      return requestRefused(
        said,
        'Check baseUrl: it ends in the API version (…/openapi/V2.0.6), and getCdrList is added to it.',
      );
    default:
      return requestRefused(said);
  }
}

function readList(body: Json, ask: Ask): Page | Failed {
  const answer = envelope.safeParse(body);
  if (!answer.success) return notAsPromised(answer.error);
  const { result, data } = answer.data;
  const refused = refusal(result);
  if (refused !== null) return refused;
  // getCdrList puts the list into data.response, getOneCdr beside it.
  const inner = isObject(data) && isObject(data['response']) ? data['response'] : {};
  const list = listing.safeParse(isObject(data) ? { ...data, ...inner } : data);
  if (!list.success) return notAsPromised(list.error);
  const { total, size, cdr } = list.data;
  const failed = refusal(list.data.result);
  if (failed !== null) return failed;
  // Past the last row the total may still count the whole range.
  const none = total === 0 || (cdr === null && ask.cursor !== null);
  const rows = z.object({ cdr: z.array(received) }).safeParse({ cdr: cdr ?? (none ? [] : cdr) });
  if (!rows.success) return notAsPromised(rows.error);
  const limit = size !== null && size > 0 ? size : null;
  return readPage({ rows: rows.data.cdr, total, size: limit }, readPosition(ask.cursor));
}

function narrow({ cursor }: Ask): string | null {
  const at = readPosition(cursor);
  if (at === null) return writePosition({ phase: 'from', full: null, total: null });
  if (at.phase === 'keyed') return writePosition({ phase: 'from', full: at.rows, total: at.total });
  if (at.phase === 'service' || at.total === null) return null;
  return writePosition({ phase: 'service', index: 0, total: at.total });
}

/** What narrows the list at this position. */
function filter(at: Position | null): JsonObject {
  if (at?.phase === 'keyed') return { startKey: at.startKey };
  const serviceType = at?.phase === 'service' ? SERVICE_TYPES[at.index] : undefined;
  return serviceType === undefined ? {} : { serviceType };
}

function disposition(talk: number, result: string | null, cause: string | null): Disposition {
  if (talk > 0) return 'answered';
  if (result === '3') return 'invalid_number';
  const known = DISPOSITIONS.get(cause);
  if (known !== undefined) return known;
  if (Number(cause) > 1) return 'failed';
  return result === '2' ? 'no_answer' : 'unknown';
}

/** OKCC call centre: the list of calls that the document calls getCdrList. */
export const okcc = defineProvider({
  name: 'okcc',
  title: 'OKCC getCdrList',
  credentials,
  options,
  row,
  secrets: ({ password }) => [password],
  principal: ({ customer }) => customer,
  defaults: { every: '5m', minInterval: '0s' },
  // No limit is documented; a month bounds the size of a walk.
  reach: { maxDays: 31, horizon: () => null, wholeDays: false },
  paging: 'keyed',
  identity: 'native',
  volatile: [],
  mappingVersion: 1,
  narrow,
  read: readList,

  request({ from, to, cursor, signing }, { baseUrl, clock, credentials: { customer, password } }) {
    const timestamp = String(signing.now);
    const seq = signing.nonce;
    const digest = createHash('md5')
      .update(`${customer}@${timestamp}@${seq}@${password}`)
      .digest('hex');
    const at = readPosition(cursor);
    // Fields that say nothing are left out: what an empty one means is not documented.
    const request = {
      startTime: clock.format(at?.phase === 'to' ? to : from),
      endTime: clock.format(at?.phase === 'from' ? from : to),
      ...filter(at),
    };
    return {
      operation: 'getCdrList',
      method: 'POST',
      url: `${baseUrl}/getCdrList`,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: {
        kind: 'json',
        text: writeJson({ authentication: { customer, timestamp, seq, digest }, request }),
      },
      secrets: [digest],
    };
  },

  toCall(row, { clock, currency }) {
    const session = row.session ?? row.voiceSign;
    const callId = session ?? row.key;
    if (callId === null) throw new RowProblem('session, key: both are missing');
    const flags = new Set<CallFlag>();
    const talk = statedSeconds(row.timeLength ?? row.timeLen, flags);
    const answered = talk !== null && talk > 0;
    if (!answered && row.result === '1') flags.add('answered_zero_talk');
    const start = readStart(clock, 'startTime', row.startTime, flags);
    const bye = readTime(clock, 'byeTime', row.byeTime, flags);
    // A call that was not answered repeats its start here.
    const ring = answered ? readTime(clock, 'ringTime', row.ringTime, flags) : null;
    const answer = answered ? readTime(clock, 'answerTime', row.answerTime, flags) : null;
    secondsBetween(start, answer, flags);
    const recording = row.filename?.endsWith('/.mp3') === true ? null : row.filename;
    return {
      call_id: callId,
      native_id: row.key,
      correlation_id: session,
      direction: DIRECTIONS.get(row.serviceType) ?? 'unknown',
      call_mode: row.serviceType,
      caller: row.caller,
      callee: row.callee,
      agent: row.agent,
      started_at: isoSeconds(start),
      ringing_at: timeText(ring),
      answered_at: timeText(answer),
      ended_at: timeText(bye),
      duration_seconds: secondsBetween(start, bye, flags),
      ring_seconds: secondsBetween(ring, answer, flags),
      talk_seconds: talk,
      billed_seconds: null,
      cost: row.fee,
      currency: row.fee === null ? null : currency,
      disposition: disposition(talk ?? 0, row.result, row.releaseCause),
      hangup_cause: row.releaseCause,
      hangup_reason: RELEASE_CAUSES.get(row.releaseCause) ?? null,
      hangup_party: null,
      recording_ref: recording,
      recording_state: recording === null ? 'none' : 'listed',
      is_call: !FEE_TYPES.has(row.serviceType),
      flags: flagList(flags),
      custom: customFields(row, ['userData', 'taskID']),
    };
  },
});
