import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { NumberLook } from '../engine.ts';
import { newestCalls, PARTIES, type Party } from '../number-query.ts';
import type { StoredRecord } from '../record-columns.ts';
import type { Schema } from '../schema.ts';

/** Hours a query: more of them, for a number with few calls in each, would be more parameters than they save queries. */
const MOST_HOURS = 256;

/**
 * Calls are read no further back than is needed, of twice as many hours each
 * time; the hours are those of the whole range.
 */
export async function callsOfNumber(
  db: Kysely<Schema>,
  look: NumberLook,
): Promise<readonly StoredRecord[]> {
  const { rows: hours } = await hoursQuery(look).execute(db);
  const found: StoredRecord[] = [];
  let next = 0;
  for (let count = 1; next < hours.length; count = Math.min(2 * count, MOST_HOURS)) {
    const some = hours.slice(next, next + count).map(({ hour }) => hour);
    next += count;
    for (const party of PARTIES) {
      found.push(...(await hoursCallsQuery(db, look, party, some).execute()));
    }
    // Each of them may be there twice.
    if (found.length > 2 * look.limit) break;
  }
  return found;
}

/**
 * The hours in which the number called or was called, the newest first: from
 * hour to hour by a step in the index of times, and for each a look into the two
 * of numbers.
 */
export function hoursQuery({ forms, scope: { accountIds, from, to } }: NumberLook) {
  const first = from?.slice(0, HOUR_LENGTH) ?? '';
  // As `passedBy` has it: by the bare column SQLite would look the account up and not the number.
  const of = accountIds === null ? sql`` : sql` and account_id || '' in (${sql.join(accountIds)})`;
  const has = (party: Party): RawBuilder<unknown> =>
    sql`exists (
      select 1 from calls where ${STARTED_HOUR} = hours.hour and ${isNumber(party, forms)}${of}
    )`;
  return sql<{ hour: string }>`
    with recursive hours (hour) as (
      select substr(max(started_at), 1, 13) from calls where started_at < ${to ?? AFTER_ALL}
      union all
      select (select substr(max(started_at), 1, 13) from calls where started_at < hours.hour)
      from hours where hour > ${first}
    )
    select hour from hours
    where hour >= ${first} and (${has('caller')} or ${has('callee')})
    order by hour desc`;
}

/** Its newest calls in some hours. */
export function hoursCallsQuery(
  db: Kysely<Schema>,
  look: NumberLook,
  party: Party,
  hours: readonly string[],
) {
  return newestCalls(db, look).where(STARTED_HOUR, 'in', hours).where(isNumber(party, look.forms));
}

/** `2026-11-20T08`, UTC. */
const HOUR_LENGTH = 13;
/** As the indexes of numbers have it, word for word. */
const STARTED_HOUR = sql<string>`substr(started_at, 1, 13)`;
/** Sorts behind every time, which begins with a digit. */
const AFTER_ALL = ':';

/** By the end of the number, as the indexes have it, and then by all of it. */
function isNumber(party: Party, forms: readonly string[]): RawBuilder<SqlBool> {
  const column = sql.ref(party);
  const ends = sql.join(forms.map((form) => sql`substr(${form}, -8)`));
  return sql`(substr(${column}, -8) in (${ends}) and ${column} in (${sql.join(forms)}))`;
}
