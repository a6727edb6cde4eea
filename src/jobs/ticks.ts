import type { JobsOptions } from 'bullmq';
import { dueBackfills } from '../store/backfills.ts';
import { forgetIdleRuns } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../sync/log.ts';
import { DAY } from '../time.ts';
import type { JobAccounts } from './accounts.ts';
import type { JobData } from './backend.ts';
import { isAuditDue, isHoleDue } from './due.ts';
import { PRIORITY, type Queues } from './queues.ts';

/** What the ticks need to know. */
export interface Ticking {
  readonly accounts: JobAccounts;
  readonly store: Store;
  readonly queues: Pick<Queues, 'live' | 'deep'>;
  readonly log: Log;
}

/**
 * What a tick means: work is added, unless the same work waits or runs. A
 * schedule that fired into the work's own queue would start an account's runs
 * beside each other (seen: three at once), whatever deduplication its template
 * names.
 */
export async function handleTick(ticking: Ticking, tick: JobData): Promise<void> {
  switch (tick.kind) {
    case 'poll':
      // Also where it is unknown here: another worker's configuration may have it.
      return addPoll(ticking, tick.account);
    case 'due':
      await addBackfills(ticking);
      for (const [id, account] of ticking.accounts) {
        if (await isHoleDue(ticking.store, account, Date.now())) await addPoll(ticking, id);
      }
      return;
    case 'audits':
      for (const [id, account] of ticking.accounts) {
        if (await isAuditDue(ticking.store, account, Date.now())) await addAudit(ticking, id);
      }
      return;
    case 'tidy':
      return tidy(ticking);
    case 'audit':
    case 'backfill':
      // These are work and no ticks: nothing schedules them.
      return;
  }
}

async function addPoll({ queues }: Ticking, account: string): Promise<void> {
  await queues.live.add('poll', { kind: 'poll', account }, work(pollId(account)));
}

/** Of the one poll that an account has in the queue at a time. */
export function pollId(account: string): string {
  return `poll-${account}`;
}

async function addAudit({ queues }: Ticking, account: string): Promise<void> {
  const options = { ...work(`audit-${account}`), priority: PRIORITY.audit };
  await queues.deep.add('audit', { kind: 'audit', account }, options);
}

async function addBackfills({ accounts, store, queues }: Ticking): Promise<void> {
  for (const { id, account_id } of await dueBackfills(store, Date.now())) {
    if (!accounts.has(account_id)) continue;
    const options = { ...work(`backfill-${id}`), priority: PRIORITY.backfill };
    const data: JobData = { kind: 'backfill', account: account_id, backfill: id };
    await queues.deep.add('backfill', data, options);
  }
}

/** For so long every run is kept; those that read nothing new are 100,000 a year for an account. */
const KEEP_IDLE_RUNS = 30 * DAY;

async function tidy({ accounts, store, log }: Ticking): Promise<void> {
  for (const id of accounts.keys()) {
    const forgotten = await forgetIdleRuns(store, id, Date.now() - KEEP_IDLE_RUNS);
    if (forgotten > 0) log.debug({ account: id, forgotten }, 'forgot runs that found nothing new');
  }
}

/** More than will ever be needed: what gives up is the handler, and by what has failed. */
const ATTEMPTS = 1_000_000;

/** While a job of this id waits, runs, or waits for its next attempt, no second one is added. */
function work(id: string): JobsOptions {
  return {
    deduplication: { id },
    attempts: ATTEMPTS,
    backoff: { type: 'growing' },
    // Each failure would add its stack to the job.
    stackTraceLimit: 1,
    removeOnComplete: true,
    removeOnFail: true,
  };
}
