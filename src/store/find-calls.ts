import { engineOf, type TimeRange } from './engine.ts';
import { isNumber, type Party, STARTED_HOUR } from './number-index.ts';
import { RECORD_COLUMNS, type StoredRecord } from './records.ts';
import type { Store } from './store.ts';

/** Looking calls up by what a person knows of them; each query is a lookup in an index. */

export interface Found {
  /** The newest first. */
  readonly records: readonly StoredRecord[];
  /** There are further ones. */
  readonly more: boolean;
}

/**
 * The calls that carry an id: as `call_id`, as the provider's record number, or
 * as the identity that several calls share (two records under one uuid, equal
 * rows of a provider that gives no id).
 */
export async function callsWithId(
  store: Store,
  id: string,
  accountIds: readonly string[],
  limit: number,
): Promise<Found> {
  const found: (readonly StoredRecord[])[] = [];
  for (const query of idQueries(store, id, accountIds, limit)) found.push(await query.execute());
  return newest(found.flat(), limit);
}

/** The newest calls of an id, by each of the indexes that may have it. */
export function idQueries({ db }: Store, id: string, accountIds: readonly string[], limit: number) {
  const calls = db
    .selectFrom('calls')
    .select(RECORD_COLUMNS)
    .where('account_id', 'in', accountIds)
    .orderBy('started_at', 'desc')
    .limit(limit + 1);
  return [
    calls.where('call_id', '=', id),
    calls.where('native_id', '=', id),
    calls
      .where('identity_key', '=', id)
      // As the partial index has it; without these words it would not be used.
      .whereRef('identity_key', '<>', 'call_id'),
  ];
}

/** Where and when to look for a number. */
export interface NumberScope extends TimeRange {
  /** Null for every account. */
  readonly accountIds: readonly string[] | null;
}

/** The newest calls that one of these spellings of a number made or received. */
export async function callsWithNumber(
  store: Store,
  forms: readonly string[],
  scopes: readonly NumberScope[],
  limit: number,
): Promise<Found> {
  const found: (readonly StoredRecord[])[] = [];
  for (const scope of scopes) {
    const hours = await engineOf(store.db).hoursOfNumber(store.db, forms, scope);
    found.push(
      hours === null
        ? await callsInOrder(store, { forms, scope, limit })
        : await callsByHour(store, { forms, scope, limit }, hours),
    );
  }
  return newest(found.flat(), limit);
}

interface Look {
  readonly forms: readonly string[];
  readonly scope: NumberScope;
  readonly limit: number;
}

const PARTIES: readonly Party[] = ['caller', 'callee'];

/**
 * One query for each spelling: with several at once the index would give them
 * in no order, and all calls of a busy number be sorted.
 */
async function callsInOrder(store: Store, look: Look): Promise<readonly StoredRecord[]> {
  const found: (readonly StoredRecord[])[] = [];
  for (const form of look.forms) {
    for (const party of PARTIES) {
      found.push(await partyQuery(store, party, { ...look, forms: [form] }).execute());
    }
  }
  return found.flat();
}

/** No further back than the newest calls reach: what is sorted is an hour's calls of the number. */
async function callsByHour(
  store: Store,
  look: Look,
  hours: readonly string[],
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (const hour of hours) {
    for (const party of PARTIES)
      found.push(...(await partyQuery(store, party, look, hour).execute()));
    if (found.length > 2 * look.limit) break;
  }
  return found;
}

/** @param hour UTC, where the index has the numbers of an hour together. */
export function partyQuery(
  store: Store,
  party: Party,
  { forms, scope: { accountIds, from, to }, limit }: Look,
  hour: string | null = null,
) {
  return store.db
    .selectFrom('calls')
    .select(RECORD_COLUMNS)
    .where((eb) =>
      eb.and([
        ...(hour === null
          ? [eb(party, 'in', forms)]
          : [eb(STARTED_HOUR, '=', hour), isNumber(party, forms)]),
        ...(accountIds === null ? [] : [eb('account_id', 'in', accountIds)]),
        ...(from === null ? [] : [eb('started_at', '>=', from)]),
        ...(to === null ? [] : [eb('started_at', '<', to)]),
      ]),
    )
    .orderBy('started_at', 'desc')
    .limit(limit + 1);
}

function newest(found: readonly StoredRecord[], limit: number): Found {
  const byKey = new Map(found.map((record) => [`${record.account_id}\0${record.call_id}`, record]));
  const records = [...byKey].sort(([a, one], [b, other]) => {
    if (one.started_at !== other.started_at) return one.started_at < other.started_at ? 1 : -1;
    return a < b ? -1 : 1;
  });
  return {
    records: records.slice(0, limit).map(([, record]) => record),
    more: records.length > limit,
  };
}
