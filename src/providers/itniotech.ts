import { createHash } from 'node:crypto';
import { DateTime } from 'luxon';
import { z } from 'zod';
import type { CallFlag, Disposition } from '../call.ts';
import type { JsonObject } from '../json.ts';
import { DAY, HOUR, isoSeconds, SECOND } from '../time.ts';
import * as faults from './faults.ts';
import {
  customFields,
  flagList,
  money,
  plainMoney,
  plainRequired,
  plainText,
  plainWhole,
  readStart,
  readTime,
  received,
  requiredText,
  secondsBetween,
  statedSeconds,
  text,
  timeText,
  UNCOMPILED,
  whole,
} from './fields.ts';
import { countedPage, pageCount } from './paging.ts';
import { defineProvider, type Failed } from './provider.ts';

/** The largest that the provider's document allows. */
const PAGE_SIZE = 100;

/** `status` of a refused request (provider's document). */
const REFUSALS: ReadonlyMap<string, (said: faults.Said) => Failed> = new Map([
  ['-1', faults.credentialsRefused],
  ['-2', faults.addressRefused],
  ['-16', faults.clockRefused],
  ['-18', faults.providerTrouble],
  ['-22', faults.requestRefused],
  ['-25', faults.outOfReach],
]);

/**
 * `terminationCode`, as far as it is a SIP status. The provider's document
 * contradicts itself about it, so it never says that a call was answered.
 */
const DISPOSITIONS: ReadonlyMap<string | null, Disposition> = new Map([
  ['404', 'invalid_number'],
  ['408', 'no_answer'],
  ['480', 'unreachable'],
  ['484', 'invalid_number'],
  ['486', 'busy'],
  ['487', 'cancelled'],
  ['600', 'busy'],
  ['603', 'rejected'],
]);

const CURRENCY_CODE = /^[A-Za-z]{3}$/;

const CUSTOM =
  'sipGroupName callTime code billPeriod rate settleRate quoteExchange settlePay'.split(' ');

const row = z
  .object({
    voiceId: requiredText,
    phoneName: text,
    callee: text,
    displayNum: text,
    submitTime: text,
    ringingTime: text,
    answerTime: text,
    hangupTime: text,
    callDuration: whole,
    chargedDuration: whole,
    terminationCode: text,
    terminationReason: text,
    cost: money,
    costEur: money,
    currency: text,
    recordingFileId: text,
  })
  .catchall(received);

type Row = z.infer<typeof row>;

function plainRow(row: JsonObject): Row {
  return {
    ...row,
    voiceId: plainRequired(row['voiceId']),
    phoneName: plainText(row['phoneName']),
    callee: plainText(row['callee']),
    displayNum: plainText(row['displayNum']),
    submitTime: plainText(row['submitTime']),
    ringingTime: plainText(row['ringingTime']),
    answerTime: plainText(row['answerTime']),
    hangupTime: plainText(row['hangupTime']),
    callDuration: plainWhole(row['callDuration']),
    chargedDuration: plainWhole(row['chargedDuration']),
    terminationCode: plainText(row['terminationCode']),
    terminationReason: plainText(row['terminationReason']),
    cost: plainMoney(row['cost']),
    costEur: plainMoney(row['costEur']),
    currency: plainText(row['currency']),
    recordingFileId: plainText(row['recordingFileId']),
  };
}

const credentials = z.strictObject({
  apiKey: z.string().min(1).meta({ description: 'The API key.' }),
  apiSecret: z.string().min(1).meta({ description: 'The secret that signs requests.' }),
});

const envelope = z.object({ status: requiredText, reason: text, data: z.unknown().optional() });

const listing = z
  .object({ total: whole, size: whole, records: z.array(received).nullish() })
  .refine(({ records, total }) => Array.isArray(records) || total === 0, {
    path: ['records'],
    error: 'is missing',
  });

/**
 * The provider serves "the last two months" and does not say how it counts
 * them: the later of two calendar months and sixty days, with an hour to spare.
 */
function horizon(now: number): number {
  const months = DateTime.fromMillis(now, { zone: 'Asia/Shanghai' }).minus({ months: 2 });
  return Math.max(months.toMillis(), now - 60 * DAY) + HOUR;
}

