import pg from 'pg';
import { z } from 'zod';
import { openStore } from '../../src/store/store.ts';
import type { World } from '../server/world.ts';
import { copyIn } from './copy-in.ts';
import { accountRow, callRows, dayRows, runRows, versionRows } from './stored-rows.ts';

/** Fills a database as `fillStore` fills a file, with calls that say that they were changed. */
export async function fillPostgres(url: string, world: World, signal: AbortSignal): Promise<void> {
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  await store.close();
  await bulkWrite(url, signal, async (client) => {
    // Made at the end, which takes a fraction of the time.
    const indexes = await takeIndexes(client, 'calls');
    await insertAll(client, 'calls', callRows(world, true));
    for (const sql of indexes) await client.query(sql);
    await insertAll(client, 'accounts', [accountRow(world)]);
    await insertAll(client, 'days', dayRows(world));
    await insertAll(client, 'runs', runRows());
    await client.query(`select setval('change_seq', $1)`, [world.calls]);
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

export async function fillPostgresVersions(
  url: string,
  world: World,
  signal: AbortSignal,
): Promise<void> {
  await bulkWrite(url, signal, async (client) => {
    const indexes = await takeIndexes(client, 'call_versions');
    await insertAll(client, 'call_versions', versionRows(world));
    for (const sql of indexes) await client.query(sql);
    await client.query('vacuum analyze call_versions');
    await client.query('checkpoint');
  });
}

/**
 * A connection to the store's schema whose statements may take as long as they
 * take, or until the signal.
 */
export async function connect(url: string, signal: AbortSignal, settings = ''): Promise<pg.Client> {
  signal.throwIfAborted();
  const client = new pg.Client({
    connectionString: url,
    options: `-c search_path=cdrsync -c timezone=UTC -c jit=off ${settings}`,
  });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const [{ pid }] = Pid.parse(rows);
  const end = (): void => {
    terminate(url, pid).catch(() => undefined);
  };
  signal.addEventListener('abort', end, { once: true });
  client.once('end', () => signal.removeEventListener('abort', end));
  return client;
}

const Pid = z.tuple([z.object({ pid: z.int() })]);

/** The server goes on with a statement whose client is gone: it has to be told. */
async function terminate(url: string, pid: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select pg_terminate_backend($1)', [pid]);
  await client.end();
}

async function bulkWrite(
  url: string,
  signal: AbortSignal,
  write: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const settings = '-c synchronous_commit=off -c maintenance_work_mem=512MB';
  const client = await connect(url, signal, settings);
  try {
    await write(client);
  } finally {
    await client.end();
  }
}

const Index = z.array(z.object({ name: z.string(), key: z.boolean(), sql: z.string() }));

/** Drops the indexes of a table, the primary key among them. @returns what makes them again. */
async function takeIndexes(client: pg.Client, table: string): Promise<readonly string[]> {
  const { rows } = await client.query(
    `select c.relname as name, i.indisprimary as key,
       case when i.indisprimary
         then 'alter table ' || $1 || ' add constraint ' || c.relname || ' ' ||
           pg_get_constraintdef((select oid from pg_constraint where conindid = i.indexrelid))
         else pg_get_indexdef(i.indexrelid) end as sql
     from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = $1::regclass`,
    [table],
  );
  const indexes = Index.parse(rows);
  for (const { name, key } of indexes) {
    await client.query(key ? `alter table ${table} drop constraint ${name}` : `drop index ${name}`);
  }
  return indexes.map(({ sql }) => sql);
}

/** Inserts objects whose keys are columns; each has the keys of the first. */
async function insertAll<Row extends object>(
  client: pg.Client,
  table: string,
  rows: Iterable<Row>,
): Promise<void> {
  const [columns, values] = split(rows);
  await copyIn(client, table, columns, values);
}

function split<Row extends object>(
  rows: Iterable<Row>,
): readonly [columns: readonly string[], values: Iterable<readonly unknown[]>] {
  const iterator = rows[Symbol.iterator]();
  const first = iterator.next();
  if (first.done === true) return [[], []];
  const head = first.value;
  return [
    Object.keys(head),
    (function* () {
      yield Object.values(head);
      for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
        yield Object.values(next.value);
      }
    })(),
  ];
}
