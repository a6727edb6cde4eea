import type { Store, StoreTransaction } from './store.ts';

/** One entry of a synced list of names: a code, and what it means. */
export interface StoredEntry {
  readonly id: string;
  readonly name: string;
  /** As received. */
  readonly raw: string;
}

/** Replaces what is known of the entries listed; one that is no longer listed stays, for old calls. */
export async function saveDimension(
  trx: StoreTransaction,
  accountId: string,
  dimension: string,
  entries: readonly StoredEntry[],
  now: number,
): Promise<void> {
  for (const { id, name, raw } of entries) {
    await trx
      .insertInto('dimensions')
      .values({ account_id: accountId, dimension, id, name, raw, seen_at: now })
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'dimension', 'id'])
          .doUpdateSet({ name, raw, seen_at: now }),
      )
      .execute();
  }
}

export interface DimensionNames {
  readonly names: ReadonlyMap<string, string>;
  /** When the list was read last; null where it never was. */
  readonly readAt: number | null;
}

export async function readDimension(
  store: Store,
  accountId: string,
  dimension: string,
): Promise<DimensionNames> {
  const rows = await store.db
    .selectFrom('dimensions')
    .select(['id', 'name', 'seen_at'])
    .where('account_id', '=', accountId)
    .where('dimension', '=', dimension)
    .execute();
  return {
    names: new Map(rows.map(({ id, name }) => [id, name])),
    readAt: rows.length === 0 ? null : Math.max(...rows.map(({ seen_at }) => seen_at)),
  };
}
