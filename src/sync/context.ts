import type { Connector, Names } from '../providers/provider.ts';
import type { Audit } from '../store/audits.ts';
import type { Lease } from '../store/leases.ts';
import type { Counts } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { HOUR, type ZoneClock } from '../time.ts';
import type { Client } from './client.ts';
import type { Beyond, Erasing } from './erasing.ts';
import type { Log } from './log.ts';
import type { WindowRules } from './windows.ts';

/** The settings of an account that the engine works by. Durations in milliseconds. */
export interface SyncSettings {
  readonly id: string;
  /** The instant from which history is wanted; null for the beginning of yesterday. */
  readonly startAt: number | null;
  /** How often the account is meant to be polled. */
  readonly every: number;
  readonly lookback: number;
  readonly settle: number;
  /** How long calls are kept in clear; null for as long as they are stored. */
  readonly retention: number | null;
}

/** One account's run: everything its parts share. */
export interface RunContext {
  readonly settings: SyncSettings;
  readonly connector: Connector;
  readonly clock: ZoneClock;
  readonly rules: WindowRules;
  readonly client: Client;
  readonly store: Store;
  readonly lease: Lease;
  readonly runId: string;
  readonly log: Log;
  /** Aborted when the run has to stop at the next page boundary. */
  readonly signal: AbortSignal;
  names: Names;
  readonly onProgress: (progress: Progress) => void;
  readonly startedAt: number;
  /** Where the account's history is to begin. */
  readonly startAt: number;
  /** Where it began by the end of the last run that walked up to it. */
  readonly knownStart: number;
  /** What is committed so far. */
  counts: Counts;
  /** The days that this run has touched, and what it found new in them. */
  readonly days: Map<string, DayNews>;
  /** What of listed rows may not come in clear. */
  readonly erasing: Erasing;
  /** The account's retention; null where none is in force. */
  readonly beyond: Beyond | null;
  /** Set while an audit reads. */
  audit: AuditNotes | null;
  /** The audits of this run, by day. */
  readonly audits: Map<string, Audit>;
  /** Walks that were begun again because they proved nothing. */
  futileWalks: number;
  /** The provider's clock minus ours as last stored. */
  skew: number | null;
}

/** What the reads of an audit found, as far as the calls themselves do not show it. */
export interface AuditNotes {
  /** The ids of the calls that the provider lists. */
  readonly listed: Set<string>;
  /** Milliseconds of the day that its walks have proven. */
  proven: number;
  /** Equal walks stood against the stated total. */
  contradiction: boolean;
  /** Rows that could not be read: any of them may be a call that seems to be gone. */
  rejected: number;
  duplicates: number;
  new: number;
  changed: number;
  /** Seconds from the end of a new call to its first listing, the longest. */
  latest: number | null;
}

export interface DayNews {
  new: number;
  changed: number;
}

export interface Progress {
  readonly account: string;
  /** Windows still to walk, this one included. */
  readonly pending: number;
  readonly counts: Counts;
}

/** A clock set to the wrong day, with an hour to spare. What is further off is no clock. */
export const BELIEVABLE_SKEW = 25 * HOUR;

export function believed(skew: number | null): number | null {
  return skew !== null && Math.abs(skew) <= BELIEVABLE_SKEW ? skew : null;
}

/**
 * An instant of ours on whichever of the two clocks is behind; now by default.
 * What this run heard counts however far off it is: where one of them is wrong,
 * the earlier one concludes too little, and never too much.
 */
export function earlierNow({ client, skew }: RunContext, at = Date.now()): number {
  return at + Math.min(0, client.skew() ?? believed(skew) ?? 0);
}

/**
 * The newest instant that has passed by this machine's clock and by the
 * provider's, as this run has heard it; null where it heard none, or one that
 * is no clock. For what cannot be undone: a machine whose clock is wrong knows
 * no better time by itself, and neither do times that it stored before.
 */
export function certainNow(client: Pick<Client, 'skew' | 'heard'>): number | null {
  const heard = client.heard();
  if (heard === null || believed(client.skew()) === null) return null;
  return Math.min(Date.now(), heard);
}
