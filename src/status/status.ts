import type { AccountConfig, Config } from '../config/config.ts';
import { QUESTIONABLE } from '../day-state.ts';
import { type AccountOverview, type KnownBackfill, readOverview } from '../store/overview.ts';
import type { Pause } from '../store/pauses.ts';
import type { Retention } from '../store/retentions.ts';
import type { Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { isPaused } from '../sync/pause.ts';
import { NOTICE } from '../sync/retention-notice.ts';
import { isoSeconds, SECOND } from '../time.ts';
import { alarmsOf, neverRun } from './alarms.ts';
import type {
  AccountStatus,
  BackfillStatus,
  PauseStatus,
  RunStatus,
  StatusDocument,
} from './document.ts';
import { errorOf } from './poll-alarms.ts';
import { readStoreStatus } from './store-status.ts';

/**
 * Tells how the store and each configured account stand, in the order of the configuration.
 *
 * @param store null where there is none yet: then no account was ever synced.
 * @param now milliseconds since 1970, against which lag and alarms are reckoned.
 * @throws what the database throws, as it came.
 */
export async function readStatus(
  config: Config,
  store: Store | null,
  now: number,
): Promise<StatusDocument> {
  const overview = store === null ? [] : await readOverview(store, now);
  const accounts = await Promise.all(
    config.accounts.map(async (account) => {
      const known = overview.find((one) => one.account.id === account.id);
      if (known === undefined) return unknownStatus(account);
      // One of another login, which has been corrected since, keeps nobody from asking.
      const paused = await isPaused(known.pause, account.login, now);
      return statusOf(account, known, paused ? known.pause : null, now);
    }),
  );
  return {
    format: 1,
    generated_at: isoSeconds(now),
    store: await readStoreStatus(config, store, now),
    accounts,
  };
}

function unknownStatus({ id, connector, clock, retention }: AccountConfig): AccountStatus {
  return {
    account: id,
    provider: connector.provider,
    time_zone: clock.zone,
    watermark: null,
    lag_seconds: null,
    clock_skew_seconds: null,
    running: false,
    first_sync: true,
    last_run: null,
    failing: null,
    next_poll: null,
    pending_windows: 0,
    days: {},
    days_in_question: 0,
    holes: [],
    quarantine: 0,
    accepted: [],
    lateness: { calls: 0, latest_seconds: null },
    pause: null,
    ...retentionStatus(retention, null),
    backfills: [],
    alarms: [neverRun(id)],
  };
}

function statusOf(
  config: AccountConfig,
  known: AccountOverview,
  pause: Pause | null,
  now: number,
): AccountStatus {
  const { account, polls, holes, lastRun, lateness } = known;
  const { failing, last: lastPoll } = polls;
  const skew = account.clock_skew;
  return {
    account: config.id,
    provider: config.connector.provider,
    time_zone: config.clock.zone,
    watermark: isoSeconds(account.watermark),
    lag_seconds: Math.max(0, Math.round((now - account.watermark) / SECOND)),
    clock_skew_seconds: skew === null ? null : Math.round(skew / SECOND),
    running: known.running,
    first_sync: !polls.caughtUp,
    last_run: lastRun === null ? null : runStatus(lastRun),
    failing: failing === null ? null : { ...failing, since: isoSeconds(failing.since) },
    next_poll:
      lastPoll === null
        ? null
        : isoSeconds(Math.max(lastPoll.started_at + config.every, pause?.until ?? 0)),
    pending_windows: known.pending,
    days: Object.fromEntries([...known.days].map(([state, { count }]) => [state, count])),
    days_in_question: QUESTIONABLE.reduce(
      (sum, state) => sum + (known.days.get(state)?.count ?? 0),
      0,
    ),
    holes: holes.map((hole) => ({
      from: isoSeconds(hole.from_at),
      to: isoSeconds(hole.to_at),
      reason: hole.reason,
      since: isoSeconds(hole.since),
      attempts: hole.attempts,
      next_try_at: isoSeconds(hole.next_try_at),
    })),
    quarantine: known.quarantined.rows,
    accepted: known.accepted.map((day) => ({ ...day })),
    lateness: { calls: lateness.calls, latest_seconds: lateness.latestSeconds },
    pause: pause === null ? null : pauseStatus(pause),
    ...retentionStatus(config.retention, known.retention),
    backfills: known.backfills.map(backfillStatus),
    alarms: [...alarmsOf({ config, known, pause, now })],
  };
}

function runStatus(run: Run): RunStatus {
  const { trigger, started_at, ended_at, state } = run;
  const { windows, requests, fetched, inserted, changed } = run;
  const error = errorOf(run);
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
    error: error === null ? null : { ...error },
  };
}

type RetentionStatus = Pick<
  AccountStatus,
  'retention_seconds' | 'retention_state' | 'retention_from'
>;

function retentionStatus(wanted: number | null, known: Retention | null): RetentionStatus {
  if (wanted === null) {
    return { retention_seconds: null, retention_state: 'off', retention_from: null };
  }
  const { in_force = null, announced = null, announced_at = null } = known ?? {};
  const acts = in_force !== null && wanted >= in_force;
  const told = !acts && announced === wanted && announced_at !== null;
  return {
    retention_seconds: Math.round(wanted / SECOND),
    retention_state: acts ? 'in_force' : 'announced',
    retention_from: told ? isoSeconds(announced_at + NOTICE) : null,
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
