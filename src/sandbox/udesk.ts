import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import { SECOND, zoneClock } from '../time.ts';
import { exclusiveEnd } from './book.ts';
import { FAKES } from './fakes.ts';
import { hash32, hexOf, uuidOf } from './random.ts';
import type { Call, Ending } from './traffic.ts';
import {
  type CommonBehaviour,
  instantIn,
  type Reply,
  type SandboxRequest,
  type Service,
  type ServiceContext,
  wholeNumber,
} from './wire.ts';

export interface UdeskBehaviour extends CommonBehaviour {
  /** `one` says 1 whatever the list holds, as the document's sample does. */
  readonly total?: 'right' | 'one';
  /** How far (ms) a request's timestamp may be off; unchecked by default. */
  readonly timestampTolerance?: number;
  /** Whether a refusal is an HTTP status too or only the code in a body sent with 200 (the default). */
  readonly refusal?: 'body' | 'http';
}

// As the provider lists them, stray tabs included.
const REASONS = [
  ...['关机', '空号', '停机', '占线', '用户拒接', '无法接通', '暂停服务\t', '用户正忙'],
  ...['拨号方式不正确', '呼入限制', '呼叫转移失败', '网络忙', '无人接听', '欠费', '无法接听'],
  ...['改号\t', '线路故障', '稍后再拨'],
];
const CAUSES: Readonly<Record<Ending, number | null>> = {
  answered: null,
  no_answer: 13,
  busy: 4,
  rejected: 5,
  cancelled: null,
  invalid_number: 2,
  unreachable: 6,
  failed: 17,
};

/** Udesk CRM: GET with the signature in the query, envelopes with a code. */
export function makeUdesk(context: ServiceContext, behaviour: UdeskBehaviour): Service {
  const clock = zoneClock(context.zone);
  const book = context.openBook({
    firstKey: 131_738,
    lists: (call) => call.charge === null && call.direction !== 'internal',
    render: (call, key) => renderLog(call, key, clock.format),
    atOfCall: (call) => call.start,
    atOfRow: (row) => instantIn(row, 'createTime', context.zone),
    keyOfRow: (row) => (typeof row['id'] === 'number' ? row['id'] : null),
  });

  const refuse = (code: number, message: string): Reply => ({
    status: behaviour.refusal === 'http' ? code : 200,
    body: { code, message, visible: false, data: null },
  });

  const trusts = (query: ReadonlyMap<string, string>): boolean => {
    const timestamp = query.get('timestamp') ?? '';
    const at = wholeNumber(timestamp);
    if (at === null || query.get('email') !== FAKES.udesk.email) return false;
    const signed = [FAKES.udesk.email, FAKES.udesk.secretKey, timestamp].join('&');
    if (query.get('sign') !== createHash('sha1').update(signed).digest('hex')) return false;
    const tolerance = behaviour.timestampTolerance ?? Infinity;
    return Math.abs(context.clock() - at * SECOND) <= tolerance;
  };

  const callLogs = (query: ReadonlyMap<string, string>): Reply => {
    const from = clock.parse(query.get('startTime') ?? '');
    const to = clock.parse(query.get('endTime') ?? '');
    const pageNum = wholeNumber(query.get('pageNum') ?? '1');
    const pageSize = wholeNumber(query.get('pageSize') ?? '20');
    if (from === null || to === null) return refuse(400, '时间格式不正确');
    if (pageNum === null || pageNum < 1) return refuse(400, '页码不正确');
    if (pageSize === null || pageSize < 1 || pageSize > 100) {
      return refuse(400, '每页数量最大100');
    }
    const entries = book
      .between(from.at, exclusiveEnd(to.at, behaviour.endInclusive ?? true))
      .toReversed();
    const list = entries
      .slice((pageNum - 1) * pageSize, pageNum * pageSize)
      .map((entry) => book.rowOf(entry));
    const total = behaviour.total === 'one' ? 1 : entries.length;
    return accept({ list, pageNum, pageSize, total, paging: null });
  };

  const view = (callId: string | undefined): Reply => {
    const row = book.rows().find((listed) => listed['callId'] === callId);
    return accept(row === undefined ? [] : legsOf(row));
  };

  const operations: Readonly<Record<string, (query: ReadonlyMap<string, string>) => Reply>> = {
    '/api/v1/callLogs': callLogs,
    '/api/v1/callLogs/view': (query) => view(query.get('callId')),
    '/api/v1/hangupReasons': hangupReasons,
  };

  return {
    basePath: '/udesk/api',
    book,
    operation: ({ path }) => path.split('/').at(-1) ?? 'unknown',
    answer({ method, path, query }: SandboxRequest) {
      const operation = operations[path];
      if (operation === undefined) {
        return { status: 404, body: { status: 404, error: 'Not Found', path } };
      }
      if (method !== 'GET') return { status: 405, body: { status: 405, error: 'Not Allowed' } };
      return trusts(query) ? operation(query) : refuse(401, '身份认证失败');
    },
    failure: (kind) => (kind === 'auth' ? refuse(401, '身份认证失败') : refuse(500, '系统异常')),
  };
}

