import type { Kysely } from 'kysely';

/**
 * Erasure: the register of what was asked for, what became of it in each
 * account, and on a call by which erasure it was overwritten.
 *
 * The column is nullable without a default, which SQLite and PostgreSQL add
 * without touching a row. It has no index: it is read of calls that were found
 * by their id, and retention goes by `started_at` from where it stood
 * (`erased_to`), which is set back by whoever stores an older call in clear. An
 * index of the calls not erased yet would find them without that, at the price
 * of one more entry for every call of every account, with a retention or not.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('erasures')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addColumn('requested_by', 'text')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('accounts', 'text')
    .addColumn('digests', 'text', (column) => column.notNull())
    .addColumn('erased_to', 'text')
    .addColumn('files_clean_at', 'bigint')
    .execute();

  await db.schema
    .createTable('erasure_accounts')
    .addColumn('erasure_id', 'text', (column) => column.notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('calls', 'bigint', (column) => column.notNull())
    .addColumn('versions', 'bigint', (column) => column.notNull())
    .addColumn('quarantined', 'bigint', (column) => column.notNull())
    .addColumn('held', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .addPrimaryKeyConstraint('erasure_accounts_key', ['erasure_id', 'account_id'])
    .execute();

  await db.schema
    .createTable('retentions')
    .addColumn('account_id', 'text', (column) => column.primaryKey())
    .addColumn('in_force', 'bigint')
    .addColumn('announced', 'bigint')
    .addColumn('announced_at', 'bigint')
    .execute();

  await db.schema.alterTable('calls').addColumn('erasure_id', 'text').execute();
}
