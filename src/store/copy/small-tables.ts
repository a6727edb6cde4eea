import type { Row } from '../bulk.ts';
import { engineOf } from '../engine.ts';
import { fenced, type Lease } from '../leases.ts';
import type { Store, StoreTransaction } from '../store.ts';
import type { StoreTable, TableName } from '../tables.ts';
import { comparedOf } from './content.ts';
import type { Sum } from './digest.ts';
import { MARK, writeMark } from './mark.ts';
import { COPY_LEASE, readAll, tableRows } from './rows.ts';
import { SMALL_TABLES } from './tables.ts';
import { refuseWriters, type Target } from './target.ts';

const A_STATEMENT = 500;

/**
 * Replaces all that is not calls, in one transaction: either the target knows
 * the accounts with all of their positions, or none of them.
 *
 * @param changeSeq the greatest number of a change that the source had given.
 */
export async function copySmallTables(
  { db: source }: Store,
  { store, name, mark }: Target,
  lease: Lease,
  changeSeq: number,
): Promise<ReadonlyMap<TableName, Sum>> {
  return fenced(store, lease, async (trx) => {
    await refuseWriters(trx, name);
    for (const table of SMALL_TABLES) await clear(trx, table.name);
    const sums = new Map<TableName, Sum>();
    for (const table of SMALL_TABLES) sums.set(table.name, await copyTable(source, trx, table));
    await writeMark(trx, { ...mark, written: true });
    await engineOf(trx).setSequence(trx, changeSeq);
    return sums;
  });
}

async function clear(trx: StoreTransaction, table: TableName): Promise<void> {
  if (table === 'meta') await trx.deleteFrom(table).where('name', '<>', MARK).execute();
  else if (table === 'leases') {
    await trx.deleteFrom(table).where('account_id', '<>', COPY_LEASE).execute();
  } else await trx.deleteFrom(table).execute();
}

async function copyTable(
  source: Store['db'],
  trx: StoreTransaction,
  table: StoreTable,
): Promise<Sum> {
  const { insertRows } = engineOf(trx);
  let rows: Row[] = [];
  const flush = async (): Promise<void> => {
    const batch = rows;
    rows = [];
    await insertRows(trx, table, batch);
  };
  const sum = await readAll(comparedOf(table), tableRows(source, table), (_, row) => {
    rows.push(table.name === 'leases' ? { ...row, holder: null } : row);
    return rows.length < A_STATEMENT ? null : flush();
  });
  await flush();
  return sum;
}
