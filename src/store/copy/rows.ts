import { setImmediate as breathe } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { BulkTable, Row } from '../bulk.ts';
import type { Schema } from '../schema.ts';
import { CALLS, type StoreTable } from '../tables.ts';
import { type Sum, summing } from './digest.ts';
import { MARK } from './mark.ts';
import { CALL_VERSIONS } from './tables.ts';

/** Reading rows of any table, as many as there are. */

/** The calls of an account that were first listed under a day, and what they were before: what is compared and copied as one. */
export interface DayKey {
  readonly account: string;
  readonly day: string;
}

export interface DaySum extends DayKey {
  readonly calls: Sum;
  readonly versions: Sum;
}

/** What becomes of a row that is read; a promise where the next one has to wait. */
export type Visit = (table: StoreTable, row: Row) => Promise<void> | null;

type Source = Kysely<Schema>;

const CHUNK = 500;

/** The lease by which one copy at a time writes into a target; no account can have such a name. */
export const COPY_LEASE = 'store copy';

/** All rows of a table but those by which a copy itself is kept. */
export function tableRows(db: Source, table: StoreTable): AsyncIterable<Row> {
  const rows = from(db, table, sql`select * from ${sql.table(table.name)}`);
  if (table.name === 'meta') return rows.where('name', '<>', MARK).stream(CHUNK);
  if (table.name === 'leases') return rows.where('account_id', '<>', COPY_LEASE).stream(CHUNK);
  return rows.stream(CHUNK);
}

function from(db: Source, { columns }: BulkTable, rows: ReturnType<typeof sql>) {
  return db.selectFrom(sql<Row>`(${rows})`.as('source')).select(columns.map(({ name }) => name));
}

/** Streams a day: its calls, then their versions, and sums up what it gave. */
export async function readDay(
  db: Source,
  { account, day }: DayKey,
  visit: Visit = () => null,
): Promise<DaySum> {
  const calls = sql`select * from calls where account_id = ${account} and listed_on = ${day}`;
  // A cross join, because SQLite begins with the table that stands first in one.
  const versions = sql`select v.* from calls c cross join call_versions v
    where c.account_id = ${account} and c.listed_on = ${day}
      and v.account_id = c.account_id and v.call_id = c.call_id`;
  return {
    ...{ account, day },
    calls: await readAll(CALLS, from(db, CALLS, calls).stream(CHUNK), visit),
    versions: await readAll(CALL_VERSIONS, from(db, CALL_VERSIONS, versions).stream(CHUNK), visit),
  };
}

/** Reads rows to their end, sums them up, and lets timers and signals have their turn. */
export async function readAll(
  table: StoreTable,
  rows: AsyncIterable<Row>,
  visit: Visit = () => null,
): Promise<Sum> {
  const sum = summing(table);
  let count = 0;
  for await (const row of rows) {
    sum.add(row);
    const wait = visit(table, row);
    if (wait !== null) await wait;
    count += 1;
    if (count % CHUNK === 0) await breathe();
  }
  return sum.end();
}

export interface DayCount extends DayKey {
  readonly calls: number;
}

/** Which days there are, and how many calls each has. */
export async function readDays(db: Source): Promise<readonly DayCount[]> {
  const rows = await db
    .selectFrom('calls')
    .select((eb) => ['account_id', 'listed_on', eb.fn.countAll<number>().as('calls')])
    .groupBy(['account_id', 'listed_on'])
    .orderBy('account_id')
    .orderBy('listed_on')
    .execute();
  return rows.map(({ account_id, listed_on, calls }) => ({
    ...{ account: account_id, day: listed_on, calls: Number(calls) },
  }));
}

export async function countRows(db: Source, table: 'calls' | 'call_versions'): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}
