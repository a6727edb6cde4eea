import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { askPostgresSync, type Value } from './postgres-sync.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The database in which the stores under test have their schemas; null where they are SQLite files. */
    storeServer: string | null;
  }
}

/**
 * The stores under test: SQLite files, or schemas of PostgreSQL, as the project
 * of vitest.config.ts says. A store is named by its path or its URL.
 */

const SERVER = inject('storeServer');

export const STORE_KIND = SERVER === null ? 'sqlite' : 'postgres';

/** A test of what SQLite alone has, or has otherwise: the reason says what. */
export function onlySqlite(_reason: string) {
  return it.skipIf(STORE_KIND !== 'sqlite');
}

/** A test of what PostgreSQL alone has, or has otherwise: the reason says what. */
export function onlyPostgres(_reason: string) {
  return it.skipIf(STORE_KIND !== 'postgres');
}

/** The name of a store that does not exist yet; what becomes of it is gone when the test has ended. */
export function newStore(folder: string, file?: string): string {
  const store = nameStore(folder, file);
  onTestFinished(() => removeStore(store));
  return store;
}

/** The name of a store that is removed by whoever made it, its folder apart. */
export function nameStore(folder: string, file = 'cdrsync.db'): string {
  if (SERVER === null) return join(folder, file);
  const url = new URL(SERVER);
  url.searchParams.set('schema', `t_${randomBytes(6).toString('hex')}`);
  url.searchParams.set('pool', '4');
  return url.href;
}

/** As `store` in the configuration. */
export function storeUrl(store: string): string {
  return isPostgres(store) ? store : `sqlite:${store}`;
}

function isPostgres(store: string): boolean {
  return store.startsWith('postgres');
}

function schemaOf(store: string): string {
  return new URL(store).searchParams.get('schema') ?? '';
}

/** Files are left to be removed with their folder. */
export function removeStore(store: string): void {
  if (!isPostgres(store)) return;
  askPostgresSync(store, `drop schema if exists ${schemaOf(store)} cascade`, []);
}

export function storeExists(store: string): boolean {
  if (!isPostgres(store)) return existsSync(store);
  const sql = 'select from pg_namespace where nspname = ?';
  return askPostgresSync(store, sql, [schemaOf(store)]).count > 0;
}

/** Makes a database in the place of the store that is not ours. */
export function plant(store: string, sql: string): void {
  if (isPostgres(store)) {
    askPostgresSync(store, `create schema ${schemaOf(store)}`, []);
    askPostgresSync(store, sql, []);
    return;
  }
  const database = new SQLite(store);
  database.exec(sql);
  database.close();
}

/** Keeps every writer out, as a program that forgot its transaction does, until it is told to let go. */
export function lockStore(store: string): () => void {
  const begin = (): (() => void) => {
    if (isPostgres(store)) {
      askPostgresSync(store, 'begin', []);
      askPostgresSync(store, 'lock table leases, runs in exclusive mode', []);
      return () => askPostgresSync(store, 'rollback', []);
    }
    const database = new SQLite(store);
    database.exec('begin immediate');
    return () => database.close();
  };
  const end = begin();
  let held = true;
  const release = (): void => {
    if (held) end();
    held = false;
  };
  onTestFinished(release);
  return release;
}

/** The same as long as nothing of the store changes. */
export function fingerprint(store: string): string {
  const hash = createHash('sha256');
  if (!isPostgres(store)) return hash.update(readFileSync(store)).digest('hex');
  return hash.update(wholeText(store)).digest('hex');
}

/** All that a file or a schema holds. */
export function wholeText(store: string): string {
  if (!isPostgres(store)) return readFileSync(store, 'utf8');
  const sql = `select schema_to_xml(current_schema(), true, false, '')::text as content`;
  return JSON.stringify(askPostgresSync(store, sql, []).rows);
}

/** Looks at the store as it is now until it is told to end, as a forgotten report does. */
export function readOn(store: string): () => void {
  if (isPostgres(store)) {
    askPostgresSync(store, 'begin isolation level repeatable read', []);
    askPostgresSync(store, 'select count(*) from calls', []);
    return () => void askPostgresSync(store, 'rollback', []);
  }
  const reader = new SQLite(store, { readonly: true });
  reader.exec('begin');
  reader.prepare('select count(*) from calls').get();
  return () => void reader.close();
}

// The store, read and changed past the code under test.

export function query<Row>(
  store: string,
  row: z.ZodType<Row>,
  sql: string,
  ...values: readonly Value[]
): Row[] {
  if (isPostgres(store)) return z.array(row).parse(askPostgresSync(store, sql, values).rows);
  const database = new SQLite(store, { readonly: true, fileMustExist: true });
  try {
    return z.array(row).parse(database.prepare<unknown[]>(sql).all(...values));
  } finally {
    database.close();
  }
}

const Counted = z.object({ count: z.int() });

/** How many rows a table has, or those of them that a condition names. */
export function countIn(store: string, table: string, where = '1 = 1'): number {
  const sql = `select count(*) as count from ${table} where ${where}`;
  return query(store, Counted, sql)[0]?.count ?? 0;
}

/** The number of the last change: SQLite counts in a row, PostgreSQL by a sequence. */
export function lastChange(store: string): number {
  const sql = isPostgres(store)
    ? 'select last_value as count from change_seq'
    : 'select value as count from counters';
  return query(store, Counted, sql)[0]?.count ?? Number.NaN;
}

/** From now on the numbers of changes begin after the greatest that a call has. */
export function raiseLastChange(store: string): void {
  const greatest = 'select max(change_seq) from calls';
  if (isPostgres(store)) askPostgresSync(store, `select setval('change_seq', (${greatest}))`, []);
  else tamper(store, `update counters set value = (${greatest})`);
}

/** Runs a statement on a store that no process has open, and returns how many rows it changed. */
export function tamper(store: string, sql: string, ...values: readonly Value[]): number {
  if (isPostgres(store)) return askPostgresSync(store, sql, values).count;
  const database = new SQLite(store, { fileMustExist: true });
  try {
    return database.prepare<unknown[]>(sql).run(...values).changes;
  } finally {
    database.close();
  }
}
