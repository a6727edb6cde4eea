import type { Selectable } from 'kysely';
import { takeSequence } from './change-seq.ts';
import { engineOf } from './engine.ts';
import { erasedColumns, NO_PAYLOAD } from './erased.ts';
import type { CallsTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';
import { keepVersions } from './versions.ts';

/** Overwriting stored calls: the current row, and whatever it was before. */

export interface ErasedCalls {
  readonly calls: number;
  /** What these calls were before changes, as far as it was not overwritten yet. */
  readonly versions: number;
}

/** From now on what is deleted is overwritten, as far as the database can. It stays so: other writers share it. */
export async function overwriteDeleted({ db }: Pick<Store, 'db'>): Promise<void> {
  await engineOf(db).overwriteDeleted(db);
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
  const numbers = due.length === 0 ? [] : await takeSequence(trx, due.length);
  const versions = await eraseVersions(trx, rows, act);
  const erased = due.map((row) => ({
    ...row,
    ...erasedColumns(row, act.id),
    raw: NO_PAYLOAD,
  }));
  // The version that each replaces holds no more than the new one.
  const kept = erased.map((old) => ({ old, reason: 'erasure' }) as const);
  await keepVersions(trx, kept, act.now);
  const written = erased.map((row, index) => ({
    ...row,
    version: row.version + 1,
    change_seq: numbers[index] ?? 0,
    changed_at: act.now,
  }));
  await engineOf(trx).upsertCalls(trx, written);
  return { calls: due.length, versions };
}

/** More than a statement's parameters are many: a day of a provider without pages is one page. */
const IDS_A_STATEMENT = 1000;

/** The calls of these ids, whole. */
export async function readCalls(
  trx: StoreTransaction,
  accountId: string,
  callIds: readonly string[],
): Promise<readonly Selectable<CallsTable>[]> {
  const calls: Selectable<CallsTable>[] = [];
  for (let start = 0; start < callIds.length; start += IDS_A_STATEMENT) {
    const rows = await trx
      .selectFrom('calls')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('call_id', 'in', callIds.slice(start, start + IDS_A_STATEMENT))
      .execute();
    calls.push(...rows);
  }
  return calls;
}

/** What these calls were before changes, as far as it is not overwritten yet; returns how many that were. */
async function eraseVersions(
  trx: StoreTransaction,
  rows: readonly Selectable<CallsTable>[],
  { id }: ErasureAct,
): Promise<number> {
  const changed = rows.filter(({ version }) => version > 1);
  let erased = 0;
  for (let start = 0; start < changed.length; start += IDS_A_STATEMENT) {
    const part = changed.slice(start, start + IDS_A_STATEMENT);
    const kept = await trx
      .selectFrom('call_versions')
      .selectAll()
      .where('account_id', '=', part[0]?.account_id ?? '')
      .where(
        'call_id',
        'in',
        part.map(({ call_id }) => call_id),
      )
      .execute();
    for (const { account_id, call_id, version, record } of kept) {
      const columns: Selectable<CallsTable> = JSON.parse(record);
      // One that was written by an older cdrsync has no such field.
      if ((columns.erasure_id ?? null) !== null) continue;
      const text = JSON.stringify({ ...columns, ...erasedColumns(columns, id) });
      await trx
        .updateTable('call_versions')
        .set({ record: text, raw: NO_PAYLOAD })
        .where('account_id', '=', account_id)
        .where('call_id', '=', call_id)
        .where('version', '=', version)
        .execute();
      erased += 1;
    }
  }
  return erased;
}
