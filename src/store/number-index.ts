import { type RawBuilder, type SqlBool, sql } from 'kysely';

/**
 * How SQLite's indexes of numbers are asked: by the hour of a call's start and
 * the end of its number, word for word as the indexes have them.
 */

export type Party = 'caller' | 'callee';

/** The hour in UTC: `2026-11-20T08`. */
export const STARTED_HOUR = sql<string>`substr(started_at, 1, 13)`;

/** That a party's number is one of these spellings. */
export function isNumber(party: Party, forms: readonly string[]): RawBuilder<SqlBool> {
  const column = sql.ref(party);
  const ends = sql.join(forms.map((form) => sql`substr(${form}, -8)`));
  return sql`(substr(${column}, -8) in (${ends}) and ${column} in (${sql.join(forms)}))`;
}