function accept(data: Json): Reply {
  return { status: 200, body: { code: 200, message: 'OK', visible: false, data } };
}

function hangupReasons(): Reply {
  const data = REASONS.map((name, index) => ({ id: index + 1, name }));
  const paging = { pageNum: 1, pageSize: data.length, total: data.length };
  const head = { code: 200, message: 'OK', visible: false };
  return { status: 200, body: { ...head, exception: null, paging, data, extra: null } };
}

/** The customer's leg and, for a conversation, the agent's, each with its recording. */
function legsOf(row: JsonObject): JsonObject[] {
  const talked = Number(row['duration']) > 0;
  return (talked ? [1, 2] : [1]).map((channelUserType) => {
    const recordUrl = `http://192.0.2.20/${hexOf(`${row['callId']} ${channelUserType}`, 16)}.mp3`;
    const callLogRecordFoundResponseList = talked ? [{ recordUrl }] : [];
    return { ...row, channelUserType, callLogRecordFoundResponseList };
  });
}

function renderLog(call: Call, id: number, format: (at: number) => string): JsonObject {
  const inbound = call.direction === 'inbound';
  const customerNumber = inbound ? call.caller : call.callee;
  const automatic = call.mode === 'automatic' || call.mode === 'ivr';
  const ringing = ((call.answer ?? call.end) - call.ring) / SECOND;
  const place = hash32(customerNumber);
  const known = place % 4 === 0;
  return {
    id,
    createTime: format(call.start),
    customerNumber,
    province: known ? null : (place % 31) + 1,
    city: known ? null : (place % 300) + 1,
    agentName: call.agent === '' ? null : `坐席${call.agent}`,
    duration: call.talkSeconds,
    result: resultOf(call, automatic && id % 40 === 0),
    // The table says text, the sample shows numbers.
    ringingDuration: id % 7 === 0 ? String(ringing) : ringing,
    spNumber: inbound ? call.callee : call.caller,
    callType: inbound ? 1 : automatic ? 3 : 2,
    seatType: automatic ? 2 : 1,
    dropSide: (call.hungUpBy === 'caller') === inbound ? 1 : 2,
    hangupCauseId: inbound ? null : CAUSES[call.ending],
    callId: uuidOf(`udesk call ${call.uid}`),
    customerName: known ? `客户${place % 1000}` : null,
    businessId: known ? 15_000 + (place % 1000) : null,
    businessLogType: known ? 2 : null,
    conversationId: uuidOf(`udesk conversation ${call.uid}`),
  };
}

/** 1 and 5 answered by customer and agent, 2 and 3 not answered by them, 4 rejected by the agent. */
function resultOf(call: Call, contradicts: boolean): number {
  // The document's sample has a result of 1 beside a duration of 0.
  if (contradicts) return 1;
  const inbound = call.direction === 'inbound';
  if (call.ending === 'answered') return inbound ? 5 : 1;
  if (!inbound) return 2;
  return call.ending === 'rejected' ? 4 : 3;
}
