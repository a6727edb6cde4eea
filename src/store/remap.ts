import type { Selectable } from 'kysely';
import type { Call } from '../call.ts';
import { mappedColumns, storeFlags } from './mapped-columns.ts';
import { setBackErasedTo } from './retentions.ts';
import type { CallsTable, QuarantineTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** Mapping stored payloads again: the records follow the mapping, the payloads and versions stay. */

export type StoredRow = Selectable<CallsTable>;

/** An account's calls by id, a batch at a time; `after` is the last id of the batch before. */
export async function callBatch(
  store: Store,
  accountId: string,
  after: string,
  limit: number,
): Promise<readonly StoredRow[]> {
  return store.db
    .selectFrom('calls')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('call_id', '>', after)
    .orderBy('call_id')
    .limit(limit)
    .execute();
}

type MappedColumns = ReturnType<typeof remapped>;

/** What the current mapping makes of a stored call. What identifies it stays as it is. */
export function remapped(call: Call, stored: StoredRow) {
  const {
    call_id: _id,
    identity_key: _key,
    native_id: _native,
    ...columns
  } = mappedColumns(call, storeFlags(stored.flags));
  return columns;
}

/** The names of the columns in which a mapping differs from what is stored. */
export function differences(columns: MappedColumns, stored: StoredRow): readonly string[] {
  return Object.entries(columns).flatMap(([name, value]) =>
    Reflect.get(stored, name) === value ? [] : [name],
  );
}

export async function rewriteMapping(
  trx: StoreTransaction,
  stored: StoredRow,
  columns: MappedColumns,
  mappingVersion: number,
  sequence: number,
): Promise<void> {
  await trx
    .updateTable('calls')
    .set({ ...columns, mapping_version: mappingVersion, change_seq: sequence })
    .where('account_id', '=', stored.account_id)
    .where('call_id', '=', stored.call_id)
    .execute();
  await setBackErasedTo(trx, stored.account_id, [columns.started_at]);
}

export async function quarantined(
  store: Store,
  accountId: string,
): Promise<readonly Selectable<QuarantineTable>[]> {
  return store.db
    .selectFrom('quarantine')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('resolved_at', 'is', null)
    .orderBy('first_seen_at')
    .execute();
}

export async function releaseRow(
  trx: StoreTransaction,
  { account_id, listed_on, digest }: Selectable<QuarantineTable>,
): Promise<void> {
  await trx
    .deleteFrom('quarantine')
    .where('account_id', '=', account_id)
    .where('listed_on', '=', listed_on)
    .where('digest', '=', digest)
    .execute();
}
