import { setImmediate as turn } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { z } from 'zod';
import { openStore } from '../../src/store/store.ts';
import type { World } from '../server/world.ts';
import { accountRow, callRows, dayRows, runRows, versionRows } from './stored-rows.ts';

export interface FillOptions {
  /** Whether calls say that they were changed; `fillVersions` adds what they were. */
  readonly history: boolean;
  readonly signal: AbortSignal;
}

/**
 * Fills a new store with a world as syncs would have left it: the product's own
 * schema, and rows written by SQL, since two hours of syncing would prove
 * nothing more.
 */
export async function fillStore(path: string, world: World, options: FillOptions): Promise<void> {
  const url = `sqlite:${path}`;
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  await store.close();
  const { history, signal } = options;
  await bulkWrite(path, async (database) => {
    const insertAll = inserter(database, signal);
    const indexes = Sql.parse(database.prepare(INDEXES).all());
    // Made at the end, which takes a fraction of the time.
    for (const { name } of indexes) database.exec(`drop index ${name}`);
    await insertAll('calls', callRows(world, history));
    for (const { sql } of indexes) database.exec(sql);
    await insertAll('accounts', [accountRow(world)]);
    await insertAll('days', dayRows(world));
    await insertAll('runs', runRows());
    database.exec(`update counters set value = ${world.calls} where name = 'change_seq'`);
  });
}

/** What the changed calls of a full store were before. */
export async function fillVersions(path: string, world: World, signal: AbortSignal): Promise<void> {
  await bulkWrite(path, (database) =>
    inserter(database, signal)('call_versions', versionRows(world)),
  );
}

const Sql = z.array(z.object({ name: z.string(), sql: z.string() }));
const INDEXES = `select name, sql from sqlite_master
  where type = 'index' and tbl_name = 'calls' and sql is not null`;

async function bulkWrite(
  path: string,
  write: (database: SQLite.Database) => Promise<void>,
): Promise<void> {
  const database = new SQLite(path);
  try {
    // Without this the driver refuses to do without a journal, and every page is written twice.
    database.unsafeMode();
    database.pragma('journal_mode = DELETE');
    database.pragma('journal_mode = OFF');
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -2000000');
    await write(database);
    database.unsafeMode(false);
    // As the binary leaves it, so that its first write need not change it.
    database.pragma('journal_mode = WAL');
  } finally {
    database.close();
  }
}

/** After so many rows whatever else is due gets its turn, such as a signal. */
const ROWS_A_TURN = 10_000;

/** Inserts objects whose keys are columns; each has the keys of the first. */
function inserter(
  database: SQLite.Database,
  signal: AbortSignal,
): <Row extends object>(table: string, rows: Iterable<Row>) => Promise<void> {
  return async <Row extends object>(table: string, rows: Iterable<Row>): Promise<void> => {
    let insert: SQLite.Statement<Row> | null = null;
    let inserted = 0;
    database.exec('begin');
    for (const row of rows) {
      const columns = Object.keys(row);
      const values = columns.map((column) => `@${column}`).join(', ');
      insert ??= database.prepare<Row>(
        `insert into ${table} (${columns.join(', ')}) values (${values})`,
      );
      insert.run(row);
      inserted += 1;
      if (inserted % ROWS_A_TURN === 0) await turn(undefined, { signal });
    }
    database.exec('commit');
  };
}
