import type pg from 'pg';
import { z } from 'zod';
import { KNOWN_COLUMNS, UPDATED_COLUMNS } from '../../src/store/hot-columns.ts';
import { SENT_AS } from '../../src/store/postgres/types.ts';
import { CALLS } from '../../src/store/tables.ts';
import { isoSeconds } from '../../src/time.ts';
import type { World } from '../server/world.ts';
import { connect } from '../support/big-postgres.ts';
import { ACCOUNT } from '../support/place.ts';
import { callRows } from '../support/stored-rows.ts';
import { daysAgo, shanghai } from '../support/world.ts';
import { callAt, middleDay } from './commands.ts';
import { type Figure, figureOf } from './figures.ts';
import { makePartitions } from './partitions.ts';
import type { Bench, Phase } from './phase.ts';

const QUESTION = 'Partitions by month of `started_at`, against the plain table';
const PAGE = 1000;

/**
 * The product's table against the same one in partitions. Its key has to hold
 * `started_at` there, which a listed call may change: so an id is looked for in
 * every partition, as each page does with all of its ids.
 */
export const partition: Phase = {
  name: 'partition',
  says: 'the table of calls in PostgreSQL, plain and partitioned by month',
  standing: 'aside',
  only: 'postgres',
  async measure(bench) {
    const { lab } = bench;
    const { store, world } = await bench.full();
    const client = await connect(store.url, lab.signal, '-c maintenance_work_mem=512MB');
    try {
      lab.say('partition: copying the calls into partitions');
      const partitions = await makePartitions(client, world);
      const figures = [
        figureOf({
          ...{ question: QUESTION, what: 'partitions', unit: 'tables', values: [partitions] },
        }),
      ];
      for (const table of ['calls', 'parted']) {
        lab.say(`partition: measuring ${table}`);
        figures.push(...(await measure(bench, client, world, table)));
      }
      return figures;
    } finally {
      await client.end();
    }
  },
};

async function measure(
  { lab, news }: Bench,
  client: pg.Client,
  world: World,
  table: string,
): Promise<readonly Figure[]> {
  const name = table === 'calls' ? 'plain' : 'partitioned';
  const inserted: number[] = [];
  const asked: number[] = [];
  const days: number[] = [];
  const numbers: number[] = [];
  // Once for nothing, so that no table is read from a colder cache than the other.
  for (let round = -1; round < lab.rounds; round += 1) {
    const page = newCalls(world, news, round + 1);
    const insert = await insertPages(client, table, page);
    const day = await time(() => dayOf(client, table, world));
    const number = await time(() => numberOf(client, table, world));
    if (round < 0) continue;
    inserted.push((insert.written / page.length) * 1000);
    asked.push(insert.asked / Math.ceil(page.length / PAGE));
    days.push(day);
    numbers.push(number);
  }
  const told = (what: string, unit: string, values: readonly number[]): Figure =>
    figureOf({ question: QUESTION, what: `${what}, ${name}`, unit, values });
  return [
    told('insert a new call', 'µs', inserted),
    told(`look up the ids of a page of ${PAGE}`, 'ms', asked),
    told('a day in the order of an export', 'ms', days),
    told('the newest 20 calls of a busy line', 'ms', numbers),
  ];
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

type Row = Readonly<Record<string, unknown>>;

/** Calls of one of the last days, which no store has yet. */
function newCalls(world: World, news: number, day: number): readonly Row[] {
  const first = world.first + world.calls + day * news;
  const from = shanghai.startOfDay(daysAgo(2));
  return [...callRows({ ...world, from, days: 1, calls: news, first }, false)].map((row) => ({
    ...row,
    change_seq: first + row.change_seq,
  }));
}

/** As the product writes a page: look for its ids, then insert what is new. Milliseconds. */
async function insertPages(
  client: pg.Client,
  table: string,
  rows: readonly Row[],
): Promise<{ readonly asked: number; readonly written: number }> {
  const known = `select ${KNOWN_COLUMNS.join(', ')} from ${table} where account_id = $1`;
  const find = `${known} and call_id = any($2::text[])
    union ${known} and identity_key = any($2::text[]) and identity_key <> call_id
    union ${known} and native_id = any($3::text[])`;
  const key = table === 'calls' ? 'account_id, call_id' : 'account_id, call_id, started_at';
  const columns = CALLS.columns.map(({ name }) => name).join(', ');
  const arrays = CALLS.columns.map(({ kind }, index) => `$${index + 1}::${SENT_AS[kind]}[]`);
  const updates = UPDATED_COLUMNS.map((column) => `${column} = excluded.${column}`);
  const insert = `insert into ${table} (${columns}) select * from unnest(${arrays.join(', ')})
    on conflict (${key}) do update set ${updates.join(', ')}`;
  let asked = 0;
  let written = 0;
  for (let start = 0; start < rows.length; start += PAGE) {
    const page = rows.slice(start, start + PAGE);
    const column = (wanted: string): unknown[] => page.map((row) => row[wanted] ?? null);
    await client.query('begin');
    const values = [ACCOUNT, column('call_id'), column('native_id')];
    asked += await time(async () => {
      const { rowCount } = await client.query(find, values);
      if (rowCount !== 0) throw new Error(`${rowCount} calls of a new page are known`);
    });
    written += await time(async () => {
      await client.query(
        insert,
        CALLS.columns.map(({ name }) => column(name)),
      );
      await client.query('commit');
    });
  }
  return { asked, written };
}

async function dayOf(client: pg.Client, table: string, world: World): Promise<void> {
  const { first, end } = middleDay(world);
  const [from, to] = [first, end].map((index) => isoSeconds(dayStart(world, index)));
  const { rowCount } = await client.query(
    `select * from ${table} where started_at >= $1 and started_at < $2
     order by started_at, account_id, call_id`,
    [from, to],
  );
  if (rowCount !== end - first) throw new Error(`a day of ${table} has ${rowCount} calls`);
}

function dayStart({ from, days, calls }: World, index: number): number {
  return from + Math.floor(index / (calls / days)) * 86_400_000;
}

async function numberOf(client: pg.Client, table: string, world: World): Promise<void> {
  const { inbound, caller, callee } = callAt(world, 0);
  const party = inbound ? 'callee' : 'caller';
  const { rows } = await client.query(
    `select * from ${table} where ${party} = $1 order by started_at desc limit 21`,
    [inbound ? callee : caller],
  );
  z.array(z.unknown()).length(21).parse(rows);
}
