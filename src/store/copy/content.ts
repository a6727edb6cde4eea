import { hash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { engineOf } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { CALLS, type StoreTable, type TableName } from '../tables.ts';
import { NOTHING, type Sum } from './digest.ts';
import {
  countRows,
  type DayKey,
  type DaySum,
  readAll,
  readDay,
  readDays,
  tableRows,
} from './rows.ts';
import { CALL_VERSIONS, SMALL_TABLES } from './tables.ts';

/** All that a store holds, in sums. */
export interface Content {
  readonly tables: ReadonlyMap<TableName, Sum>;
  /** By `dayName`. */
  readonly days: ReadonlyMap<string, DaySum>;
  /** The greatest number of a change that was given. */
  readonly changeSeq: number;
}

export interface Reading {
  readonly signal: AbortSignal;
  /** How many of all calls were read. */
  readonly onProgress: (done: number, total: number) => void;
}

export function dayName({ account, day }: DayKey): string {
  return `${account} ${day}`;
}

/** Reads a store whole, and sums it up. */
export async function readContent(
  db: Kysely<Schema>,
  { signal, onProgress }: Reading,
): Promise<Content> {
  const days = new Map<string, DaySum>();
  const keys = await readDays(db);
  const total = keys.reduce((sum, { calls }) => sum + calls, 0);
  let done = 0;
  for (const key of keys) {
    onProgress(done, total);
    await breathe();
    signal.throwIfAborted();
    days.set(dayName(key), await readDay(db, key));
    done += key.calls;
  }
  const tables = new Map<TableName, Sum>();
  for (const table of SMALL_TABLES) tables.set(table.name, await sumTable(db, table));
  return contentOf(db, tables, days, await engineOf(db).lastSequence(db));
}

/** With the tables that were summed up by days counted once more as wholes: no row is outside of every day. */
export async function contentOf(
  db: Kysely<Schema>,
  small: ReadonlyMap<TableName, Sum>,
  days: ReadonlyMap<string, DaySum>,
  changeSeq: number,
): Promise<Content> {
  const sums = [...days.values()];
  const tables = new Map(small);
  tables.set('calls', {
    rows: await countRows(db, CALLS.name),
    digest: digestOf(sums.map((sum) => [dayName(sum), sum.calls])),
  });
  tables.set('call_versions', {
    rows: await countRows(db, CALL_VERSIONS.name),
    digest: digestOf(sums.map((sum) => [dayName(sum), sum.versions])),
  });
  return { tables, days, changeSeq };
}

function digestOf(sums: readonly (readonly [name: string, sum: Sum])[]): string {
  // A day without a row is no day: it is not told from one that is not there.
  const lines = sums
    .filter(([, { rows }]) => rows > 0)
    .map(([name, { rows, digest }]) => `${name} ${rows} ${digest}`);
  return hash('sha256', lines.sort().join('\n'));
}

export async function sumTable(db: Kysely<Schema>, table: StoreTable): Promise<Sum> {
  return readAll(comparedOf(table), tableRows(db, table));
}

/** Of a lease only the epoch goes along: a copy has no holder. */
export function comparedOf(table: StoreTable): StoreTable {
  if (table.name !== 'leases') return table;
  const kept = ['account_id', 'epoch'];
  return { ...table, columns: table.columns.filter(({ name }) => kept.includes(name)) };
}

/** One digest for all of it. */
export function wholeDigest({ tables, changeSeq }: Content): string {
  return digestOf([...tables, ['change_seq', { rows: changeSeq, digest: '' }]]);
}

/** What is not alike, in words, the calls by account and day. */
export function differencesOf(from: Content, to: Content): readonly string[] {
  const days = [...new Set([...from.days.keys(), ...to.days.keys()])].sort().flatMap((name) => {
    const [one, other] = [from.days.get(name), to.days.get(name)];
    const { account, day } = one ?? other ?? { account: name, day: '' };
    return [
      ...differ(`calls of ${account}, ${day}`, one?.calls, other?.calls),
      ...differ(`call_versions of ${account}, ${day}`, one?.versions, other?.versions),
    ];
  });
  const tables = [...from.tables.keys()].flatMap((name) => {
    const [one, other] = [from.tables.get(name), to.tables.get(name)];
    const byDays = days.some((line) => line.startsWith(`${name} of`));
    return byDays ? [] : differ(name, one, other);
  });
  const sequence =
    from.changeSeq === to.changeSeq ? [] : [`change_seq: ${from.changeSeq} and ${to.changeSeq}`];
  return [...days, ...tables, ...sequence];
}

function differ(what: string, one: Sum = NOTHING, other: Sum = NOTHING): readonly string[] {
  if (one.rows !== other.rows) return [`${what}: ${one.rows} and ${other.rows} rows`];
  return one.digest === other.digest ? [] : [`${what}: ${one.rows} rows, not the same`];
}
