import type { AccountConfig } from '../config/config.ts';
import { type AccountOverview, readOverview } from '../store/overview.ts';
import type { Run } from '../store/runs.ts';
import { openStoreToRead } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { formatDuration, isoSeconds, SECOND } from '../time.ts';
import { type Alarm, alarmsOf } from './alarms.ts';
import { type GlobalOptions, openSession } from './session.ts';
import { count, table } from './table.ts';

/** What `status --json` says of one account. */
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
  readonly alarms: readonly Alarm[];
}

interface RunStatus {
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

interface HoleStatus {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly since: string;
  readonly attempts: number;
  readonly next_try_at: string;
}

/** Tells how each account stands. Neither creates nor changes a store. */
export async function statusCommand(
  globals: GlobalOptions,
  { check }: { readonly check?: boolean },
): Promise<number> {
  const { config } = await openSession(globals, new AbortController().signal);
  const store = await openStoreToRead(config.store);
  if (store === null && globals.requireStore) throw missing(config.store);
  const overview = store === null ? [] : await readOverview(store).finally(() => store.close());
  const now = Date.now();
  const accounts = config.accounts.map((account) =>
    statusOf(account, overview.find((known) => known.account.id === account.id) ?? null, now),
  );
  process.stdout.write(globals.json ? `${JSON.stringify({ accounts })}\n` : statusText(accounts));
  return check === true && accounts.some(({ alarms }) => alarms.length > 0) ? 1 : 0;
}

function statusOf(
  config: AccountConfig,
  known: AccountOverview | null,
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
    next_poll: lastPoll === null ? null : isoSeconds(lastPoll.started_at + config.every),
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
  };
  return { ...status, alarms: alarmsOf(config, known, now) };
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

function statusText(accounts: readonly AccountStatus[]): string {
  const head = [
    'account',
    'provider',
    'watermark',
    'lag',
    'last run',
    'days',
    'holes',
    'quarantine',
  ];
  const rows = accounts.map((status) => [
    status.account,
    status.provider,
    status.watermark ?? 'never run',
    status.lag_seconds === null ? '-' : formatDuration(status.lag_seconds * SECOND),
    status.last_run === null
      ? '-'
      : `${status.last_run.state ?? 'unfinished'} ${status.last_run.started_at}`,
    daysText(status.days),
    count(status.holes.length),
    count(status.quarantine),
  ]);
  const alarms = accounts.flatMap(({ account, alarms }) =>
    alarms.map(({ message, hint }) => `\n! ${account}: ${message}\n  → ${hint}\n`),
  );
  const accepted = accounts.flatMap(({ account, accepted }) =>
    accepted.map(({ day, reason }) => `\n${account}: ${day} was accepted as it is: ${reason}\n`),
  );
  return table(head, rows) + alarms.join('') + accepted.join('');
}

function daysText(days: Readonly<Record<string, number>>): string {
  const parts = Object.entries(days).map(([state, number]) => `${number} ${state}`);
  return parts.length === 0 ? '-' : parts.sort().join(', ');
}
