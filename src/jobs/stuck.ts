import { lastRun } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../sync/log.ts';
import { HOUR, MINUTE } from '../time.ts';
import type { JobAccount } from './accounts.ts';
import type { JobQueue } from './backend.ts';
import type { Queues } from './queues.ts';
import { pollId } from './ticks.ts';

/** No job waits so long: see the longest wait of an outcome, and between attempts. */
const LONGEST = 2 * HOUR;

/**
 * Makes room for the polls of accounts that have had none for too long. While a
 * job of an account waits no other one is added, and a job may wait for ever:
 * where a clock was ahead when it was delayed, or where the queue's server has
 * lost its place and kept its name.
 */
export async function releaseStuck(
  { live }: Queues,
  accounts: Iterable<JobAccount>,
  store: Store,
  log: Log,
): Promise<void> {
  const now = Date.now();
  for (const { sync } of accounts) {
    const { id, every } = sync.settings;
    const last = await lastRun(store, id);
    const since = last === null ? Number.POSITIVE_INFINITY : now - last.started_at;
    // A run that began in the future was begun by a clock that has been set right since.
    if (since > -MINUTE && since <= every + LONGEST) continue;
    if (await release(live, pollId(id)))
      log.warn({ account: id }, 'a poll that was stuck is let go');
  }
}

async function release(queue: JobQueue, deduplicationId: string): Promise<boolean> {
  const jobId = await queue.getDeduplicationJobId(deduplicationId);
  if (jobId === null) return false;
  const job = await queue.getJob(jobId);
  const state = job === undefined ? 'unknown' : await job.getState();
  if (state !== 'unknown' && state !== 'delayed') return false;
  await queue.removeDeduplicationKey(deduplicationId);
  await job?.remove();
  return true;
}
