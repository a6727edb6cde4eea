import { existsSync } from 'node:fs';
import { Kysely, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations/index.ts';
import type { Schema } from './schema.ts';
import { openSqlite, type SqliteFile } from './sqlite.ts';
import { foreign, missing, newer, outdated, toStoreError } from './trouble.ts';

/** The local store. Nothing outside `src/store` knows which database it is. */
export interface Store {
  readonly db: Kysely<Schema>;
  close(): Promise<void>;
}

export type StoreTransaction = Transaction<Schema>;

export type StoreEvent =
  | { readonly kind: 'created'; readonly path: string }
  | { readonly kind: 'backed_up'; readonly path: string };

export interface StoreOptions {
  /** `sqlite:PATH`, the path absolute. */
  readonly url: string;
  /** A missing store is an error instead of a new one. */
  readonly mustExist: boolean;
  readonly onEvent: (event: StoreEvent) => void;
}

/**
 * Opens the store for writing: creates it where it is missing, and migrates it
 * after a backup beside it.
 *
 * @throws CdrError of class `store`, or `config` for a missing one that must exist.
 */
export async function openStore({ url, mustExist, onEvent }: StoreOptions): Promise<Store> {
  const path = sqlitePath(url);
  if (mustExist && !existsSync(path)) throw missing(path);
  return withStore(path, 'write', async (db, file) => {
    const state = await migrationState(db, path);
    file.prepareToWrite();
    if (state.pending) await migrate(db, file, { path, executed: state.executed }, onEvent);
    if (!file.existed) onEvent({ kind: 'created', path });
  });
}

/**
 * Opens the store for reading only: neither created nor migrated.
 *
 * @returns null where there is none yet.
 * @throws CdrError of class `store` where it is of another version.
 */
export async function openStoreToRead(url: string): Promise<Store | null> {
  const path = sqlitePath(url);
  if (!existsSync(path)) return null;
  return withStore(path, 'read', async (db) => {
    const { pending } = await migrationState(db, path);
    if (pending) throw outdated(path);
  });
}

/** Reads the store as it is at one moment, whatever others write meanwhile. It takes no lock. */
export async function readSnapshot<Result>(
  { db, close }: Store,
  read: (store: Store) => Promise<Result>,
): Promise<Result> {
  return db.connection().execute(async (connection) => {
    await sql`begin`.execute(connection);
    try {
      return await read({ db: connection, close });
    } finally {
      await sql`rollback`.execute(connection);
    }
  });
}

async function withStore(
  path: string,
  access: 'read' | 'write',
  prepare: (db: Kysely<Schema>, file: SqliteFile) => Promise<void>,
): Promise<Store> {
  try {
    const file = openSqlite(path, access);
    const db = new Kysely<Schema>({ dialect: file.dialect });
    try {
      await prepare(db, file);
      return { db, close: () => db.destroy() };
    } catch (error) {
      await db.destroy();
      throw error;
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}

async function migrate(
  db: Kysely<Schema>,
  file: SqliteFile,
  { path, executed }: { readonly path: string; readonly executed: number },
  onEvent: (event: StoreEvent) => void,
): Promise<void> {
  if (executed > 0) {
    const backup = `${path}.before-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.bak`;
    await file.backup(backup);
    onEvent({ kind: 'backed_up', path: backup });
  }
  // One transaction for all, which holds the write lock: a second process that starts now waits,
  // then finds nothing to do, and a migration that fails leaves nothing behind.
  await db.transaction().execute(async (trx) => {
    const provider = { getMigrations: async () => ({ ...migrations }) };
    const { error } = await new Migrator({ db: trx, provider }).migrateToLatest();
    if (error !== undefined) throw error;
  });
}

const MIGRATIONS = 'kysely_migration';

async function migrationState(
  db: Kysely<Schema>,
  path: string,
): Promise<{ readonly pending: boolean; readonly executed: number }> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === MIGRATIONS)) {
    if (tables.length > 0) throw foreign(path);
    return { pending: true, executed: 0 };
  }
  const rows = await db
    .withTables<{ [MIGRATIONS]: { name: string } }>()
    .selectFrom(MIGRATIONS)
    .select('name')
    .execute();
  const known = new Set(Object.keys(migrations));
  // Kysely's own table is no sign of ours.
  if (!tables.some(({ name }) => name === 'calls')) throw foreign(path);
  if (rows.some(({ name }) => !known.has(name))) throw newer(path);
  return { pending: rows.length < known.size, executed: rows.length };
}

function sqlitePath(url: string): string {
  return url.slice('sqlite:'.length);
}
