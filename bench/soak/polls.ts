import { SECOND } from '../../src/time.ts';
import { quantile } from './numbers.ts';
import type { StoredRun } from './store-reader.ts';

/** What the table `runs` says of the worker's promises. */

/** Something that was done to the workers or to their queue. */
export interface Disturbance {
  readonly what: string;
  readonly at: number;
  /** Whether it ended processes, whose runs then have no end of their own. */
  readonly kill: boolean;
}

export interface Overlaps {
  readonly count: number;
  /** Runs without an end that no kill explains. */
  readonly unended: number;
  readonly examples: readonly string[];
}

/** Runs of one account that were going on at the same time. */
export function overlapsIn(
  runs: readonly StoredRun[],
  disturbances: readonly Disturbance[],
): Overlaps {
  const kills = disturbances.filter(({ kill }) => kill).map(({ at }) => at);
  const examples: string[] = [];
  let count = 0;
  let unended = 0;
  for (const own of byAccount(runs).values()) {
    let until = 0;
    for (const { account, started, ended } of own) {
      const end = ended ?? kills.find((at) => at >= started) ?? null;
      if (end === null) unended += 1;
      if (started < until) {
        count += 1;
        examples.push(`${account} at ${new Date(started).toISOString()}`);
      }
      until = Math.max(until, end ?? started);
    }
  }
  return { count, unended, examples: examples.slice(0, 5) };
}

/** A run may take over so long after something was done to the workers. */
const TAKEOVER = 15 * SECOND;
/** How late a poll may be when nothing is wrong. */
const PUNCTUAL = 3 * SECOND;
/** How long something that was done excuses. */
const AFTERMATH = 20 * SECOND;

export interface Gaps {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  /** Outside the aftermaths. */
  readonly longestQuiet: number;
  readonly longest: number;
  /** Beyond what is allowed. */
  readonly late: number;
  readonly allowedQuiet: number;
  readonly allowed: number;
  readonly examples: readonly string[];
  /** The longest around each of the things that were done. */
  readonly around: readonly { readonly what: string; readonly longest: number }[];
}

interface Gap {
  readonly account: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The times between the starts of one account's polls, from the first poll in
 * the span to its end: an account that is polled no more has a gap too.
 */
export function gapsIn(
  runs: readonly StoredRun[],
  span: { readonly from: number; readonly to: number },
  every: number,
  disturbances: readonly Disturbance[],
): Gaps {
  const all: Gap[] = [];
  for (const [account, own] of byAccount(runs)) {
    const starts = own.filter(({ trigger }) => trigger === 'poll').map(({ started }) => started);
    const within = starts.filter((at) => at < span.to);
    // The last poll before the span tells how long the first within it took to come.
    const edge = within.findLast((at) => at < span.from) ?? span.from;
    const times = [edge, ...within.filter((at) => at >= span.from), span.to];
    for (const [index, to] of times.entries()) {
      const from = times[index - 1];
      if (from !== undefined) all.push({ account, from, to });
    }
  }
  const near = ({ from, to }: Gap, { at }: Disturbance): boolean =>
    from <= at + AFTERMATH && to >= at;
  const excused = (gap: Gap): boolean => disturbances.some((one) => near(gap, one));
  const quiet = all.filter((gap) => !excused(gap));
  const allowed = every + TAKEOVER;
  const allowedQuiet = every + PUNCTUAL;
  const late = all.filter((gap) => length(gap) > (excused(gap) ? allowed : allowedQuiet));
  const lengths = all.map(length);
  return {
    count: all.length,
    median: quantile(lengths, 0.5),
    p99: quantile(lengths, 0.99),
    longestQuiet: longest(quiet),
    longest: longest(all),
    late: late.length,
    allowedQuiet,
    allowed,
    examples: late
      .toSorted((a, b) => length(b) - length(a))
      .slice(0, 5)
      .map((gap) => `${gap.account} ${length(gap)} ms from ${new Date(gap.from).toISOString()}`),
    around: disturbances.map((one) => ({
      what: one.what,
      longest: longest(all.filter((gap) => near(gap, one))),
    })),
  };
}

function length({ from, to }: Gap): number {
  return to - from;
}

function longest(gaps: readonly Gap[]): number {
  return gaps.reduce((most, gap) => Math.max(most, length(gap)), 0);
}

function byAccount(runs: readonly StoredRun[]): ReadonlyMap<string, readonly StoredRun[]> {
  return Map.groupBy(runs, ({ account }) => account);
}
