import type { AccountConfig, Config } from '../config/config.ts';
import { type AccountOverview, type KnownBackfill, readOverview } from '../store/overview.ts';
import type { Pause } from '../store/pauses.ts';
import type { Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { isPaused } from '../sync/pause.ts';
import { isoSeconds, SECOND } from '../time.ts';
import { type Alarm, alarmsOf } from './alarms.ts';

/** What `status --json` says of one account. Times are ISO 8601 UTC. */
export interface AccountStatus {
  readonly account: string;
  readonly provider: string;
  readonly watermark: string | null;
  readonly lag_seconds: number | null;
  readonly clock_skew_seconds: number | null;
  readonly last_run: RunStatus | null;
  readonly next_poll: string | null;
  readonly pending_windows: number;
  readonly days: Readonly<Record<string, number>>;
  readonly holes: readonly HoleStatus[];
  readonly quarantine: number;
  /** Days that a person closed as they are, shown for ever. */
  readonly accepted: readonly { readonly day: string; readonly reason: string }[];
  /** Calls that only an audit found, and how long after its end the latest was listed. */
  readonly lateness: { readonly calls: number; readonly latest_seconds: number | null };
  /** While the provider refuses the login, the worker leaves the account alone. */
  readonly pause: PauseStatus | null;
  /** Handed to the workers, and not done or done within a day. */
  readonly backfills: readonly BackfillStatus[];
  readonly alarms: readonly Alarm[];
}

export interface PauseStatus {
  readonly since: string;
  readonly until: string;
  /** Runs in a row that the provider refused. */
  readonly refusals: number;
}

export interface BackfillStatus {
  readonly from: string;
  readonly to: string;
  readonly requested_at: string;
  /** Null while it is to be done. */
  readonly finished_at: string | null;
  /** How its last run ended; null before. */
  readonly state: string | null;
  /** Planned when it was asked for; busy days are split further. */
  readonly windows: number;
  /** Still to walk; null before its first run has planned them. */
  readonly windows_left: number | null;
}

export interface RunStatus {
  readonly trigger: string;
  readonly started_at: string;
  /** Null while it runs, or when it was killed. */
  readonly ended_at: string | null;
  readonly state: string | null;
  readonly windows: number;
  readonly requests: number;
  readonly fetched: number;
  readonly inserted: number;
  readonly changed: number;
  readonly error: unknown;
}

export interface HoleStatus {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly since: string;
  readonly attempts: number;
  readonly next_try_at: string;
}

/**
 * Tells how each configured account stands, in the order of the configuration.
 *
 * @param store null where there is none yet: then no account was ever synced.
 * @param now milliseconds since 1970, against which lag and alarms are reckoned.
 * @throws what the database throws, as it came.
 */
export async function readStatus(
  config: Config,
  store: Store | null,
  now: number,
): Promise<readonly AccountStatus[]> {
  const overview = store === null ? [] : await readOverview(store);
  return Promise.all(
    config.accounts.map(async (account) => {
      const known = overview.find((one) => one.account.id === account.id) ?? null;
      // One of another login, which has been corrected since, keeps nobody from asking.
      const paused = await isPaused(known?.pause ?? null, account.login, now);
      return statusOf(account, known, paused ? (known?.pause ?? null) : null, now);
    }),
  );
}

function statusOf(
  config: AccountConfig,
  known: AccountOverview | null,
  pause: Pause | null,
  now: number,
): AccountStatus {
  const {
    account = null,
    lastRun = null,
    lastPoll = null,
    days = {},
    holes = [],
    quarantined = 0,
    pending = 0,
  } = known ?? {};
  const skew = account?.clock_skew ?? null;
  const status = {
    account: config.id,
    provider: config.connector.provider,
    watermark: account === null ? null : isoSeconds(account.watermark),
    lag_seconds:
      account === null ? null : Math.max(0, Math.round((now - account.watermark) / SECOND)),
    clock_skew_seconds: skew === null ? null : Math.round(skew / SECOND),
    last_run: lastRun === null ? null : runStatus(lastRun),
    next_poll:
      lastPoll === null
        ? null
        : isoSeconds(Math.max(lastPoll.started_at + config.every, pause?.until ?? 0)),
    pending_windows: pending,
    days,
    holes: holes.map((hole) => ({
      from: isoSeconds(hole.from_at),
      to: isoSeconds(hole.to_at),
      reason: hole.reason,
      since: isoSeconds(hole.since),
      attempts: hole.attempts,
      next_try_at: isoSeconds(hole.next_try_at),
    })),
    quarantine: quarantined,
    accepted: known?.accepted ?? [],
    lateness: {
      calls: known?.lateness.calls ?? 0,
      latest_seconds: known?.lateness.latestSeconds ?? null,
    },
    pause: pause === null ? null : pauseStatus(pause),
    backfills: known?.backfills.map(backfillStatus) ?? [],
  };
  return { ...status, alarms: alarmsOf(config, known, pause, now) };
}

function runStatus({ trigger, started_at, ended_at, state, error, ...counts }: Run): RunStatus {
  const { windows, requests, fetched, inserted, changed } = counts;
  return {
    trigger,
    started_at: isoSeconds(started_at),
    ended_at: ended_at === null ? null : isoSeconds(ended_at),
    state,
    windows,
    requests,
    fetched,
    inserted,
    changed,
    error: error === null ? null : JSON.parse(error),
  };
}

function pauseStatus({ since, until, refusals }: Pause): PauseStatus {
  return { since: isoSeconds(since), until: isoSeconds(until), refusals };
}

function backfillStatus({ backfill, left }: KnownBackfill): BackfillStatus {
  const { from_at, to_at, requested_at, finished_at, state, windows } = backfill;
  return {
    from: isoSeconds(from_at),
    to: isoSeconds(to_at),
    requested_at: isoSeconds(requested_at),
    finished_at: finished_at === null ? null : isoSeconds(finished_at),
    state,
    windows,
    windows_left: finished_at === null ? left : 0,
  };
}
