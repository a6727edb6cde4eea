import { Kysely, sql } from 'kysely';
import { configError } from '../../errors.ts';
import { type PostgresAddress, storeName } from '../../store-url.ts';
import { engineOf } from '../engine.ts';
import { type MigrationState, type Migrations, migrate, migrationState } from '../migrating.ts';
import type { Database, Opening } from '../opening.ts';
import { missing, outdated } from '../trouble.ts';
import { type Access, openPostgres } from './database.ts';
import { migrations } from './migrations/index.ts';
import { claimSpace, seesClaims } from './sequence.ts';
import { wholeMilliseconds } from './types.ts';

/**
 * Opens a database for writing: makes the schema where it is missing, and migrates it.
 *
 * @param access `maintain` for statements over all rows, which no time limit is to end.
 */
export async function openPostgresStore(
  address: PostgresAddress,
  { mustExist, onEvent }: Opening,
  access: Exclude<Access, 'read'> = 'write',
): Promise<Database> {
  const ours = migrationsOf(address);
  return opened(address, access, async (db) => {
    const before = await migrationState(db, ours);
    if (before.executed === 0 && mustExist) throw missing(ours.name);
    if (before.pending) {
      const { executed, pending } = await migrateOnce(db, address.schema, ours);
      if (executed === 0) onEvent({ kind: 'created', name: ours.name });
      else if (pending) onEvent({ kind: 'upgraded', name: ours.name });
    }
    await checkClaims(db, address.schema);
    return db;
  });
}

/**
 * @param access `maintain` for reading everything, which no time limit is to end.
 * @returns null where the schema holds no store.
 */
export async function openPostgresStoreToRead(
  address: PostgresAddress,
  access: Exclude<Access, 'write'> = 'read',
): Promise<Database | null> {
  const ours = migrationsOf(address);
  return opened(address, access, async (db) => {
    const { pending, executed } = await migrationState(db, ours);
    if (executed === 0) {
      await db.destroy();
      return null;
    }
    if (pending) throw outdated(ours.name);
    return db;
  });
}

async function opened<Found>(
  address: PostgresAddress,
  access: Access,
  prepare: (db: Database) => Promise<Found>,
): Promise<Found> {
  const dialect = openPostgres(address, access);
  const db: Database = new Kysely({ dialect, plugins: [wholeMilliseconds] });
  try {
    await checkServer(db, address.schema);
    return await prepare(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function migrationsOf(address: PostgresAddress): Migrations {
  return { all: migrations, schema: address.schema, name: storeName(address) };
}

const OLDEST = 13;

/** A schema that may not be used looks as one that is not there. */
async function checkServer(db: Database, schema: string): Promise<void> {
  const { rows } = await sql<{ version: number; heard: boolean; usable: boolean | null }>`
    select current_setting('server_version_num')::int as version,
      current_setting('TimeZone') = 'UTC' and current_setting('DateStyle') like 'ISO%'
        and current_setting('standard_conforming_strings') = 'on'
        and current_setting('search_path') = ${schema} as heard,
      (select has_schema_privilege(oid, 'usage') from pg_namespace where nspname = ${schema}) as usable`.execute(
    db,
  );
  const version = Math.floor((rows[0]?.version ?? 0) / 10_000);
  if (version < OLDEST) {
    const words = `the database is PostgreSQL ${version}, and cdrsync needs ${OLDEST} or later`;
    throw configError('store.unsupported', words);
  }
  if (rows[0]?.heard === false) {
    const words = 'the settings of the session do not arrive: a pooler on the way drops "options"';
    throw configError('store.unsupported', words);
  }
  if (rows[0]?.usable === false) {
    throw configError('store.refused', `the user may not use the schema ${schema} of the database`);
  }
}

/** Without claims a follower would miss changes, and nobody would notice. */
async function checkClaims(db: Database, schema: string): Promise<void> {
  const seen = await engineOf(db).transact(db, (trx) => seesClaims(trx, claimSpace(schema)));
  if (seen) return;
  throw configError(
    'store.unsupported',
    'the database does not show advisory locks in pg_locks, by which writers are kept in order',
  );
}

/**
 * Of several processes that start at once one migrates; the others wait, then
 * find nothing to do.
 *
 * @returns what was found under the lock.
 */
async function migrateOnce(
  db: Database,
  schema: string,
  ours: Migrations,
): Promise<MigrationState> {
  return db.transaction().execute(async (trx) => {
    const key = `cdrsync migrations ${schema}`;
    await sql`set local lock_timeout = '10min'`.execute(trx);
    await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(trx);
    const found = await migrationState(trx, ours);
    if (!found.pending) return found;
    const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(trx);
    // Even `if not exists` asks for the right to create one.
    if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(trx);
    await migrate(trx, ours);
    return found;
  });
}
