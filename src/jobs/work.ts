import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import { readBackfill, updateBackfill } from '../store/backfills.ts';
import { readPause } from '../store/pauses.ts';
import type { Surroundings } from '../sync/account.ts';
import { backfillAccount } from '../sync/backfill.ts';
import { isPaused } from '../sync/pause.ts';
import { pollAccount } from '../sync/poll.ts';
import type { AccountReport } from '../sync/report.ts';
import { verifyAccount } from '../sync/verify.ts';
import { HOUR, SECOND } from '../time.ts';
import type { JobAccount, JobAccounts } from './accounts.ts';
import type { RunningJob, Work } from './backend.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** What the work needs to know. */
export interface Working {
  readonly accounts: JobAccounts;
  readonly around: Omit<Surroundings, 'signal'>;
  /** Aborted when the worker stops. */
  readonly stopping: AbortSignal;
  readonly onReport: (trigger: string, report: AccountReport) => void;
}

/** Does a job's work, and tells BullMQ what came of it. */
export async function handleWork(working: Working, job: RunningJob, token: string): Promise<void> {
  const { accounts, stopping } = working;
  const { data } = job;
  // A tick is not work.
  if (!('account' in data)) return;
  const account = accounts.get(data.account);
  if (account === undefined) return leaveToOthers(job, token);
  const pause = await readPause(working.around.store.db, data.account);
  if (await isPaused(pause, account.sync.login, Date.now())) return;
  const around = { ...working.around, signal: stopping };
  const report = stopping.aborted ? null : await run(account, around, data);
  if (report !== null) working.onReport(data.kind, report);
  if (stopping.aborted) return putBack(job, token);
  if (report === null) return;
  await settle(job, token, outcomeOf(report));
}

/** @returns null where there is nothing to do any more. */
async function run(
  { sync, ages }: JobAccount,
  around: Surroundings,
  data: Work,
): Promise<AccountReport | null> {
  switch (data.kind) {
    case 'poll':
      return pollAccount(sync, around, 'poll');
    case 'audit':
      return verifyAccount(sync, around, { kind: 'due', ages }, 'audit');
    case 'backfill': {
      const { store, signal } = around;
      const backfill = await readBackfill(store, data.backfill);
      if (backfill === null || backfill.finished_at !== null) return null;
      const { from_at: from, to_at: to, concurrency } = backfill;
      const report = await backfillAccount(sync, around, { from, to, concurrency });
      if (signal.aborted) return report;
      const { kind } = outcomeOf(report);
      const now = Date.now();
      if (kind === 'done')
        await updateBackfill(store, backfill.id, { finished_at: now, state: report.state });
      // It stays asked for: what failed for good today may be mended by tomorrow.
      if (kind === 'failed')
        await updateBackfill(store, backfill.id, { next_try_at: now + HOUR, state: report.state });
      return report;
    }
  }
}

/** So long another worker, whose configuration knows the account, may be waited for. */
const UNKNOWN_FOR = HOUR;

async function leaveToOthers(job: RunningJob, token: string): Promise<void> {
  if (Date.now() - job.timestamp > UNKNOWN_FOR) return;
  await settle(job, token, { kind: 'later', ms: 5 * SECOND });
}

async function settle(job: RunningJob, token: string, outcome: Outcome): Promise<void> {
  switch (outcome.kind) {
    case 'done':
      return;
    case 'later':
      await job.moveToDelayed(Date.now() + outcome.ms, token);
      throw new DelayedError();
    case 'retry':
      throw new Error(outcome.reason);
    case 'failed':
      throw new UnrecoverableError(outcome.reason);
  }
}

/** As long as a server that is away may keep a worker from leaving. Another worker finds the job by its lock. */
const PUT_BACK_PATIENCE = 2 * SECOND;

/** Gives the job to another worker, or to this one's next start, without a lost attempt. */
async function putBack(job: RunningJob, token: string): Promise<never> {
  const patience = sleep(PUT_BACK_PATIENCE, undefined, { ref: false });
  await Promise.race([job.moveToWait(token), patience]);
  throw new WaitingError();
}
