import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { DAY, MINUTE, SECOND, zoneClock } from '../time.ts';
import { exclusiveEnd } from './book.ts';
import { FAKES } from './fakes.ts';
import { hexOf } from './random.ts';
import type { Call, Ending } from './traffic.ts';
import {
  type CommonBehaviour,
  decimalText,
  instantIn,
  type Reply,
  type SandboxRequest,
  type Service,
  type ServiceContext,
  wholeNumber,
} from './wire.ts';

export interface ItniotechBehaviour extends CommonBehaviour {
  /** `usd` states no currency; `eur` states EUR; `costEur` has the amount under that name. */
  readonly money?: 'usd' | 'eur' | 'costEur';
  /** The time by which the list filters; the document does not say. */
  readonly filterBy?: 'submitTime' | 'hangupTime';
}

const OFFSET_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

const Query = z.object({
  current: z.int().min(1),
  size: z.int().min(1).max(100),
  params: z.object({
    strTime: z.string().regex(OFFSET_TIME),
    endTime: z.string().regex(OFFSET_TIME),
    sipGroupName: z.string().optional(),
    phoneName: z.string().optional(),
  }),
});

const REFUSALS = {
  auth: ['-1', '账号认证异常'],
  expired: ['-16', '时间戳过期'],
  system: ['-18', '系统异常'],
  parameters: ['-22', '参数异常'],
  range: ['-25', '超出时间范围限制'],
} as const;

const CAUSES: Readonly<Record<Ending, readonly [string, string]>> = {
  answered: ['1000', 'success'],
  no_answer: ['408', 'Request Timeout'],
  busy: ['486', 'Busy Here'],
  rejected: ['603', 'Decline'],
  cancelled: ['487', 'Request Terminated'],
  invalid_number: ['404', 'Not Found'],
  unreachable: ['480', 'Temporarily Unavailable'],
  failed: ['503', 'Service Unavailable'],
};

/** Itniotech: JSON posted, signed in three headers, refusals as a status in the body. */
export function makeItniotech(context: ServiceContext, behaviour: ItniotechBehaviour): Service {
  const clock = zoneClock(context.zone);
  const book = context.openBook({
    firstKey: 1_000_002,
    lists: (call) => call.charge === null && call.direction === 'outbound',
    render: (call, key) => renderRecord(call, key, clock.formatWithOffset, behaviour.money),
    atOfCall: (call) => (behaviour.filterBy === 'hangupTime' ? call.end : call.start),
    atOfRow: (row) => instantIn(row, behaviour.filterBy ?? 'submitTime', context.zone),
    keyOfRow: () => null,
  });

  const recordSipQuery = (request: SandboxRequest): Reply => {
    const { sign, timestamp, 'api-key': apiKey } = request.headers;
    if (apiKey !== FAKES.itniotech.apiKey || typeof timestamp !== 'string') return refuse('auth');
    const signed = FAKES.itniotech.apiKey + FAKES.itniotech.apiSecret + timestamp;
    if (sign !== createHash('md5').update(signed).digest('hex')) return refuse('auth');
    const at = (wholeNumber(timestamp) ?? 0) * SECOND;
    if (Math.abs(context.clock() - at) > 5 * MINUTE) return refuse('expired');

    const query = Query.safeParse(request.json);
    if (!query.success) return refuse('parameters');
    const { current, size, params } = query.data;
    const from = clock.parse(params.strTime)?.at;
    const to = clock.parse(params.endTime)?.at;
    if (from === undefined || to === undefined || to < from) return refuse('parameters');
    if (to - from > 31 * DAY || from < twoMonthsBefore(context.clock())) return refuse('range');

    const entries = book
      .between(from, exclusiveEnd(to, behaviour.endInclusive ?? true))
      .filter((entry) => {
        if (!params.sipGroupName && !params.phoneName) return true;
        const row = book.rowOf(entry);
        if (params.sipGroupName && row['sipGroupName'] !== params.sipGroupName) return false;
        return !params.phoneName || row['phoneName'] === params.phoneName;
      })
      .toReversed();
    const total = entries.length;
    const records = entries
      .slice((current - 1) * size, current * size)
      .map((entry) => book.rowOf(entry));
    const pages = Math.ceil(total / size);
    const data = { total, size, current, pages, searchCount: true, records };
    return { status: 200, body: { status: '0', reason: 'success', data } };
  };

  return {
    basePath: '/itniotech/voice',
    book,
    operation: ({ path }) => path.split('/').at(-1) ?? 'unknown',
    answer(request) {
      if (request.path !== '/voice/recordSipQuery' || request.method !== 'POST') {
        return { status: 404, body: { status: 404, error: 'Not Found', path: request.path } };
      }
      return recordSipQuery(request);
    },
    failure: refuse,
  };
}

function refuse(why: keyof typeof REFUSALS): Reply {
  const [status, reason] = REFUSALS[why];
  return { status: 200, body: { status, reason } };
}

function twoMonthsBefore(now: number): number {
  const date = new Date(now);
  return date.setUTCMonth(date.getUTCMonth() - 2);
}

function renderRecord(
  call: Call,
  key: number,
  format: (at: number) => string,
  money: ItniotechBehaviour['money'],
): JsonObject {
  const answered = call.answer !== null;
  const [terminationCode, terminationReason] = CAUSES[call.ending];
  const charged = Math.ceil(call.talkSeconds / 20) * 20;
  const amount = decimalText(charged * 0.25);
  const stamp = format(call.start).replaceAll(/\D/g, '').slice(2, 14);
  // In the provider's own sample the time of calling lies after the answer.
  const callTime = call.start + (key % 50 === 0 ? 182 : 1) * SECOND;
  return {
    voiceId: `${stamp}${String(key).padStart(7, '0')}`,
    sipGroupName: `group${(Number(call.agent) % 3) + 1}`,
    phoneName: `sipName${call.agent}`,
    callee: international(call.callee),
    displayNum: international(call.caller),
    code: 'China(Shanghai)',
    submitTime: format(call.start),
    callTime: format(callTime),
    ringingTime: answered || call.ending === 'no_answer' ? format(call.ring) : '',
    answerTime: call.answer === null ? '' : format(call.answer),
    hangupTime: format(call.end),
    callDuration: call.talkSeconds,
    chargedDuration: charged,
    terminationCode,
    terminationReason,
    ...(money === 'costEur' ? { costEur: amount } : { cost: amount }),
    billPeriod: '20+20',
    rate: '0.015',
    recordingFileId: answered ? `${stamp}${hexOf(call.uid, 20)}.mp3` : '',
    ...(money === 'eur' ? { currency: 'EUR' } : {}),
  };
}

function international(number: string): string {
  if (number.length < 8) return number;
  return number.startsWith('0') ? `86${number.slice(1)}` : `86${number}`;
}
