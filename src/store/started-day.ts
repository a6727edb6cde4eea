import { sql } from 'kysely';

/** The UTC day of a call's start, word for word as SQLite's indexes of numbers have it. */
export const startedDay = sql<string>`substr(started_at, 1, 10)`;
