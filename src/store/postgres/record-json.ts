import { type RawBuilder, sql } from 'kysely';
import { recordJsonSql } from '../record-json.ts';
import { TO_THE_MILLISECOND } from './types.ts';

const orNull = (value: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(${value}, 'null')`;
const quoted = (column: string): RawBuilder<unknown> =>
  orNull(sql`to_json(${sql.ref(column)})::text`);

/**
 * Times as `types.ts` reads them, whatever the session's time zone is. What
 * `to_char` has no text for (infinity) is no time of a call, and no null either.
 */
function time(column: string): RawBuilder<unknown> {
  const value = sql.ref(column);
  const whole = TO_THE_MILLISECOND.includes(column)
    ? sql`false`
    : sql`${value} = date_trunc('second', ${value})`;
  const pattern = sql`case when ${whole} then ${sql.lit(SECONDS)} else ${sql.lit(MILLISECONDS)} end`;
  const text = sql`to_char(${value} at time zone 'UTC', ${pattern})`;
  return sql`coalesce('"' || ${text} || '"', to_json(${value})::text, 'null')`;
}

// Without a backslash, which a session may take for more than itself.
const SECONDS = 'YYYY-MM-DD"T"HH24:MI:SS"Z"';
const MILLISECONDS = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

export const RECORD_JSON = recordJsonSql({
  json: (column) => sql.ref(column),
  boolean: (column) => sql`case when ${sql.ref(column)} = 1 then 'true' else 'false' end`,
  text: quoted,
  integer: (column) => orNull(sql`${sql.ref(column)}::text`),
  // A text in JSON, too.
  decimal: (column) => orNull(sql`to_json(${sql.ref(column)}::text)::text`),
  time,
  day: quoted,
});
