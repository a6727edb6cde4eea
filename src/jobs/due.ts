import { readHoles } from '../store/holes.ts';
import { lastRun, type Run, runsSince } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { daysToAudit } from '../sync/audit-days.ts';
import { HOUR, MINUTE, type ZoneClock } from '../time.ts';
import type { JobAccount } from './accounts.ts';

/** What the store says is due, besides the polls that have schedules. */

/** Whether a hole has become due since the account was last polled: each poll tries those that are. */
export async function isHoleDue(store: Store, { sync }: JobAccount, now: number): Promise<boolean> {
  const holes = await readHoles(store, sync.settings.id);
  // A fresh one is left to the next poll that comes by itself.
  const retried = holes.filter(({ attempts }) => attempts > 0);
  const next = Math.min(...retried.map(({ next_try_at }) => next_try_at));
  if (next > now) return false;
  const poll = await lastRun(store, sync.settings.id, ['sync', 'poll']);
  return poll === null || poll.started_at < next;
}

/** After a day counts as over, so that polls have closed it first. */
const AFTER_CLOSING = 5 * MINUTE;
const AGAIN_AFTER = HOUR;

/**
 * Whether an account is to be audited now: once after each of its days; an hour
 * later a second time where that failed, or left a day that a second look
 * decides.
 */
export async function isAuditDue(
  store: Store,
  { sync, ages }: JobAccount,
  now: number,
): Promise<boolean> {
  const { settings, rules } = sync;
  const runs = await runsSince(
    store,
    settings.id,
    'audit',
    auditTime(rules.clock, settings.lookback, now),
  );
  if (!mayAudit(runs, now)) return false;
  const account = { id: settings.id, clock: rules.clock, lookback: settings.lookback, ages };
  return (await daysToAudit(store, account, now)).length > 0;
}

/** When the account's last day had been over for the lookback, and five minutes for polls to close it. */
export function auditTime(clock: ZoneClock, lookback: number, now: number): number {
  const since = now - lookback - AFTER_CLOSING;
  return clock.startOfDay(clock.dayOf(since)) + lookback + AFTER_CLOSING;
}

/** @param runs the audits since the account's last day was over, the newest first. */
export function mayAudit(runs: readonly Pick<Run, 'started_at' | 'state'>[], now: number): boolean {
  // One that began in the future was begun by a clock that has been set right since.
  const past = runs.filter(({ started_at }) => started_at <= now);
  const [last] = past;
  if (last === undefined) return true;
  // What was stopped and went on within the hour was one look.
  const looks = past.filter((run, index) => {
    const next = past[index - 1]?.started_at ?? Number.POSITIVE_INFINITY;
    return next - run.started_at >= AGAIN_AFTER;
  });
  const failed = last.state === null || last.state === 'failed';
  return (failed || looks.length === 1) && now - last.started_at >= AGAIN_AFTER;
}
