import { sql } from 'kysely';
import { numbersIn, SHORTEST_IN_TEXT, sharedDigits } from '../phone-number.ts';
import { isoMillis, isoSeconds } from '../time.ts';
import { NO_PAYLOAD } from './erased.ts';
import type { Store } from './store.ts';

/** Finding what an account's tables hold of a number. Everything here only reads. */

export interface Sought {
  readonly accountId: string;
  /** Every spelling under which the number may be stored. */
  readonly forms: readonly string[];
  /** What started or was stored before this instant (milliseconds). */
  readonly before: number;
}

/** The calls that carry the number as a party now: by index. */
export async function callsOfParty(
  store: Store,
  sought: Sought,
  limit: number,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const party of ['caller', 'callee'] as const) {
    const rows = await callsAsParty(store, sought, party).limit(limit).execute();
    for (const { call_id } of rows) found.add(call_id);
  }
  return [...found];
}

export function callsAsParty(
  { db }: Store,
  { accountId, forms, before }: Sought,
  party: 'caller' | 'callee',
) {
  const early = { started: isoSeconds(before), seen: isoMillis(before) };
  return (
    db
      .selectFrom('calls')
      .select('call_id')
      .where(party, 'in', forms)
      // Not the bare column: by an index on the account, SQLite would read all of its calls.
      .where(sql<string>`account_id || ''`, '=', accountId)
      .where('erasure_id', 'is', null)
      .where((eb) =>
        eb.or([eb('started_at', '<', early.started), eb('first_seen_at', '<', early.seen)]),
      )
  );
}

/** Rows that one look reads at most: it keeps this process from everything else meanwhile. */
const STRETCH = 20_000;

export interface Stretch {
  readonly callIds: readonly string[];
  /** The last id that was looked at; null at the end. */
  readonly next: string | null;
}

/**
 * The calls of a stretch that hold the number elsewhere: in the payload (a field
 * that the mapping takes for no party), or in an earlier version. No index has
 * these, so the account is read through, a stretch at a time.
 */
export async function callsThatHold(store: Store, sought: Sought, after: string): Promise<Stretch> {
  const next = await stretchEnd(store, sought.accountId, after);
  const callIds = [
    ...(await holdingNow(store, sought, after, next)),
    ...(await holdingBefore(store, sought, after, next)),
  ];
  return { callIds: [...new Set(callIds)], next };
}

async function stretchEnd({ db }: Store, accountId: string, after: string): Promise<string | null> {
  const row = await db
    .selectFrom('calls')
    .select('call_id')
    .where('account_id', '=', accountId)
    .where('call_id', '>', after)
    .orderBy('call_id')
    .offset(STRETCH)
    .limit(1)
    .executeTakeFirst();
  return row?.call_id ?? null;
}

async function holdingNow(
  { db }: Store,
  { accountId, forms, before }: Sought,
  after: string,
  to: string | null,
): Promise<readonly string[]> {
  const digits = sharedDigits(forms);
  // Of so short a number nothing but the party's own column is to be believed.
  if (digits.length < SHORTEST_IN_TEXT) return [];
  const rows = await db
    .selectFrom('calls')
    .select(['call_id', 'raw', 'started_at', 'first_seen_at'])
    .where('account_id', '=', accountId)
    .where('call_id', '>', after)
    .$if(to !== null, (query) => query.where('call_id', '<=', to ?? ''))
    .where('erasure_id', 'is', null)
    .where(sql<number>`instr(raw, ${digits})`, '>', 0)
    .execute();
  return rows
    .filter((row) => isBefore(row, before) && holdsNumber(row.raw, forms))
    .map(({ call_id }) => call_id);
}

