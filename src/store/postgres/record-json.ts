import { type RawBuilder, sql } from 'kysely';
import { recordJsonSql } from '../record-json.ts';
import { TO_THE_MILLISECOND } from './types.ts';

const orNull = (value: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(${value}, 'null')`;
const quoted = (column: string): RawBuilder<unknown> =>
  orNull(sql`to_json(${sql.ref(column)})::text`);

/** Times as `types.ts` reads them, whatever the session's time zone is. */
function time(column: string): RawBuilder<unknown> {
  const value = sql.ref(column);
  const utc = sql`${value} at time zone 'UTC'`;
  const [seconds, milliseconds] = [SECONDS, MILLISECONDS].map((pattern) => sql.lit(pattern));
  if (TO_THE_MILLISECOND.includes(column)) return orNull(sql`to_char(${utc}, ${milliseconds})`);
  return orNull(sql`to_char(${utc}, case
    when ${value} = date_trunc('second', ${value}) then ${seconds} else ${milliseconds} end)`);
}

const SECONDS = '"\\""YYYY-MM-DD"T"HH24:MI:SS"Z\\""';
const MILLISECONDS = '"\\""YYYY-MM-DD"T"HH24:MI:SS.MS"Z\\""';

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
