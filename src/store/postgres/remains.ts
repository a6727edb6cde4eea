import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import type { PostgresAddress } from '../../store-url.ts';
import type { Database } from '../opening.ts';
import { openPostgres } from './database.ts';
import { codeOf } from './trouble.ts';

/** Where calls, what they were, and rows that are none may have left something. */
const TABLES = ['calls', 'call_versions', 'quarantine', 'window_rows'];

/**
 * Writes the tables anew, without what was overwritten in them: the server
 * keeps each row as it was until then, and its bytes beyond that. Meanwhile
 * nobody else reads or writes a table that is being written. What the server
 * has elsewhere (its write-ahead log, archives, replicas, backups) is not
 * touched.
 *
 * @param waiting for transactions that still see what was overwritten, and for those that hold a table.
 */
export async function rebuildTables(
  address: PostgresAddress,
  { patience, signal }: { readonly patience: number; readonly signal: AbortSignal },
): Promise<'rebuilt' | 'busy'> {
  const db: Database = new Kysely({ dialect: openPostgres(address, 'maintain') });
  try {
    if (!(await untilUnseen(db, patience, signal))) return 'busy';
    await db.connection().execute(async (connection) => {
      await sql`select set_config('lock_timeout', ${`${Math.max(1, patience)}ms`}, false)`.execute(
        connection,
      );
      for (const table of TABLES) {
        signal.throwIfAborted();
        // The planner's statistics hold values, too.
        await sql`vacuum (full, analyze) ${sql.table(table)}`.execute(connection);
      }
    });
    return 'rebuilt';
  } catch (error) {
    // A table was held for too long.
    if (codeOf(error) === '55P03') return 'busy';
    throw error;
  } finally {
    await db.destroy();
  }
}

/**
 * Rows that an older transaction may still look at are kept by every kind of
 * vacuum: one that writes, in whichever database of the server; one that reads,
 * in this one or through a standby; and what a replication slot waits for.
 */
async function untilUnseen(db: Database, patience: number, signal: AbortSignal): Promise<boolean> {
  const now = await sql<{ xid: string }>`select pg_current_xact_id()::text as xid`.execute(db);
  const xid = sql`${now.rows[0]?.xid}::xid8`;
  const deadline = performance.now() + patience;
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await sql<{ unseen: boolean }>`
      select pg_snapshot_xmin(pg_current_snapshot()) > ${xid}
        and not exists (
          select from pg_stat_activity
          where pid <> pg_backend_pid() and (datname = current_database() or datname is null)
            and greatest(age(backend_xmin), age(backend_xid)) > age(${xid}::xid)
        )
        and not exists (
          select from pg_replication_slots where age(xmin) > age(${xid}::xid)
        ) as unseen`.execute(db);
    if (rows[0]?.unseen === true) return true;
    if (performance.now() > deadline) return false;
    await sleep(100, undefined, { signal });
  }
}
