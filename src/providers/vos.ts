import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallFlag } from '../call.ts';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../json.ts';
import { isoSeconds } from '../time.ts';
import {
  credentialsRefused,
  notAsPromised,
  providerTrouble,
  requestRefused,
  type Said,
  tooManyRequests,
} from './faults.ts';
import {
  customFields,
  flagList,
  money,
  plainMoney,
  plainText,
  RowProblem,
  readStart,
  readTime,
  received,
  secondsBetween,
  text,
  timeText,
  UNCOMPILED,
  whole,
} from './fields.ts';
import { type After, defineProvider, type Failed, type Page } from './provider.ts';

const credentials = z.strictObject({
  token: z.string().min(1).meta({ description: 'The bearer token.' }),
});

const options = z.strictObject({
  userId: z.string().min(1).meta({ description: 'The user in the path of the API.' }),
  vosAccountId: z
    .union([z.string().min(1), z.int()], 'must be text or a whole number')
    .transform((id) => String(id))
    .optional()
    .meta({ description: "The VOS account; the provider's first where left out." }),
});

const row = z
  .object({
    phone: text,
    callee_phone: text,
    start_time: text,
    end_time: text,
    hold_time: text,
    fee: money,
  })
  .catchall(received);

type Row = z.infer<typeof row>;

function plainRow(row: JsonObject): Row {
  return {
    ...row,
    phone: plainText(row['phone']),
    callee_phone: plainText(row['callee_phone']),
    start_time: plainText(row['start_time']),
    end_time: plainText(row['end_time']),
    hold_time: plainText(row['hold_time']),
    fee: plainMoney(row['fee']),
  };
}

/** What makes a row this call and no other: fee and names may change without making a new one. */
function identifying(row: Row): readonly string[] {
  const { phone, callee_phone, start_time, end_time } = row;
  // Not in the schema, because `custom` holds it as received.
  const account = text.safeParse(row['customer_account']).data ?? null;
  return [account, phone, callee_phone, start_time, end_time].map((part) => part ?? '');
}

function sha256(parts: Json): string {
  return createHash('sha256').update(writeJson(parts)).digest('hex').slice(0, 32);
}

const envelope = z.looseObject({
  code: text,
  message: text.catch(null),
  data: received.optional(),
});

const listing = z.looseObject({
  rows: z.array(received, 'is no list'),
  current_page: whole,
  last_page: whole,
  total: whole,
});

/** Where a walk stands. */
const position = z.discriminatedUnion('kind', [
  /** Pages that are counted by the response. `before`: rows of the pages before. */
  z.object({ kind: z.literal('counted'), page: z.int(), before: z.int() }),
  /** Pages of which it is not known whether they exist. `digest` and `rows` are the last page's. */
  z.object({ kind: z.literal('probe'), page: z.int(), digest: z.string(), rows: z.int() }),
]);

type Position = z.infer<typeof position>;

function readPosition(cursor: string | null): Position | null {
  return cursor === null ? null : position.parse(parseJson(cursor));
}

const more = (next: Position): After => ({ kind: 'more', cursor: writeJson(next) });
const end = (proof: boolean): After => ({ kind: 'end', proof });

/**
 * The rows, and what counts them. The provider's document shows a bare array as
 * `data`; another public copy of it shows the paging of Laravel, whose parts
 * stand in `meta` or beside the rows, here or one level down.
 */
function findListing(body: Json): Json {
  if (!isObject(body)) return body;
  const { data = null, meta = null } = body;
  const holder = isObject(data) ? data : body;
  const { data: inner = null, list = null, meta: innerMeta = null } = holder;
  return {
    ...holder,
    ...(isObject(meta) ? meta : {}),
    ...(isObject(innerMeta) ? innerMeta : {}),
    rows: Array.isArray(list) ? list : inner,
  };
}

function refusal(said: Said): Failed {
  const { code } = said;
  if (code === '401' || code === '403') {
    return credentialsRefused(said, {
      en: 'Check token and options.userId of this account.',
      zh: '请检查该账号的 `token` 和 `options.userId`。',
    });
  }
  if (code === '429') return tooManyRequests(said);
  return Number(code) >= 500 ? providerTrouble(said) : requestRefused(said);
}

type Listing = z.infer<typeof listing>;

function readPage(list: Listing, at: Position | null): Page {
  const { rows, current_page: current, last_page: last, total } = list;
  const page = at?.page ?? 1;
  const before = at?.kind === 'counted' ? at.before : 0;
  const listed = before + rows.length;
  const answer = (after: After): Page => ({ kind: 'page', rows, total, after });
  const counted = last !== null || current !== null;
  if (counted ? (current ?? 1) !== page : at?.kind === 'counted') {
    return answer({ kind: 'stuck', reason: `page ${page} was asked for, and another one came` });
  }
  if (!counted && (total === null || total <= listed)) return barePage(list, at, page);
  const over = last === null ? total !== null && total <= listed : page >= last;
  // An empty page ends the list; it proves the end only where the response does not say that more follows.
  if (over || rows.length === 0) return answer(end(over || (last === null && total === null)));
  return answer(more({ kind: 'counted', page: page + 1, before: listed }));
}