async function holdingBefore(
  { db }: Store,
  { accountId, forms, before }: Sought,
  after: string,
  to: string | null,
): Promise<readonly string[]> {
  const digits = sharedDigits(forms);
  const rows = await db
    .selectFrom('call_versions')
    .select(['call_id', 'record', 'raw'])
    .where('account_id', '=', accountId)
    .where('call_id', '>', after)
    .$if(to !== null, (query) => query.where('call_id', '<=', to ?? ''))
    .where(sql<number>`instr(record, ${digits}) + instr(raw, ${digits})`, '>', 0)
    .execute();
  return rows.flatMap(({ call_id, record, raw }) => {
    const columns: Version = JSON.parse(record);
    if ((columns.erasure_id ?? null) !== null) return [];
    const party = [columns.caller, columns.callee].some((text) => isForm(text, forms));
    const long = digits.length >= SHORTEST_IN_TEXT;
    const holds = party || (long && (holdsNumber(raw, forms) || holdsNumber(record, forms)));
    return holds && isBefore(columns, before) ? [call_id] : [];
  });
}

interface Version {
  readonly caller: string | null;
  readonly callee: string | null;
  readonly started_at: string;
  readonly first_seen_at: string;
  /** Absent where an older cdrsync wrote it. */
  readonly erasure_id?: string | null;
}

/** How many versions these calls have that are not overwritten yet. */
export async function countVersions(
  { db }: Store,
  accountId: string,
  callIds: readonly string[],
): Promise<number> {
  let versions = 0;
  for (let at = 0; at < callIds.length; at += IDS_A_QUERY) {
    const { count } = await db
      .selectFrom('call_versions')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('account_id', '=', accountId)
      .where('call_id', 'in', callIds.slice(at, at + IDS_A_QUERY))
      .where('raw', '<>', NO_PAYLOAD)
      .executeTakeFirstOrThrow();
    versions += Number(count);
  }
  return versions;
}

const IDS_A_QUERY = 500;

/** The quarantined rows that hold the number, by digest and day. */
export async function quarantineThatHolds(
  { db }: Store,
  { accountId, forms, before }: Sought,
): Promise<
  readonly { readonly digest: string; readonly listed_on: string; readonly raw: string }[]
> {
  const digits = sharedDigits(forms);
  if (digits.length < SHORTEST_IN_TEXT) return [];
  const rows = await db
    .selectFrom('quarantine')
    .select(['digest', 'listed_on', 'raw'])
    .where('account_id', '=', accountId)
    .where('first_seen_at', '<', before)
    .where(sql<number>`instr(raw, ${digits})`, '>', 0)
    .execute();
  return rows.filter(({ raw }) => holdsNumber(raw, forms));
}

/** How many rows that wait for the proof of their walk hold the number. */
export async function countHeld({ db }: Store, { accountId, forms }: Sought): Promise<number> {
  const rows = await db
    .selectFrom('window_rows')
    .innerJoin('windows', 'windows.id', 'window_rows.window_id')
    .select('window_rows.raw')
    .where('windows.account_id', '=', accountId)
    .where(sql<number>`instr(window_rows.raw, ${sharedDigits(forms)})`, '>', 0)
    .execute();
  return rows.length;
}

function isBefore(
  { started_at, first_seen_at }: { readonly started_at: string; readonly first_seen_at: string },
  before: number,
): boolean {
  return Date.parse(started_at) < before || Date.parse(first_seen_at) < before;
}

function isForm(text: string | null, forms: readonly string[]): boolean {
  return text !== null && forms.includes(text);
}

function holdsNumber(text: string, forms: readonly string[]): boolean {
  const numbers = numbersIn(text);
  return forms.some((form) => numbers.has(form));
}

/** The calls of an account that started in a span (ISO 8601 UTC) and are not overwritten, the oldest first. */
export function oldCallsQuery(
  { db }: Store,
  accountId: string,
  { from, to }: { readonly from: string; readonly to: string },
  limit: number,
) {
  return (
    db
      .selectFrom('calls')
      .select(['call_id', 'started_at'])
      .where('started_at', '>=', from)
      .where('started_at', '<', to)
      // Not the bare column: by an index on the account, SQLite would read all of its calls.
      .where(sql<string>`account_id || ''`, '=', accountId)
      .where('erasure_id', 'is', null)
      .orderBy('started_at')
      .limit(limit)
  );
}
