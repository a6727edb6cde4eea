import { lastRun } from '../store/runs.ts';
import type { RunContext } from './context.ts';
import { pollWork } from './poll.ts';

/**
 * Lets the polls that are due run inside long work, which holds the account:
 * live calls wait for one of its steps, and what a poll does besides. An account
 * that was never polled is not polled here either. A day that a backfill has half
 * proven is closed by such a poll and then walked by the backfill again, which
 * costs requests; leaving it to the backfill would leave it open for ever where
 * that is never taken up again.
 */
export async function duePolls(context: RunContext): Promise<() => (() => Promise<void>) | null> {
  const { store, settings } = context;
  const before = await lastRun(store, settings.id, ['sync', 'poll']);
  if (before === null) return () => null;
  let next = before.started_at + settings.every;
  return () => {
    const now = Date.now();
    if (now < next) return null;
    next = now + settings.every;
    return () => pollWork(context);
  };
}
