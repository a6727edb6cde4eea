import { type Kysely, sql } from 'kysely';
import type { TimeRange } from '../engine.ts';
import { isNumber, type Party, STARTED_HOUR } from '../number-index.ts';
import type { Schema } from '../schema.ts';

/**
 * Goes from hour to hour, to each by one step in the index of times, and looks
 * into the indexes of numbers: they have those of an hour together, so that new
 * calls are written to few places of them.
 */
export async function hoursOfNumber(
  db: Kysely<Schema>,
  forms: readonly string[],
  { from, to }: TimeRange,
): Promise<readonly string[]> {
  const has = (party: Party) => sql`exists (
    select 1 from calls where ${STARTED_HOUR} = hours.hour and ${isNumber(party, forms)}
  )`;
  const { rows } = await sql<{ hour: string }>`
    with recursive hours (hour) as (
      select substr(max(started_at), 1, 13) from calls where started_at < ${to ?? AFTER_ALL}
      union all
      select (select substr(max(started_at), 1, 13) from calls where started_at < hours.hour)
      from hours where hour > ${from ?? ''}
    )
    select hour from hours
    where hour >= ${from?.slice(0, 13) ?? ''} and (${has('caller')} or ${has('callee')})
    order by hour desc`.execute(db);
  return rows.map(({ hour }) => hour);
}

/** Of every time. */
const AFTER_ALL = ':';
