import { engineOf, type NumberScope } from './engine.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
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
  const found: StoredRecord[] = [];
  for (const query of idQueries(store, id, accountIds, limit)) {
    found.push(...(await query.execute()));
  }
  return newest(found, limit);
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

/** The newest calls that one of these spellings of a number made or received. */
export async function callsWithNumber(
  { db }: Store,
  forms: readonly string[],
  scopes: readonly NumberScope[],
  limit: number,
): Promise<Found> {
  const found: StoredRecord[] = [];
  for (const scope of scopes) {
    found.push(...(await engineOf(db).callsOfNumber(db, { forms, scope, limit })));
  }
  return newest(found, limit);
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
