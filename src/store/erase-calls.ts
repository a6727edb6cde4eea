import type { Selectable } from 'kysely';
import { takeSequence } from './change-seq.ts';
import { erasedColumns, NO_PAYLOAD } from './erased.ts';
import { overwriteDeleted } from './remains.ts';
import type { CallsTable } from './schema.ts';
import type { StoreTransaction } from './store.ts';
import { keepVersion } from './versions.ts';

/** Overwriting stored calls: the current row, and whatever it was before. */

export interface ErasedCalls {
  readonly calls: number;
  /** What these calls were before changes, as far as it was not overwritten yet. */
  readonly versions: number;
}

/** The erasure, and when it is done (ISO 8601 UTC, to the millisecond). */
export interface ErasureAct {
  readonly id: string;
  readonly now: string;
}

/**
 * Overwrites calls in every version. For those that follow the store it is a
 * change like any other: a new version, under the next `change_seq`. A call
 * that is erased already only loses what is left of it in older versions.
 */
export async function eraseCalls(
  trx: StoreTransaction,
  rows: readonly Selectable<CallsTable>[],
  act: ErasureAct,
): Promise<ErasedCalls> {
  if (rows.length > 0) await overwriteDeleted({ db: trx });
  const due = rows.filter(({ erasure_id }) => erasure_id === null);
  let sequence = due.length === 0 ? 0 : await takeSequence(trx, due.length);
  let versions = 0;
  for (const row of rows) {
    versions += await eraseVersions(trx, row, act);
    if (row.erasure_id !== null) continue;
    const erased = { ...row, ...erasedColumns(row, act.id), raw: NO_PAYLOAD };
    // The version that it replaces holds no more than the new one.
    await keepVersion(trx, erased, 'erasure', act.now);
    await trx
      .updateTable('calls')
      .set({
        ...erasedColumns(row, act.id),
        raw: NO_PAYLOAD,
        version: row.version + 1,
        change_seq: sequence++,
        changed_at: act.now,
      })
      .where('account_id', '=', row.account_id)
      .where('call_id', '=', row.call_id)
      .execute();
  }
  return { calls: due.length, versions };
}

/** The calls of these ids, whole. */
export async function readCalls(
  trx: StoreTransaction,
  accountId: string,
  callIds: readonly string[],
): Promise<readonly Selectable<CallsTable>[]> {
  if (callIds.length === 0) return [];
  return trx
    .selectFrom('calls')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('call_id', 'in', callIds)
    .execute();
}

async function eraseVersions(
  trx: StoreTransaction,
  { account_id, call_id, version }: Selectable<CallsTable>,
  { id }: ErasureAct,
): Promise<number> {
  if (version === 1) return 0;
  const kept = await trx
    .selectFrom('call_versions')
    .selectAll()
    .where('account_id', '=', account_id)
    .where('call_id', '=', call_id)
    .execute();
  let erased = 0;
  for (const { version: number, record } of kept) {
    const columns: Selectable<CallsTable> = JSON.parse(record);
    // One that was written by an older cdrsync has no such field.
    if ((columns.erasure_id ?? null) !== null) continue;
    const text = JSON.stringify({ ...columns, ...erasedColumns(columns, id) });
    await trx
      .updateTable('call_versions')
      .set({ record: text, raw: NO_PAYLOAD })
      .where('account_id', '=', account_id)
      .where('call_id', '=', call_id)
      .where('version', '=', number)
      .execute();
    erased += 1;
  }
  return erased;
}
