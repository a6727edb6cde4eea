import type pg from 'pg';
import { z } from 'zod';
import { DAY } from '../../src/time.ts';
import type { World } from '../server/world.ts';

const Definitions = z.array(z.object({ sql: z.string() }));

/**
 * The table `parted`: the calls of the store once more, in a partition for each
 * month, with the same indexes.
 *
 * @returns how many partitions there are.
 */
export async function makePartitions(client: pg.Client, { from }: World): Promise<number> {
  await client.query('create table parted (like calls) partition by range (started_at)');
  const months = monthsFrom(from, Date.now() + DAY);
  for (const [index, month] of months.entries()) {
    const next = months[index + 1];
    if (next === undefined) break;
    await client.query(
      `create table parted_${month.slice(0, 7).replace('-', '_')} partition of parted
       for values from ('${month}') to ('${next}')`,
    );
  }
  await client.query('insert into parted select * from calls');
  await client.query('alter table parted add primary key (account_id, call_id, started_at)');
  const { rows } = await client.query(
    `select pg_get_indexdef(indexrelid) as sql from pg_index
     where indrelid = 'calls'::regclass and not indisprimary`,
  );
  for (const { sql } of Definitions.parse(rows)) {
    await client.query(
      sql
        .replace(/^create index calls_/i, 'create index parted_')
        .replace(/ on (?:only )?(?:\w+\.)?calls /i, ' on parted '),
    );
  }
  await client.query('vacuum analyze parted');
  await client.query('checkpoint');
  return months.length - 1;
}

/** The first days of months (UTC), the last one after the end. */
function monthsFrom(from: number, end: number): readonly string[] {
  const months: string[] = [];
  const first = new Date(from);
  for (let offset = 0; ; offset += 1) {
    const month = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + offset, 1));
    months.push(month.toISOString().slice(0, 10));
    if (month.getTime() > end) return months;
  }
}
