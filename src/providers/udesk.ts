import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallFlag, Direction, Disposition, HangupParty } from '../call.ts';
import type { JsonObject } from '../json.ts';
import { isoSeconds, SECOND } from '../time.ts';
import {
  credentialsRefused,
  notAsPromised,
  providerTrouble,
  requestRefused,
  tooManyRequests,
} from './faults.ts';
import {
  customFields,
  flagList,
  plainText,
  plainWhole,
  RowProblem,
  readStart,
  received,
  requiredText,
  statedSeconds,
  text,
  UNCOMPILED,
  whole,
} from './fields.ts';
import { countedPage, pageCount } from './paging.ts';
import {
  type Access,
  type Dimension,
  type DimensionEntry,
  defineProvider,
  type Failed,
  type HttpRequest,
  type Signing,
} from './provider.ts';

/** The most that the provider's document allows. */
const PAGE_SIZE = 100;

const HANGUP_REASONS = 'hangup_reasons';

/** `callType`: 1 in, 2 out, 3 automatic out. */
const DIRECTIONS: ReadonlyMap<string | null, Direction> = new Map([
  ['1', 'inbound'],
  ['2', 'outbound'],
  ['3', 'outbound'],
]);

/** `dropSide` */
const PARTIES: ReadonlyMap<string | null, HangupParty> = new Map([
  ['1', 'customer'],
  ['2', 'agent'],
]);

/** By `hangupCauseId`, from the hangup reasons in the provider's document; every other id is `failed`. */
const BY_CAUSE: ReadonlyMap<string, Disposition> = new Map([
  ['1', 'unreachable'],
  ['2', 'invalid_number'],
  ['3', 'unreachable'],
  ['4', 'busy'],
  ['5', 'rejected'],
  ['6', 'unreachable'],
  ['7', 'unreachable'],
  ['8', 'busy'],
  ['13', 'no_answer'],
  ['15', 'no_answer'],
  ['16', 'invalid_number'],
]);

/** By `result`, where there is no cause: 1 and 5 say answered, 2, 3 and 4 not. */
const BY_RESULT: ReadonlyMap<string | null, Disposition> = new Map([
  ['2', 'no_answer'],
  ['3', 'no_answer'],
  ['4', 'rejected'],
]);

const ANSWERED: ReadonlySet<string | null> = new Set(['1', '5']);

const CUSTOM = [
  'customerName',
  'businessId',
  'businessLogType',
  'province',
  'city',
  'seatType',
  'result',
];

const credentials = z.strictObject({
  email: z.string().min(1).meta({ description: 'The address that the key was given to.' }),
  secretKey: z.string().min(1).meta({ description: 'The key that signs requests.' }),
});
const options = z.strictObject({});

type UdeskAccess = Access<z.infer<typeof credentials>, z.infer<typeof options>>;

const row = z
  .object({
    id: text,
    callId: text,
    conversationId: text,
    createTime: text,
    customerNumber: text,
    spNumber: text,
    agentName: text,
    duration: whole,
    ringingDuration: whole,
    callType: text,
    dropSide: text,
    hangupCauseId: text,
  })
  .catchall(received);

type Row = z.infer<typeof row>;

function plainRow(row: JsonObject): Row {
  return {
    ...row,
    id: plainText(row['id']),
    callId: plainText(row['callId']),
    conversationId: plainText(row['conversationId']),
    createTime: plainText(row['createTime']),
    customerNumber: plainText(row['customerNumber']),
    spNumber: plainText(row['spNumber']),
    agentName: plainText(row['agentName']),
    duration: plainWhole(row['duration']),
    ringingDuration: plainWhole(row['ringingDuration']),
    callType: plainText(row['callType']),
    dropSide: plainText(row['dropSide']),
    hangupCauseId: plainText(row['hangupCauseId']),
  };
}

const envelope = z.looseObject({
  code: requiredText,
  message: text.catch(null),
  data: received.optional(),
});

const listing = z
  .looseObject({ total: whole, pageSize: whole, list: z.array(received).nullish() })
  .refine(({ list, total }) => Array.isArray(list) || total === 0, {
    path: ['list'],
    error: 'is missing',
  });

const objects = z.array(z.record(z.string(), received));
const reason = z.looseObject({ id: requiredText, name: requiredText });

/** Words about the signature or the login: the codes of such refusals are not documented. */
const ABOUT_SIGNATURE = /(?<![a-z])(?:sign|signature)(?![a-z])|认证|签名|鉴权/i;
const ABOUT_LOGIN = /(?<![a-z])e-?mail(?![a-z])/i;

function signedGet(
  operation: string,
  query: Readonly<Record<string, string>>,
  { now }: Signing,
  { baseUrl, credentials: { email, secretKey } }: UdeskAccess,
): HttpRequest {
  const timestamp = String(Math.floor(now / SECOND));
  const sign = createHash('sha1').update(`${email}&${secretKey}&${timestamp}`).digest('hex');
  const parameters = new URLSearchParams({ ...query, email, timestamp, sign });
  return {
    operation,
    method: 'GET',
    url: `${baseUrl}/v1/${operation}?${parameters}`,
    headers: { Accept: 'application/json' },
    body: { kind: 'none' },
    secrets: [sign],
  };
}

type Opened = { readonly kind: 'data'; readonly data: unknown } | Failed;

