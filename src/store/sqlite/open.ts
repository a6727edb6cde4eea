import { existsSync } from 'node:fs';
import { Kysely } from 'kysely';
import { type Migrations, migrate, migrationState } from '../migrating.ts';
import type { Database, Opening } from '../opening.ts';
import { missing, outdated } from '../trouble.ts';
import { openSqlite, type SqliteFile } from './database.ts';
import { migrations } from './migrations/index.ts';

/** Opens a file for writing: creates it where it is missing, and migrates it after a backup beside it. */
export async function openSqliteStore(
  path: string,
  { mustExist, onEvent }: Opening,
): Promise<Database> {
  if (mustExist && !existsSync(path)) throw missing(path);
  return opened(path, 'write', async (db, file) => {
    const ours = migrationsOf(path);
    const { pending, executed } = await migrationState(db, ours);
    file.prepareToWrite();
    if (pending && executed > 0) {
      const backup = `${path}.before-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.bak`;
      await file.backup(backup);
      onEvent({ kind: 'backed_up', path: backup });
    }
    // One transaction for all, which holds the write lock: a second process that starts now waits,
    // then finds nothing to do, and a migration that fails leaves nothing behind.
    if (pending) await db.transaction().execute((trx) => migrate(trx, ours));
    if (!file.existed) onEvent({ kind: 'created', name: path });
    return db;
  });
}

/**
 * @param unfilled what a file without tables is: to whoever looks for a store an
 * outdated one, to whoever wants to make one none, which a killed process left there.
 * @returns null where there is no file.
 */
export async function openSqliteStoreToRead(
  path: string,
  unfilled: 'outdated' | 'none' = 'outdated',
): Promise<Database | null> {
  if (!existsSync(path)) return null;
  return opened(path, 'read', async (db) => {
    const { pending, executed } = await migrationState(db, migrationsOf(path));
    if (executed === 0 && unfilled === 'none') {
      await db.destroy();
      return null;
    }
    if (pending) throw outdated(path);
    return db;
  });
}

async function opened<Found>(
  path: string,
  access: 'read' | 'write',
  prepare: (db: Database, file: SqliteFile) => Promise<Found>,
): Promise<Found> {
  const file = openSqlite(path, access);
  const db: Database = new Kysely({ dialect: file.dialect });
  try {
    return await prepare(db, file);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function migrationsOf(name: string): Migrations {
  return { all: migrations, schema: null, name };
}
