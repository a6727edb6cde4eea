import type { KyselyPlugin, QueryResult, UnknownRow } from 'kysely';
import pg from 'pg';
import type { ColumnKind } from '../bulk.ts';

/** How values come back from PostgreSQL: as the same texts and numbers that SQLite holds. */

const OID = { int8: 20, json: 114, date: 1082, timestamptz: 1184, numeric: 1700 } as const;

export function parsers(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  // Instants in milliseconds, counts and change_seq: all far below 2^53.
  types.setTypeParser(OID.int8, Number);
  types.setTypeParser(OID.timestamptz, isoText);
  for (const oid of [OID.json, OID.date, OID.numeric]) types.setTypeParser(oid, (text) => text);
  return types;
}

/** `2026-11-20 08:00:00.12+00` → `2026-11-20T08:00:00.120Z`; without a fraction to the second. */
function isoText(text: string): string {
  // Never guessed: with another zone every time would be wrong by hours.
  if (!text.endsWith('+00')) throw new TypeError('a session whose time zone is not UTC');
  const fraction = text.length > 22 ? `.${text.slice(20, -3).padEnd(3, '0')}` : '';
  return `${text.slice(0, 10)}T${text.slice(11, 19)}${fraction}Z`;
}

/** The columns of the store's own bookkeeping, which are told to the millisecond. */
export const TO_THE_MILLISECOND: readonly string[] = [
  'first_seen_at',
  'changed_at',
  'missing_since',
  'replaced_at',
];

/** The server leaves a fraction of nothing out, and says nothing of which columns have one. */
export const wholeMilliseconds: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }): Promise<QueryResult<UnknownRow>> => {
    const columns = TO_THE_MILLISECOND.filter((column) => column in (result.rows[0] ?? {}));
    for (const row of columns.length === 0 ? [] : result.rows) {
      for (const column of columns) {
        const value = row[column];
        if (typeof value === 'string' && value.length === 20) {
          row[column] = `${value.slice(0, -1)}.000Z`;
        }
      }
    }
    return result;
  },
};

/** As what values of a column are sent: an insert makes of them what the column is. */
export const SENT_AS: Readonly<Record<ColumnKind, string>> = {
  text: 'text',
  integer: 'bigint',
  decimal: 'numeric',
  time: 'timestamptz',
  day: 'date',
  json: 'json',
  bytes: 'bytea',
};
