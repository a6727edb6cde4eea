import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';

/** What the long-running worker keeps: who the store is, pauses after refusals, backfills asked for. */
export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('meta')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
  await db.insertInto('meta').values({ name: 'store_id', value: randomUUID() }).execute();

  await db.schema
    .createTable('pauses')
    .addColumn('account_id', 'text', (column) => column.primaryKey())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .addColumn('refusals', 'integer', (column) => column.notNull())
    .addColumn('login', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('backfills')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('from_at', 'bigint', (column) => column.notNull())
    .addColumn('to_at', 'bigint', (column) => column.notNull())
    .addColumn('concurrency', 'integer', (column) => column.notNull())
    .addColumn('windows', 'integer', (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addColumn('next_try_at', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('state', 'text')
    .execute();
}

interface Tables {
  meta: { name: string; value: string };
}
