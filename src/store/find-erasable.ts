import { sql } from 'kysely';
import { type Mention, mentionsOf, rowAlone, type Searched } from '../number-match.ts';
import { engineOf } from './engine.ts';
import { NO_PAYLOAD } from './erased.ts';
import type { Store } from './store.ts';

/** Finding what an account's tables hold of a number. Everything here only reads. */

export interface Sought {
  readonly accountId: string;
  /** Under what the number is found: `numberKeys`. */
  readonly keys: ReadonlySet<string>;
  /** What all spellings have in common. */
  readonly digits: string;
  /** What started or was stored before this instant (milliseconds). */
  readonly before: number;
}

export interface FoundCall {
  readonly callId: string;
  /** `payload`: nowhere but there. */
  readonly place: Mention['place'];
  /** The fields of the payload that hold the number, of a call that has it nowhere else. */
  readonly fields: readonly string[];
}

/** Calls that one look reads at most: it keeps this process from everything else meanwhile. */
const STRETCH = 5000;

export interface Stretch {
  readonly calls: readonly FoundCall[];
  /** Calls that stay as they are, and hold the digits inside longer ones or in an id. */
  readonly inside: readonly string[];
  /** How many calls were looked at. */
  readonly searched: number;
  /** The last id that was looked at; null at the end. */
  readonly next: string | null;
}

/**
 * The calls of a stretch that hold the number, now or in an earlier version. A
 * number is stored as the provider wrote it, with whatever between its digits,
 * so that neither an index nor SQL can tell: every row is read, a stretch at a time.
 */
export async function callsThatHold(store: Store, sought: Sought, after: string): Promise<Stretch> {
  const next = await stretchEnd(store, sought.accountId, after);
  const now = await holdingNow(store, sought, after, next);
  const earlier = await holdingBefore(store, sought, after, next);
  const calls = new Map(now.calls.map((call) => [call.callId, call]));
  for (const call of earlier) if (!calls.has(call.callId)) calls.set(call.callId, call);
  const inside = now.inside.filter((callId) => !calls.has(callId));
  return { calls: [...calls.values()], inside, searched: now.searched, next };
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
  sought: Sought,
  after: string,
  to: string | null,
): Promise<Omit<Stretch, 'next'>> {
  const rows = await db
    .selectFrom('calls')
    .select(['call_id', 'native_id', 'identity_key', 'correlation_id'])
    .select(['caller', 'callee', 'agent', 'raw', 'started_at', 'first_seen_at'])
    .where('account_id', '=', sought.accountId)
    .where('call_id', '>', after)
    .$if(to !== null, (query) => query.where('call_id', '<=', to ?? ''))
    .where('erasure_id', 'is', null)
    .execute();
  const calls: FoundCall[] = [];
  const inside: string[] = [];
  for (const row of rows) {
    if (!isBefore(row, sought.before)) continue;
    const found = holds(row, sought);
    if (found !== null) calls.push({ callId: row.call_id, ...found });
    else if (row.raw.includes(sought.digits)) inside.push(row.call_id);
  }
  return { calls, inside, searched: rows.length };
}

async function holdingBefore(
  { db }: Store,
  sought: Sought,
  after: string,
  to: string | null,
): Promise<readonly FoundCall[]> {
  const rows = await db
    .selectFrom('call_versions')
    .select(['call_id', 'record', 'raw'])
    .where('account_id', '=', sought.accountId)
    .where('call_id', '>', after)
    .$if(to !== null, (query) => query.where('call_id', '<=', to ?? ''))
    .where(PAYLOAD, '<>', NO_PAYLOAD)
    .execute();
  return rows.flatMap(({ call_id, record, raw }) => {
    const columns: Version = JSON.parse(record);
    if ((columns.erasure_id ?? null) !== null || !isBefore(columns, sought.before)) return [];
    const found = holds({ ...columns, call_id, raw }, sought);
    return found === null ? [] : [{ callId: call_id, ...found }];
  });
}

function holds(call: Searched, { keys }: Pick<Sought, 'keys'>): Omit<FoundCall, 'callId'> | null {
  const fields = new Set<string>();
  for (const { place, field, key } of mentionsOf(call)) {
    if (!keys.has(key)) continue;
    if (place === 'party') return { place, fields: [] };
    fields.add(field);
  }
  return fields.size === 0 ? null : { place: 'payload', fields: [...fields] };
}

/** As text: PostgreSQL compares no JSON. */
const PAYLOAD = sql<string>`cast(raw as text)`;

interface Version extends Omit<Searched, 'call_id' | 'raw'> {
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
      .where(PAYLOAD, '<>', NO_PAYLOAD)
      .executeTakeFirstOrThrow();
    versions += Number(count);
  }
  return versions;
}

const IDS_A_QUERY = 500;

/** The quarantined rows that hold the number, by digest and day. */
export async function quarantineThatHolds({ db }: Store, sought: Sought) {
  const rows = await db
    .selectFrom('quarantine')
    .select(['digest', 'listed_on', 'raw'])
    .where('account_id', '=', sought.accountId)
    .where('first_seen_at', '<', sought.before)
    .execute();
  return rows.filter(({ raw }) => holds(rowAlone(raw), sought) !== null);
}

/** How many rows that wait for the proof of their walk hold the number, as a party's or otherwise. */
export async function countHeld({ db }: Store, { accountId, digits, keys }: Sought) {
  const rows = await db
    .selectFrom('window_rows')
    .innerJoin('windows', 'windows.id', 'window_rows.window_id')
    .select('window_rows.raw')
    .where('windows.account_id', '=', accountId)
    .execute();
  // They are read again, so that one too many costs nothing.
  const held = rows.filter(({ raw }) => raw.includes(digits) || holds(rowAlone(raw), { keys }));
  return held.length;
}

function isBefore(
  { started_at, first_seen_at }: { readonly started_at: string; readonly first_seen_at: string },
  before: number,
): boolean {
  return Date.parse(started_at) < before || Date.parse(first_seen_at) < before;
}

/** The calls of an account that started in a span (ISO 8601 UTC) and are not overwritten, the oldest first. */
export function oldCallsQuery(
  { db }: Store,
  accountId: string,
  { from, to }: { readonly from: string; readonly to: string },
  limit: number,
) {
  return db
    .selectFrom('calls')
    .select(['call_id', 'started_at'])
    .where('started_at', '>=', from)
    .where('started_at', '<', to)
    .where(engineOf(db).passedBy('account_id'), '=', accountId)
    .where('erasure_id', 'is', null)
    .orderBy('started_at')
    .limit(limit);
}
