import { isHeld } from '../store/leases.ts';
import { lastRun } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../sync/log.ts';
import { HOUR } from '../time.ts';
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
  { live }: Pick<Queues, 'live'>,
  accounts: Iterable<{ readonly id: string; readonly every: number }>,
  store: Store,
  log: Log,
): Promise<void> {
  const now = Date.now();
  for (const { id, every } of accounts) {
    const last = await lastRun(store, id);
    if (last !== null && now - last.started_at <= every + LONGEST) continue;
    // Polls beside long work wait for it, and that is well.
    if (await isHeld(store, id)) continue;
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
