import { type Kysely, sql } from 'kysely';
import type { TimeRange } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { startedDay } from '../started-day.ts';

/**
 * Goes from day to day, to each by one step in the index of times, and looks
 * into the indexes of numbers: they have the numbers of a day together, so that
 * new calls are written to few places of them.
 */
export async function daysOfNumber(
  db: Kysely<Schema>,
  forms: readonly string[],
  { from, to }: TimeRange,
): Promise<readonly string[]> {
  const { rows } = await sql<{ day: string }>`
    with recursive days (day) as (
      select substr(max(started_at), 1, 10) from calls where started_at < ${to ?? END}
      union all
      select (select substr(max(started_at), 1, 10) from calls where started_at < days.day)
      from days where day > ${from ?? ''}
    )
    select day from days
    where day >= ${from?.slice(0, 10) ?? ''} and (${on('caller', forms)} or ${on('callee', forms)})
    order by day desc`.execute(db);
  return rows.map(({ day }) => day);
}

/** After every time. */
const END = ':';

function on(party: 'caller' | 'callee', forms: readonly string[]) {
  return sql`exists (
    select 1 from calls where ${startedDay} = days.day and ${sql.ref(party)} in (${sql.join(forms)})
  )`;
}