/** recordSipQuery, the paged list of SIP calls (provider's document). */
export const itniotech = defineProvider({
  name: 'itniotech',
  address: {
    example: 'https://api.itniotech.com/voice',
    endpoint: /\/(?:recordSipQuery|recordSip(?:\/[^/]*)?|getRecordingFileUrl)$/,
  },
  credentials,
  options: z.strictObject({}),
  row,
  plainRow,
  secrets: ({ apiKey, apiSecret }) => [apiKey, apiSecret],
  principal: ({ apiKey }) => apiKey,
  defaults: { every: '5m', minInterval: '0s' },
  reach: { maxDays: 31, horizon, wholeDays: false },
  paging: 'numbered',
  identity: 'native',
  volatile: [],
  // 2: a currency that is no code is left to the payload.
  mappingVersion: 2,

  request(ask, { baseUrl, clock, credentials: { apiKey, apiSecret } }) {
    const timestamp = String(Math.floor(ask.signing.now / SECOND));
    const sign = createHash('md5').update(`${apiKey}${apiSecret}${timestamp}`).digest('hex');
    return {
      operation: 'recordSipQuery',
      method: 'POST',
      url: `${baseUrl}/recordSipQuery`,
      headers: {
        'Content-Type': 'application/json;charset=UTF-8',
        Sign: sign,
        Timestamp: timestamp,
        'Api-Key': apiKey,
      },
      body: {
        kind: 'json',
        text: JSON.stringify({
          current: pageCount(ask.cursor).page,
          size: PAGE_SIZE,
          params: {
            strTime: clock.formatWithOffset(ask.from),
            endTime: clock.formatWithOffset(ask.to),
          },
        }),
      },
      secrets: [sign],
    };
  },

  read(body, ask) {
    const answer = envelope.safeParse(body, UNCOMPILED);
    if (!answer.success) return faults.notAsPromised(answer.error);
    const { status, reason, data } = answer.data;
    if (status !== '0') {
      return (REFUSALS.get(status) ?? faults.requestRefused)({ code: status, message: reason });
    }
    const list = listing.safeParse(data, UNCOMPILED);
    if (!list.success) return faults.notAsPromised(list.error);
    const { total, size } = list.data;
    const rows = list.data.records ?? [];
    return countedPage(ask, rows, { asked: PAGE_SIZE, total, size });
  },

  toCall(record, { clock, currency: configured }) {
    const flags = new Set<CallFlag>();
    const start = readStart(clock, 'submitTime', record.submitTime, flags);
    const ringing = readTime(clock, 'ringingTime', record.ringingTime, flags);
    const answer = readTime(clock, 'answerTime', record.answerTime, flags);
    const end = readTime(clock, 'hangupTime', record.hangupTime, flags);
    const duration = secondsBetween(start, end, flags);
    if (answer !== null && answer < start) flags.add('time_order');
    const talk = statedSeconds(record.callDuration, flags);
    const answered = talk !== null && talk > 0;
    const rang = secondsBetween(ringing, answered ? answer : end, flags);
    // The document's own sample has it after the answer, so it is kept, flagged, and used for nothing.
    const called = record['callTime'];
    const calledAt = typeof called === 'string' ? clock.parse(called.trim()) : null;
    if (calledAt !== null && answer !== null && calledAt.at > answer) flags.add('time_order');
    const cost = record.cost ?? record.costEur;
    // Stated only where it is not US dollars; the sister brand writes euros into a field of their
    // own (vendor's public documentation).
    const stated = record.currency ?? (record.cost === null ? 'EUR' : 'USD');
    // The API takes free text there, which nobody reads as a currency.
    const currency = CURRENCY_CODE.test(stated) ? stated : configured;
    return {
      call_id: record.voiceId,
      native_id: null,
      correlation_id: null,
      direction: 'outbound',
      call_mode: null,
      caller: record.displayNum,
      callee: record.callee,
      agent: record.phoneName,
      started_at: isoSeconds(start),
      ringing_at: timeText(ringing),
      answered_at: answered ? timeText(answer) : null,
      ended_at: timeText(end),
      duration_seconds: duration,
      ring_seconds: rang,
      talk_seconds: talk,
      billed_seconds: statedSeconds(record.chargedDuration, flags),
      cost,
      currency: cost === null ? null : currency,
      disposition: answered ? 'answered' : (DISPOSITIONS.get(record.terminationCode) ?? 'unknown'),
      hangup_cause: record.terminationCode,
      hangup_reason: record.terminationReason,
      hangup_party: null,
      recording_ref: record.recordingFileId,
      recording_state: record.recordingFileId === null ? 'none' : 'listed',
      is_call: true,
      flags: flagList(flags),
      custom: customFields(record, CUSTOM),
    };
  },
});
