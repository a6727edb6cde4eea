import { type RawBuilder, sql } from 'kysely';
import { recordJsonSql } from '../record-json.ts';

const quoted = (column: string): RawBuilder<unknown> => sql`json_quote(${sql.ref(column)})`;

export const RECORD_JSON = recordJsonSql({
  json: (column) => sql.ref(column),
  boolean: (column) => sql`iif(${sql.ref(column)} = 1, 'true', 'false')`,
  text: quoted,
  integer: quoted,
  decimal: quoted,
  time: quoted,
  day: quoted,
});
