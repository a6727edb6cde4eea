import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallFlag, Direction, Disposition } from '../call.ts';
import { isObject, type Json, type JsonObject, writeJson } from '../json.ts';
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
  plainMoney,
  plainText,
  plainWhole,
  RowProblem,
  readStart,
  readTime,
  received,
  secondsBetween,
  statedSeconds,
  text,
  timeText,
  UNCOMPILED,
  whole,
} from './fields.ts';
import { narrow, readPage, wanted } from './okcc-paging.ts';
import { type Ask, defineProvider, type Failed, type Page } from './provider.ts';

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

const credentials = z.strictObject({
  customer: z.string().min(1).meta({ description: "The customer's number, such as C2." }),
  password: z.string().min(1).meta({ description: 'The API password, which makes the digest.' }),
});
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

type Row = z.infer<typeof row>;

function plainRow(row: JsonObject): Row {
  return {
    ...row,
    key: plainText(row['key']),
    session: plainText(row['session']),
    serviceType: plainText(row['serviceType']),
    result: plainText(row['result']),
    releaseCause: plainText(row['releaseCause']),
    agent: plainText(row['agent']),
    caller: plainText(row['caller']),
    callee: plainText(row['callee']),
    startTime: plainText(row['startTime']),
    ringTime: plainText(row['ringTime']),
    answerTime: plainText(row['answerTime']),
    byeTime: plainText(row['byeTime']),
    timeLength: plainWhole(row['timeLength']),
    fee: plainMoney(row['fee']),
    filename: plainText(row['filename']),
    voiceSign: plainText(row['voiceSign']),
    timeLen: plainWhole(row['timeLen']),
  };
}

const outcome = z.looseObject({ error: text, msg: text.catch(null) }).nullish();
const envelope = z.looseObject({ result: outcome, data: received.optional() });
const listing = z.looseObject({
  result: outcome,
  total: whole,
  size: whole,
  cdr: z.array(received).nullish(),
});

/** Null where `error` says success. Codes come as numbers, as text, and as hexadecimal text. */
function refusal(result: z.infer<typeof outcome>): Failed | null {
  const code = result?.error ?? null;
  if (code === null || Number(code) === 0) return null;
  const said: Said = { code, message: result?.msg ?? null };
  switch (Number(code)) {
    case 1:
      return credentialsRefused(said, {
        en: "Check customer and password of this account, and that this machine's clock is right.",
        zh: '请检查该账号的 `customer` 和 `password`，并确认本机时钟准确。',
      });
    case 4:
    case 0xf1000016:
      return providerTrouble(said);
    case 10:
      return requestRefused(said, {
        en: 'The API version in baseUrl (…/openapi/V2.0.6) is not that of the installation: ask the operator which one it runs.',
        zh: '`baseUrl` 中的接口版本（…/openapi/V2.0.6）与对方部署的不一致：请向对方确认实际版本。',
      });
    case 11:
      return requestRefused(said, {
        en: 'Check baseUrl: it ends in the API version (…/openapi/V2.0.6), and getCdrList is added to it.',
        zh: '请检查 `baseUrl`：应以接口版本结尾（…/openapi/V2.0.6），`getCdrList` 由程序自动追加。',
      });
    default:
      return requestRefused(said);
  }
}

function readList(body: Json, ask: Ask): Page | Failed {
  const answer = envelope.safeParse(body, UNCOMPILED);
  if (!answer.success) return notAsPromised(answer.error);
  const { result, data } = answer.data;
  const refused = refusal(result);
  if (refused !== null) return refused;
  // getCdrList puts the list into data.response, getOneCdr beside it.
  const inner = isObject(data) && isObject(data['response']) ? data['response'] : {};
  const list = listing.safeParse(isObject(data) ? { ...data, ...inner } : data, UNCOMPILED);
  if (!list.success) return notAsPromised(list.error);
  const { total, size, cdr } = list.data;
  const failed = refusal(list.data.result);
  if (failed !== null) return failed;
  // Past the last row the total may still count the whole range.
  const none = total === 0 || (cdr === null && ask.cursor !== null);
  const rows = z.object({ cdr: z.array(received) }).safeParse({ cdr: cdr ?? (none ? [] : cdr) });
  if (!rows.success) return notAsPromised(rows.error);
  const limit = size !== null && size > 0 ? size : null;
  return readPage({ rows: rows.data.cdr, total, size: limit }, ask.cursor);
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
  address: {
    example: 'https://okcc.example.com/openapi/V2.0.6',
    endpoint:
      /\/(?:getCdrList|getOneCdr|(?:v2\/)?voiceNotify|uploadTTSTemplate|editTTSTemplate|getTTSTemplateList)$/,
  },
  credentials,
  options,
  row,
  plainRow,
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

  request(ask, { baseUrl, clock, credentials: { customer, password } }) {
    const timestamp = String(ask.signing.now);
    const seq = ask.signing.nonce;
    const digest = createHash('md5')
      .update(`${customer}@${timestamp}@${seq}@${password}`)
      .digest('hex');
    const { from, to, filter } = wanted(ask);
    // Fields that say nothing are left out: what an empty one means is not documented.
    const request = { startTime: clock.format(from), endTime: clock.format(to), ...filter };
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
