import { existsSync } from 'node:fs';
import SQLite from 'better-sqlite3';
import pg from 'pg';
import { z } from 'zod';
import { parsers } from '../../src/store/postgres/types.ts';
import { type PostgresAddress, storeAddress } from '../../src/store-url.ts';
import { type Row, withoutSignature } from './messages.ts';

/** The store, read past the code that is being tried. */
export interface StoreReader {
  runs(since: number): Promise<readonly StoredRun[]>;
  watermarks(): Promise<ReadonlyMap<string, number>>;
  raws(): Promise<readonly Pick<Row, 'account' | 'raw'>[]>;
  polls(): Promise<number>;
  /** Accounts that were polled to the end at least once. */
  synced(): Promise<number>;
  calls(): Promise<number>;
}

const StoredRun = z.object({
  account: z.string(),
  trigger: z.string(),
  started: z.int(),
  ended: z.int().nullable(),
  state: z.string().nullable(),
});
export type StoredRun = z.infer<typeof StoredRun>;

const Account = z.object({ id: z.string(), watermark: z.int() });
const Stored = z.object({ account: z.string(), raw: z.string() });
const Count = z.object({ count: z.int() });

/** @param url as `store` in the configuration. */
export function openReader(url: string): StoreReader {
  const address = storeAddress(url);
  const ask: Ask = async (sql) =>
    address.kind === 'sqlite' ? askSqlite(address.path, sql) : askPostgres(address, sql);
  const count = async (sql: string): Promise<number> =>
    z.array(Count).parse(await ask(sql))[0]?.count ?? 0;
  return {
    runs: async (since) => {
      const sql = `select account_id as account, "trigger", started_at as started, ended_at as ended, state
        from runs where started_at >= ${since} order by account_id, started_at`;
      return z.array(StoredRun).parse(await ask(sql));
    },
    watermarks: async () => {
      const rows = z.array(Account).parse(await ask('select id, watermark from accounts'));
      return new Map(rows.map(({ id, watermark }) => [id, watermark]));
    },
    raws: async () => {
      const rows = z.array(Stored).parse(await ask('select account_id as account, raw from calls'));
      return rows.map(({ account, raw }) => ({ account, raw: withoutSignature(raw) }));
    },
    polls: () => count(`select count(*) as count from runs where "trigger" = 'poll'`),
    synced: () =>
      count(
        `select count(distinct account_id) as count from runs where "trigger" = 'poll' and state = 'ok'`,
      ),
    calls: () => count('select count(*) as count from calls'),
  };
}

/** No rows as long as there is no store. */
type Ask = (sql: string) => Promise<readonly unknown[]>;

function askSqlite(path: string, sql: string): readonly unknown[] {
  if (!existsSync(path)) return [];
  const database = new SQLite(path, { readonly: true, fileMustExist: true, timeout: 10_000 });
  try {
    return database.prepare<unknown[]>(sql).all();
  } catch (error) {
    // The worker is about to make it.
    if (error instanceof SQLite.SqliteError && error.message.startsWith('no such table')) return [];
    throw error;
  } finally {
    database.close();
  }
}

const AWAY = /^(?:57P0[1-3]|ECONN\w+)$/;

/** Again and again while the server is being killed, or the worker has not made the tables yet. */
async function askPostgres(address: PostgresAddress, sql: string): Promise<readonly unknown[]> {
  const { host, port, user, database, schema } = address;
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client({
      ...{ host, port, database, options: `-c search_path=${schema}`, types: parsers() },
      ...(user === null ? {} : { user }),
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const broken = error instanceof Error && error.message.startsWith('Connection terminated');
      if (code === '42P01') return [];
      if (!(AWAY.test(code) || broken) || attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
