import type { Kysely } from 'kysely';
import type { Text } from '../../codes/entry.ts';
import { CdrError, configError, fault } from '../../errors.ts';
import { acquireLease, fenced, type Lease } from '../leases.ts';
import { oneAtATime } from '../meta.ts';
import type { Schema } from '../schema.ts';
import { type Store, type StoreTransaction, transact } from '../store.ts';
import { CALLS, type TableName } from '../tables.ts';
import { type Mark, readMark, removeMark, writeMark } from './mark.ts';
import { COPY_LEASE } from './rows.ts';
import { CALL_VERSIONS, SMALL_TABLES } from './tables.ts';

/** Into what a copy may be written, by whom, and when it is a store. */

/** A store that may become one's copy, with the names for messages. */
export interface Target {
  readonly store: Store;
  readonly name: string;
  readonly mark: Mark;
}

/**
 * Looks whether a store may become the copy: it is empty, or was begun as one of
 * the same source.
 *
 * @throws CdrError `copy.target`.
 */
export async function checkTarget(
  db: Kysely<Schema>,
  { name, mark }: Omit<Target, 'store'>,
): Promise<'new' | 'begun'> {
  const found = await readMark(db);
  if (found !== null) {
    if (found.source === mark.source) return 'begun';
    throw refused(`${name} is an unfinished copy of another store, ${found.name}`);
  }
  const id = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', 'store_id')
    .executeTakeFirst();
  if (id?.value === mark.source) {
    throw refused(`${name} is the store that is to be copied, or a finished copy of it`, {
      en: 'The same command with --verify-only compares a finished copy with its source again.',
      zh: '同一命令加上 `--verify-only`，可将已完成的副本与来源再次比对。',
    });
  }
  for (const { name: table } of [CALLS, CALL_VERSIONS, ...SMALL_TABLES]) {
    if (table !== 'meta' && (await hasRows(db, table))) throw refused(`${name} is not empty`);
  }
  return 'new';
}

async function hasRows(db: Kysely<Schema>, table: TableName): Promise<boolean> {
  const row = await db
    .selectFrom(table)
    .select((eb) => eb.lit(1).as('one'))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function refused(words: string, hint?: Text): CdrError {
  return configError('copy.target', words, hint);
}

/** Marks the target, and takes the right to write into it, which one process has at a time. */
export async function beginCopy(target: Target): Promise<Lease> {
  const { store, name, mark } = target;
  await transact(store, async (trx) => {
    await oneAtATime(trx);
    if ((await checkTarget(trx, target)) === 'new') await writeMark(trx, mark);
  });
  const result = await acquireLease(store, COPY_LEASE);
  if (result.kind !== 'held') {
    throw new CdrError(fault('copy.running', `${result.by} is copying into ${name}`));
  }
  const { lease } = result;
  // Another process may have completed it meanwhile: then it is a store, and perhaps in use.
  const begun = await fenced(store, lease, async (trx) => {
    if ((await readMark(trx)) !== null) return true;
    await trx.deleteFrom('leases').where('account_id', '=', COPY_LEASE).execute();
    return false;
  });
  if (begun) return lease;
  throw refused(`${name} was completed by another process meanwhile`);
}

/**
 * Whoever had opened the target before it was marked could still write into it.
 * An account's first write is its lease.
 *
 * @throws CdrError `copy.target`.
 */
export async function refuseWriters(trx: StoreTransaction, name: string): Promise<void> {
  const mark = await readMark(trx);
  if (mark?.written === true) return;
  const other = await trx
    .selectFrom('leases')
    .select('account_id')
    .where('account_id', '<>', COPY_LEASE)
    .executeTakeFirst();
  if (other !== undefined) {
    throw refused(`another process has written into ${name} since the copy was begun`);
  }
}

/** Makes a store of the copy. */
export async function endCopy(trx: StoreTransaction): Promise<void> {
  await removeMark(trx);
  await trx.deleteFrom('leases').where('account_id', '=', COPY_LEASE).execute();
}
