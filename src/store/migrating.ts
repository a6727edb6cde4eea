import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Schema } from './schema.ts';
import { foreign, newer } from './trouble.ts';

/** The migrations of one kind of database, and where they are noted. */
export interface Migrations {
  readonly all: Readonly<Record<string, Migration>>;
  /** Of the tables; null where the database has no such thing. */
  readonly schema: string | null;
  /** Of the store, for messages. */
  readonly name: string;
}

export interface MigrationState {
  readonly pending: boolean;
  /** How many were carried out: none where there is no store yet. */
  readonly executed: number;
}

const TABLE = 'kysely_migration';

/** @throws CdrError `store.foreign` or `store.newer` where the tables are not ours to migrate. */
export async function migrationState(
  db: Kysely<Schema>,
  { all, name }: Migrations,
): Promise<MigrationState> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === TABLE)) {
    if (tables.length > 0) throw foreign(name);
    return { pending: true, executed: 0 };
  }
  const rows = await db
    .withTables<{ [TABLE]: { name: string } }>()
    .selectFrom(TABLE)
    .select('name')
    .execute();
  const known = new Set(Object.keys(all));
  // Kysely's own table is no sign of ours.
  if (!tables.some((table) => table.name === 'calls')) throw foreign(name);
  if (rows.some((row) => !known.has(row.name))) throw newer(name);
  return { pending: rows.length < known.size, executed: rows.length };
}

/** Carries out what is pending, in a transaction that keeps every other start out. */
export async function migrate(
  trx: Kysely<Schema>,
  { all, schema }: Pick<Migrations, 'all' | 'schema'>,
): Promise<void> {
  const { error } = await new Migrator({
    db: trx,
    provider: { getMigrations: async () => ({ ...all }) },
    ...(schema === null ? {} : { migrationTableSchema: schema }),
  }).migrateToLatest();
  if (error !== undefined) throw error;
}
