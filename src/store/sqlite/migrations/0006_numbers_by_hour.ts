import { type Kysely, sql } from 'kysely';

/**
 * The numbers of an hour together, each by its last eight characters: the
 * spellings of a full number differ before them (+86, 0086, 0), so that one look
 * finds them all. By number and time, each new call changed a page of either
 * index that no other call of the hour did: at 400,000 calls that was 17 of the
 * 53 µs that a call took in SQLite, and a third of what was written. By the day
 * it is as good for pages of 1000 calls, and 8 µs worse for pages of 100.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const party of ['caller', 'callee']) {
    const index = `calls_by_${party}`;
    await db.schema.dropIndex(index).execute();
    await sql`create index ${sql.ref(index)}
      on calls (substr(started_at, 1, 13), substr(${sql.ref(party)}, -8))
      where ${sql.ref(party)} is not null`.execute(db);
  }
}