function openEnvelope(body: unknown): Opened {
  const answer = envelope.safeParse(body, UNCOMPILED);
  if (!answer.success) return notAsPromised(answer.error);
  const { code, message, data } = answer.data;
  if (code === '200') return { kind: 'data', data };
  const said = { code, message };
  // A server that repeats the request names its parameters, `email` and `sign` among them.
  const words = (message ?? '').replace(/\?\S*/g, '');
  const refused = credentialsRefused(said, {
    en: "Check email and secretKey of this account, and that this machine's clock is right.",
    zh: '请检查该账号的 `email` 和 `secretKey`，并确认本机时钟准确。',
  });
  if (code === '401' || code === '403' || ABOUT_SIGNATURE.test(words)) return refused;
  if (code === '429') return tooManyRequests(said);
  // Before the login's word: a mail service that is down is no refused email.
  if (/^5\d\d$/.test(code)) return providerTrouble(said);
  if (ABOUT_LOGIN.test(words)) return refused;
  return requestRefused(said);
}

const hangupReasons: Dimension<UdeskAccess['credentials'], UdeskAccess['options']> = {
  name: HANGUP_REASONS,
  request: (signing, access) => signedGet('hangupReasons', {}, signing, access),
  read(body) {
    const opened = openEnvelope(body);
    if (opened.kind === 'fault') return opened;
    const list = objects.safeParse(opened.data, UNCOMPILED);
    if (!list.success) return notAsPromised(list.error);
    const entries: DimensionEntry[] = [];
    for (const raw of list.data) {
      const named = reason.safeParse(raw);
      if (!named.success) return notAsPromised(named.error);
      entries.push({ id: named.data.id, name: named.data.name, raw });
    }
    return { kind: 'entries', entries };
  },
};

function disposition(talk: number, cause: string | null, result: string | null): Disposition {
  if (talk > 0) return 'answered';
  if (cause !== null) return BY_CAUSE.get(cause) ?? 'failed';
  return BY_RESULT.get(result) ?? 'unknown';
}

/** Udesk CRM: the list of calls that its document calls callLogs. */
export const udesk = defineProvider({
  name: 'udesk',
  address: {
    example: 'https://crm.example.com/api',
    endpoint: /\/v1(?:\/callLogs(?:\/(?:view|search))?|\/hangupReasons)?$/,
  },
  credentials,
  options,
  row,
  plainRow,
  secrets: ({ secretKey }) => [secretKey],
  principal: ({ email }) => email,
  // The vendor's public documentation allows its sister API 60 calls a minute.
  defaults: { every: '5m', minInterval: '1s' },
  // No limit is documented; a month bounds the size of a walk.
  reach: { maxDays: 31, horizon: () => null, wholeDays: false },
  paging: 'numbered',
  identity: 'native',
  volatile: [],
  mappingVersion: 1,
  dimensions: [hangupReasons],

  request({ from, to, cursor, signing }, access) {
    const query = {
      startTime: access.clock.format(from),
      endTime: access.clock.format(to),
      pageNum: String(pageCount(cursor).page),
      pageSize: String(PAGE_SIZE),
    };
    return signedGet('callLogs', query, signing, access);
  },

  read(body, ask) {
    const opened = openEnvelope(body);
    if (opened.kind === 'fault') return opened;
    const list = listing.safeParse(opened.data, UNCOMPILED);
    if (!list.success) return notAsPromised(list.error);
    const { total, pageSize: size } = list.data;
    const rows = list.data.list ?? [];
    return countedPage(ask, rows, { asked: PAGE_SIZE, total, size });
  },

  toCall(row, { clock }, names) {
    const callId = row.callId ?? row.id;
    if (callId === null) throw new RowProblem('callId, id: both are missing');
    const flags = new Set<CallFlag>();
    const talk = statedSeconds(row.duration, flags);
    const result = text.safeParse(row['result']).data ?? null;
    if (ANSWERED.has(result) && !(talk !== null && talk > 0)) flags.add('answered_zero_talk');
    const direction = DIRECTIONS.get(row.callType) ?? 'unknown';
    const inbound = direction === 'inbound';
    const outbound = direction === 'outbound';
    const cause = row.hangupCauseId;
    return {
      call_id: callId,
      native_id: row.id,
      correlation_id: row.conversationId,
      direction,
      call_mode: row.callType,
      // Which of the two called is known only with the direction.
      caller: inbound ? row.customerNumber : outbound ? row.spNumber : null,
      callee: inbound ? row.spNumber : outbound ? row.customerNumber : null,
      agent: row.agentName,
      started_at: isoSeconds(readStart(clock, 'createTime', row.createTime, flags)),
      ringing_at: null,
      answered_at: null,
      ended_at: null,
      duration_seconds: null,
      ring_seconds: statedSeconds(row.ringingDuration, flags),
      talk_seconds: talk,
      billed_seconds: null,
      cost: null,
      currency: null,
      disposition: disposition(talk ?? 0, cause, result),
      hangup_cause: cause,
      hangup_reason: cause === null ? null : names(HANGUP_REASONS, cause),
      hangup_party: PARTIES.get(row.dropSide) ?? null,
      recording_ref: null,
      recording_state: 'unknown',
      is_call: true,
      flags: flagList(flags),
      custom: customFields(row, CUSTOM),
    };
  },
});
