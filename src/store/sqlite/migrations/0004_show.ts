import { type Kysely, sql } from 'kysely';

/**
 * Calls are found by either party, the newest first. Partial, because a null
 * is never looked for; by `started_at` too, so that the newest calls of a busy
 * number are read without sorting all of them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index calls_by_caller on calls (caller, started_at) where caller is not null`.execute(
    db,
  );
  await sql`create index calls_by_callee on calls (callee, started_at) where callee is not null`.execute(
    db,
  );
}
