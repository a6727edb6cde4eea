import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { BulkTable } from '../bulk.ts';
import type { Engine, Footprint } from '../engine.ts';
import { KNOWN_COLUMNS, UPDATED_COLUMNS } from '../hot-columns.ts';
import type { Identity, StoredCall } from '../identity.ts';
import type { CallsTable, Schema } from '../schema.ts';
import { CALLS } from '../tables.ts';
import { callsOfNumber } from './number-calls.ts';
import { RECORD_JSON } from './record-json.ts';
import { claimSpace, followable, lastGiven, takeNumbers } from './sequence.ts';
import { isConflict, isLost } from './trouble.ts';
import { SENT_AS } from './types.ts';

/**
 * PostgreSQL: many connections, many writers. What is done for the rows of a
 * page is one statement for all of them, with an array for each column: the
 * time goes into the ways between, not into the rows.
 */
export function postgresEngine(schema: string, patience: number): Engine {
  const space = claimSpace(schema);
  return {
    aside: true,
    clock: () => sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
    transact: (db, write) => transact(db, write, patience),
    snapshot: (db, read, length = 'short') =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (trx) => {
          if (length === 'long') {
            await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx);
          }
          return read(trx);
        }),
    takeSequence: (trx, count) => takeNumbers(trx, space, count),
    followableSequence: (db) => followable(db, space),
    lastSequence: lastGiven,
    setSequence: async (trx, last) => {
      await sql`select setval('change_seq', ${last}::bigint)`.execute(trx);
    },
    knownCalls,
    callsOfNumber,
    upsertCalls,
    insertRows: (trx, table, rows) => insert(trx, table, rows),
    analyze: async (db) => {
      await sql`analyze calls, call_versions`.execute(db);
    },
    footprint: readFootprint,
    recordJson: RECORD_JSON,
    passedBy: (column) => sql<string>`${sql.ref(column)}`,
    // The server keeps what is overwritten until it is vacuumed: nothing is to be said beforehand.
    overwriteDeleted: async () => undefined,
  };
}

/** Attempts of a transaction that meets others; each of these ends within milliseconds. */
const ATTEMPTS = 8;

/**
 * A transaction that was lost or given up is begun anew: all that it did is
 * undone, and what became of a commit without an answer was asked of the server.
 */
async function transact<Result>(
  db: Kysely<Schema>,
  write: (trx: Transaction<Schema>) => Promise<Result>,
  patience: number,
): Promise<Result> {
  const deadline = performance.now() + patience;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(write);
    } catch (error) {
      const again = isConflict(error) ? attempt < ATTEMPTS : isLost(error);
      if (!again || performance.now() > deadline) throw error;
      await sleep(Math.random() * Math.min(1000, 25 * 2 ** attempt));
    }
  }
}

async function knownCalls(
  trx: Transaction<Schema>,
  accountId: string,
  identities: readonly Identity[],
): Promise<readonly StoredCall[]> {
  const keys = [...new Set(identities.map(({ key }) => key))];
  const natives = [
    ...new Set(identities.flatMap(({ nativeId }) => (nativeId === null ? [] : [nativeId]))),
  ];
  const calls = sql`select ${sql.join(KNOWN_COLUMNS.map((column) => sql.ref(column)))}
    from calls where account_id = ${accountId}`;
  // As the partial index has it; without the second half it would not be used.
  const other = sql`${calls} and identity_key = any(${keys}::text[]) and identity_key <> call_id`;
  const native =
    natives.length === 0 ? sql`` : sql` union ${calls} and native_id = any(${natives}::text[])`;
  const { rows } = await sql<StoredCall>`
    ${calls} and call_id = any(${keys}::text[]) union ${other}${native}`.execute(trx);
  return rows;
}

const UPDATES = sql.join(
  UPDATED_COLUMNS.map((column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`),
);

function upsertCalls(trx: Transaction<Schema>, rows: readonly CallsTable[]): Promise<void> {
  const update = sql` on conflict (account_id, call_id) do update set ${UPDATES}`;
  return insert(trx, CALLS, rows, update);
}

/** A whole day may come as one page: its arrays are written in parts. */
const ROWS_A_STATEMENT = 2000;

async function insert(
  trx: Transaction<Schema>,
  { name, columns }: BulkTable,
  rows: readonly Readonly<Record<string, unknown>>[],
  known: RawBuilder<unknown> = sql``,
): Promise<void> {
  const names = sql.join(columns.map((column) => sql.ref(column.name)));
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const part = rows.slice(start, start + ROWS_A_STATEMENT);
    const arrays = columns.map(
      (column) => sql`${part.map((row) => row[column.name])}::${sql.raw(SENT_AS[column.kind])}[]`,
    );
    await sql`insert into ${sql.table(name)} (${names})
      select * from unnest(${sql.join(arrays)})${known}`.execute(trx);
  }
}

/**
 * By the planner's own count, which vacuum keeps: to count ten million rows
 * takes seconds. A table that was never looked at by vacuum is small.
 */
async function readFootprint(db: Kysely<Schema>): Promise<Footprint> {
  const { rows } = await sql<{ bytes: number; calls: number }>`
    select
      coalesce(sum(pg_total_relation_size(oid)), 0)::bigint as bytes,
      (
        select case when reltuples < 0 then (select count(*) from calls) else reltuples end
        from pg_class where oid = 'calls'::regclass
      )::bigint as calls
    from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')`.execute(
    db,
  );
  const [{ bytes, calls } = { bytes: 0, calls: 0 }] = rows;
  return { bytes, calls };
}
