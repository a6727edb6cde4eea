import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { sql } from 'kysely';
import { RECORD_COLUMNS, type StoredRecord } from './records.ts';
import type { Store } from './store.ts';

/**
 * Following the store. Each write of a record takes the next `change_seq`, in
 * the transaction that writes it, and write transactions come one after
 * another: whoever sees a number sees every lower one that is still in place.
 * A record that changes again leaves its old number, so a reader may miss what
 * it was in between, and never what it is.
 */

/**
 * The greatest `change_seq` given so far, once it is certain that no power cut
 * takes it back. The store's own writes are not flushed one by one: what is
 * lost is read from the provider again, under numbers that were given before,
 * and a consumer that has seen those would pass it over.
 */
export async function durableChangeSeq({ db }: Store, url: string): Promise<number> {
  const { value } = await db
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'change_seq')
    .executeTakeFirstOrThrow();
  flushJournal(`${url.slice('sqlite:'.length)}-wal`);
  return value;
}

/** Only what is in the journal needs it: SQLite flushes what it moves from there to the file. */
function flushJournal(path: string): void {
  if (!existsSync(path)) return;
  // Windows flushes nothing by a handle that may not write.
  const handle = openSync(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Which changes are wanted: those after one number, up to and with another, of some accounts. */
export interface ChangeRange {
  readonly since: number;
  readonly upTo: number;
  readonly accountIds: readonly string[];
}

/** Streams the records that were written last in this range, in the order of their `change_seq`. */
export function streamChanges(store: Store, range: ChangeRange): AsyncIterable<StoredRecord> {
  return changesQuery(store, range).stream();
}

export function changesQuery({ db }: Store, { since, upTo, accountIds }: ChangeRange) {
  return (
    db
      .selectFrom('calls')
      .select(RECORD_COLUMNS)
      .where('change_seq', '>', since)
      .where('change_seq', '<=', upTo)
      // Not the bare column: SQLite would go by its index and then sort all the records of an account.
      .where(sql<string>`account_id || ''`, 'in', accountIds)
      .orderBy('change_seq')
  );
}
