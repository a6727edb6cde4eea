import type { Kysely } from 'kysely';

/** Consumers that follow read what changed since a number, in the order of the numbers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('calls_by_change').on('calls').columns(['change_seq']).execute();
}
