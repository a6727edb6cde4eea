import type { JsonObject } from '../json.ts';
import { addDays, SECOND, wholeSecond, zoneClock } from '../time.ts';
import { type Call, makeTraffic } from './traffic.ts';

/** One record of a provider's list. */
export interface Entry {
  /** Ascends in the order in which calls were hung up. */
  readonly key: number;
  /** The instant by which the provider's list filters. */
  readonly at: number;
  /** The instant from which the record is listed. */
  readonly listedFrom: number;
  /** Null for a record that a test put in. */
  readonly call: Call | null;
  /** Set where the record differs from what the call renders to. */
  row: JsonObject | null;
}

export interface BookOptions {
  readonly seed: number;
  readonly zone: string;
  readonly callsPerDay: number;
  /** The calendar day on which the traffic begins. */
  readonly firstDay: string;
  /** The provider's clock. */
  readonly clock: () => number;
  /** The instant at which a world that is not live stands still; infinity for a live one. */
  readonly until: number;
  readonly firstKey: number;
  /** Which of the exchange's calls (and charges) this provider has. */
  readonly lists: (call: Call) => boolean;
  readonly render: (call: Call, key: number) => JsonObject;
  /** The filter's instant of a call, and of a row that a test puts in. */
  readonly atOfCall: (call: Call) => number;
  readonly atOfRow: (row: JsonObject) => number | null;
  /** The key a row carries itself; null where it carries none. */
  readonly keyOfRow: (row: JsonObject) => number | null;
}

/** What one provider holds. Calls are listed once they have been hung up. */
export interface Book {
  /** The listed entries with `from <= at < to`, ascending by `at`, then by key. */
  between(from: number, to: number): readonly Entry[];
  rowOf(entry: Entry): JsonObject;
  /** Every listed row, ascending as in `between`. */
  rows(): JsonObject[];
  /** Lists a row from now on. */
  insert(row: JsonObject): void;
  /** Removes the listed rows that match, and says how many. */
  remove(matches: (row: JsonObject) => boolean): number;
  /** Overwrites fields of the listed rows that match, where they stand, and says how many. */
  change(matches: (row: JsonObject) => boolean, fields: JsonObject): number;
}

export function openBook(options: BookOptions): Book {
  const zone = zoneClock(options.zone);
  let entries: Entry[] = [];
  let unfinished: Call[] = [];
  let nextDay = options.firstDay;
  let nextKey = options.firstKey;
  let revision = 0;
  let memo: { readonly key: string; readonly entries: readonly Entry[] } | null = null;

  const now = (): number => Math.min(wholeSecond(options.clock()), options.until);

  // Day by day, so that a live world never ends. Keys are given out only up to
  // the end of what is made: whatever is hung up later can no longer come before.
  const extend = (): void => {
    const from = zone.startOfDay(nextDay);
    nextDay = addDays(nextDay, 1);
    const to = zone.startOfDay(nextDay);
    const { seed, callsPerDay } = options;
    const made = makeTraffic({ seed, from, to, callsPerDay, zone: options.zone });
    const calls = [...unfinished, ...made.filter(options.lists)];
    unfinished = calls.filter((call) => call.end >= to);
    const finished = calls.filter(({ end }) => end < to).sort((a, b) => a.end - b.end);
    const fresh = finished.map((call, index): Entry => {
      const at = options.atOfCall(call);
      return { key: nextKey + index, at, listedFrom: call.end, call, row: null };
    });
    nextKey += fresh.length;
    // Two sorted runs, which the sort merges in one pass.
    entries = [...entries, ...fresh.sort(byInstant)].sort(byInstant);
    revision += 1;
  };

  const upToDate = (): void => {
    while (zone.startOfDay(nextDay) <= now()) extend();
  };

  const between = (from: number, to: number): readonly Entry[] => {
    upToDate();
    const horizon = now();
    // Each page of a list asks for the same range again.
    const key = `${from} ${to} ${horizon} ${revision}`;
    if (memo?.key !== key) {
      const part = entries.slice(firstAtOrAfter(entries, from), firstAtOrAfter(entries, to));
      memo = { key, entries: part.filter((entry) => entry.listedFrom <= horizon) };
    }
    return memo.entries;
  };

  const all = (): readonly Entry[] => between(-Infinity, Infinity);
  const rowOf = (entry: Entry): JsonObject => {
    if (entry.row !== null) return entry.row;
    return entry.call === null ? {} : options.render(entry.call, entry.key);
  };

  return {
    between,
    rowOf,
    rows: () => all().map(rowOf),
    insert(row) {
      upToDate();
      const at = options.atOfRow(row);
      if (at === null)
        throw new Error('A row put into the sandbox needs the time it is listed by.');
      const key = options.keyOfRow(row) ?? nextKey;
      entries.push({ key, at, listedFrom: -Infinity, call: null, row });
      entries.sort(byInstant);
      nextKey = Math.max(nextKey, key + 1);
      revision += 1;
    },
    remove(matches) {
      const gone = new Set(all().filter((entry) => matches(rowOf(entry))));
      entries = entries.filter((entry) => !gone.has(entry));
      revision += 1;
      return gone.size;
    },
    change(matches, fields) {
      const changed = all().filter((entry) => matches(rowOf(entry)));
      for (const entry of changed) entry.row = { ...rowOf(entry), ...fields };
      return changed.length;
    },
  };
}

/** The entries in the order of their keys. */
export function byKey(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.key - b.key);
}

/** A range's end as an exclusive bound. Providers filter by whole seconds. */
export function exclusiveEnd(to: number, inclusive: boolean): number {
  return inclusive ? to + SECOND : to;
}

function byInstant(a: Entry, b: Entry): number {
  return a.at - b.at || a.key - b.key;
}

function firstAtOrAfter(entries: readonly Entry[], instant: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.at < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}