/**
 * Rows with nothing that counts them are the whole day, as in the provider's
 * document; only where their number looks like a page size, a second page is
 * asked for. A server that knows no pages lists the same rows again.
 */
function barePage({ rows, total }: Listing, at: Position | null, page: number): Page {
  const probed = at?.kind === 'probe' ? at : null;
  if (rows.length === 0 || (probed !== null && repeats(rows, probed))) {
    return { kind: 'page', rows: [], total, after: end(true) };
  }
  const suspicious = rows.length === 15 || rows.length % 50 === 0;
  const after =
    probed !== null || suspicious
      ? more({ kind: 'probe', page: page + 1, digest: digest(rows), rows: rows.length })
      : end(true);
  return { kind: 'page', rows, total, after };
}

/** The same rows, perhaps with calls that came meanwhile before or after them. */
function repeats(rows: readonly Json[], last: { readonly digest: string; readonly rows: number }) {
  // In any order: a list without one may come in another at each request.
  const parts = [rows.slice(0, last.rows), rows.slice(-last.rows)];
  return parts.some((part) => digest(part) === last.digest);
}

function digest(rows: readonly Json[]): string {
  const texts = rows.map((listed) => {
    const call = row.safeParse(listed);
    return writeJson(call.success ? identifying(call.data) : listed);
  });
  return sha256(texts.sort());
}

/**
 * Seconds of `HH:mm:ss`; the hours are not bounded by a day.
 *
 * @throws RowProblem where it is there and is no duration.
 */
function holdSeconds(value: string | null): number | null {
  if (value === null) return null;
  const match = /^(\d{1,5}):([0-5]\d):([0-5]\d)$/.exec(value);
  if (match === null) throw new RowProblem('hold_time: not a duration');
  return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
}

/** VOS softswitch behind an agent's API: the list that the document calls get_call_record. */
export const vos = defineProvider({
  name: 'vos',
  address: {
    example: 'https://vos.example.com',
    endpoint: /\/agent-api(?:\/vos(?:\/[^/]+(?:\/get_call_record)?)?)?$/,
  },
  credentials,
  options,
  row,
  plainRow,
  secrets: ({ token }) => [token],
  principal: ({ token }, { userId, vosAccountId = '' }) => [token, userId, vosAccountId].join(' '),
  defaults: { every: '1h', minInterval: '0s' },
  reach: { maxDays: 1, horizon: () => null, wholeDays: true },
  paging: 'numbered',
  identity: 'derived',
  volatile: [],
  mappingVersion: 1,

  warnings: ({ vosAccountId }) =>
    vosAccountId === undefined
      ? [
          "options.vosAccountId is left out: only the provider's first VOS account is read. Configure one account for each VOS account.",
        ]
      : [],

  request({ from, cursor }, { baseUrl, clock, credentials: { token }, options }) {
    const query = new URLSearchParams({ time: clock.dayOf(from) });
    if (options.vosAccountId !== undefined) query.set('vos_account_id', options.vosAccountId);
    const at = readPosition(cursor);
    if (at !== null) query.set('page', String(at.page));
    const user = encodeURIComponent(options.userId);
    return {
      operation: 'get_call_record',
      method: 'GET',
      url: `${baseUrl}/agent-api/vos/${user}/get_call_record?${query}`,
      headers: { Accept: 'application/json', Authorization: `Bearer ${token}` },
      body: { kind: 'none' },
      secrets: [token],
    };
  },

  read(body, { cursor }) {
    const answer = envelope.safeParse(body, UNCOMPILED);
    if (!answer.success) return notAsPromised(answer.error);
    const { code, message } = answer.data;
    if (code !== null && code !== '200') return refusal({ code, message });
    const list = listing.safeParse(findListing(body), UNCOMPILED);
    return list.success ? readPage(list.data, readPosition(cursor)) : notAsPromised(list.error);
  },

  toCall(row, { accountId, clock, currency }) {
    const flags = new Set<CallFlag>();
    const start = readStart(clock, 'start_time', row.start_time, flags);
    const stop = readTime(clock, 'end_time', row.end_time, flags);
    const talk = holdSeconds(row.hold_time);
    return {
      call_id: sha256([accountId, ...identifying(row)]),
      native_id: null,
      correlation_id: null,
      direction: 'unknown',
      call_mode: null,
      caller: row.phone,
      callee: row.callee_phone,
      agent: null,
      started_at: isoSeconds(start),
      ringing_at: null,
      answered_at: null,
      ended_at: timeText(stop),
      duration_seconds: secondsBetween(start, stop, flags),
      ring_seconds: null,
      talk_seconds: talk,
      billed_seconds: null,
      cost: row.fee,
      currency: row.fee === null ? null : currency,
      disposition: talk !== null && talk > 0 ? 'answered' : 'unknown',
      hangup_cause: null,
      hangup_reason: null,
      hangup_party: null,
      recording_ref: null,
      recording_state: 'unknown',
      is_call: true,
      flags: flagList(flags),
      custom: customFields(row, ['customer_name', 'customer_account', 'call_level_text']),
    };
  },
});
