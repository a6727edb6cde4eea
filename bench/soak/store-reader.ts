import { existsSync } from 'node:fs';
import SQLite from 'better-sqlite3';
import { z } from 'zod';
import { type Row, withoutSignature } from './messages.ts';

/** The store, read past the code that is being tried. */

const StoredRun = z.object({
  account: z.string(),
  trigger: z.string(),
  started: z.int(),
  ended: z.int().nullable(),
  state: z.string().nullable(),
});
export type StoredRun = z.infer<typeof StoredRun>;

export function readRuns(store: string, since: number): readonly StoredRun[] {
  const sql = `select account_id as account, "trigger", started_at as started, ended_at as ended, state
    from runs where started_at >= ? order by account_id, started_at`;
  return read(store, StoredRun, sql, since);
}

const Account = z.object({ id: z.string(), watermark: z.int() });

export function readWatermarks(store: string): ReadonlyMap<string, number> {
  const rows = read(store, Account, 'select id, watermark from accounts');
  return new Map(rows.map(({ id, watermark }) => [id, watermark]));
}

const Stored = z.object({ account: z.string(), raw: z.string() });

export function readRaws(store: string): readonly Pick<Row, 'account' | 'raw'>[] {
  return read(store, Stored, 'select account_id as account, raw from calls').map(
    ({ account, raw }) => ({ account, raw: withoutSignature(raw) }),
  );
}

const Count = z.object({ count: z.int() });

export function countPolls(store: string): number {
  return count(store, `select count(*) as count from runs where "trigger" = 'poll'`);
}

/** Accounts that were polled to the end at least once. */
export function countSynced(store: string): number {
  const sql = `select count(distinct account_id) as count from runs where "trigger" = 'poll' and state = 'ok'`;
  return count(store, sql);
}

export function countCalls(store: string): number {
  return count(store, 'select count(*) as count from calls');
}

function count(store: string, sql: string): number {
  try {
    return read(store, Count, sql)[0]?.count ?? 0;
  } catch (error) {
    // The worker is about to make it.
    if (error instanceof SQLite.SqliteError && error.message.startsWith('no such table')) return 0;
    throw error;
  }
}

function read<Found>(
  store: string,
  row: z.ZodType<Found>,
  sql: string,
  ...values: readonly number[]
): Found[] {
  if (!existsSync(store)) return [];
  const database = new SQLite(store, { readonly: true, fileMustExist: true, timeout: 10_000 });
  try {
    return z.array(row).parse(database.prepare<unknown[]>(sql).all(...values));
  } finally {
    database.close();
  }
}
