import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import type SQLite from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import type { BulkTable } from '../bulk.ts';
import type { Engine, Footprint } from '../engine.ts';
import { CALL_COLUMNS, KNOWN_COLUMNS, UPDATED_COLUMNS } from '../hot-columns.ts';
import type { Identity, StoredCall } from '../identity.ts';
import type { Schema } from '../schema.ts';
import { callsOfNumber } from './number-calls.ts';
import { RECORD_JSON } from './record-json.ts';

/**
 * SQLite: one connection, one writer at a time. What is done for each row of a
 * page goes past the query builder by statements that are prepared once: the
 * builder's multi-row insert takes twice as long, and spends the rest on making
 * the same text anew.
 */
export function sqliteEngine(database: SQLite.Database, path: string): Engine {
  let statements: Statements | null = null;
  // Not before the tables are there.
  const prepared = (): Statements => {
    statements ??= prepare(database);
    return statements;
  };
  return {
    aside: false,
    clock: () => sql<number>`${Date.now()}`,
    transact: (db, write) => db.transaction().execute(write),
    snapshot: (db, read) =>
      // Kysely's own transactions take the write lock here.
      db.connection().execute(async (connection) => {
        await sql`begin`.execute(connection);
        try {
          return await read(connection);
        } finally {
          await sql`rollback`.execute(connection);
        }
      }),
    takeSequence: async (trx, count) => {
      const { value } = await trx
        .updateTable('counters')
        .set((eb) => ({ value: eb('value', '+', count) }))
        .where('name', '=', 'change_seq')
        .returning('value')
        .executeTakeFirstOrThrow();
      return Array.from({ length: count }, (_, index) => value - count + 1 + index);
    },
    followableSequence: async (db) => {
      const value = await lastSequence(db);
      flushJournal(`${path}-wal`);
      return value;
    },
    knownCalls: async (_trx, accountId, identities) => findKnown(prepared(), accountId, identities),
    callsOfNumber,
    upsertCalls: async (_trx, rows) => {
      if (rows.length === 0) return;
      // To hand a null over takes as long as a text, and of a page some columns have nothing else.
      const filled = CALL_COLUMNS.filter((column) => rows.some((row) => row[column] !== null));
      const upsert = prepared().upsert(filled);
      for (const row of rows) upsert.run(...filled.map((column) => row[column]));
    },
    lastSequence,
    setSequence: async (trx, last) => {
      await trx
        .updateTable('counters')
        .set({ value: last })
        .where('name', '=', 'change_seq')
        .execute();
    },
    insertRows: async (_trx, table, rows) => {
      const insert = database.prepare<unknown[]>(insertOf(table));
      for (const row of rows) insert.run(table.columns.map(({ name }) => row[name]));
    },
    // What it would learn makes it choose otherwise than was tried.
    analyze: async () => undefined,
    footprint: readFootprint,
    recordJson: RECORD_JSON,
    passedBy: (column) => sql<string>`${sql.ref(column)} || ''`,
    overwriteDeleted: async (db) => {
      await sql`pragma secure_delete = on`.execute(db);
    },
  };
}

async function lastSequence(db: Kysely<Schema>): Promise<number> {
  const { value } = await db
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'change_seq')
    .executeTakeFirstOrThrow();
  return value;
}

/** All names of a page in one parameter, a list as JSON. */
type Find = SQLite.Statement<[string, string], StoredCall>;

interface Statements {
  readonly byId: Find;
  readonly byOtherIdentity: Find;
  readonly byNativeId: Find;
  /** By the columns that have a value; the others become null. */
  readonly upsert: (filled: readonly CallColumn[]) => SQLite.Statement<unknown[]>;
}

type CallColumn = (typeof CALL_COLUMNS)[number];

/** Large pages of an account fill the same columns; small ones, of which there are many, now these and now those. */
const MOST_UPSERTS = 32;

function prepare(database: SQLite.Database): Statements {
  // A cross join, because SQLite begins with the table that stands first in one.
  const select = `select ${KNOWN_COLUMNS.map((column) => `c.${column}`).join(', ')}
    from json_each(?) name cross join calls c where c.account_id = ?`;
  const updates = UPDATED_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ');
  const upserts = new Map<string, SQLite.Statement<unknown[]>>();
  const find = (condition: string): Find => database.prepare(`${select} and ${condition}`);
  return {
    byId: find('c.call_id = name.value'),
    // As the partial index has it; without the second half it would not be used.
    byOtherIdentity: find('c.identity_key = name.value and c.identity_key <> c.call_id'),
    byNativeId: find('c.native_id = name.value'),
    upsert: (filled) => {
      const names = filled.join(', ');
      const known = upserts.get(names);
      if (known !== undefined) return known;
      const upsert = database.prepare<unknown[]>(
        `insert into "calls" (${names}) values (${filled.map(() => '?').join(', ')})
         on conflict (account_id, call_id) do update set ${updates}`,
      );
      if (upserts.size >= MOST_UPSERTS) upserts.clear();
      upserts.set(names, upsert);
      return upsert;
    },
  };
}

function insertOf({ name, columns }: BulkTable): string {
  const names = columns.map((column) => `"${column.name}"`).join(', ');
  return `insert into "${name}" (${names}) values (${columns.map(() => '?').join(', ')})`;
}

/** Up to three statements for a page instead of three for each row: 3 µs a row instead of 17. */
function findKnown(
  { byId, byOtherIdentity, byNativeId }: Statements,
  accountId: string,
  identities: readonly Identity[],
): readonly StoredCall[] {
  const keys = JSON.stringify(identities.map(({ key }) => key));
  const found = new Map<string, StoredCall>();
  const look = (statement: Find, names: string): void => {
    for (const call of statement.all(names, accountId)) found.set(call.call_id, call);
  };
  look(byId, keys);
  look(byOtherIdentity, keys);
  // A row that is read again is found under all of its names at once.
  const natives = identities.flatMap((identity) =>
    identity.nativeId === null || isItself(found.get(identity.key), identity)
      ? []
      : [identity.nativeId],
  );
  if (natives.length > 0) look(byNativeId, JSON.stringify(natives));
  return [...found.values()];
}

/** Whether this call is the one of the identity, whatever others claim a part of it. */
function isItself(call: StoredCall | undefined, { key, nativeId }: Identity): boolean {
  return call?.native_id === nativeId && call.identity_key === key;
}

/**
 * Only what is in the journal needs it: SQLite flushes what it moves from there
 * to the file. The store's own writes are not flushed one by one: what a power
 * cut takes is read from the provider again, under numbers that were given
 * before, and a follower that has seen those would pass it over.
 */
function flushJournal(path: string): void {
  if (!existsSync(path)) return;
  // Windows flushes nothing by a handle that may not write.
  const handle = openSync(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Free pages are left out: they are filled first. How many calls there are is
 * told by the first and last row number, not by counting ten million rows.
 */
async function readFootprint(db: Kysely<Schema>): Promise<Footprint> {
  const { rows } = await sql<{ bytes: number; calls: number | null }>`
    select
      (select page_count from pragma_page_count) * (select page_size from pragma_page_size)
        - (select freelist_count from pragma_freelist_count)
          * (select page_size from pragma_page_size) as bytes,
      (select max(rowid) from calls) - (select min(rowid) from calls) + 1 as calls`.execute(db);
  const [{ bytes, calls } = { bytes: 0, calls: null }] = rows;
  return { bytes, calls: calls ?? 0 };
}
