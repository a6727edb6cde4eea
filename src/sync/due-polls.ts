import { lastRun } from '../store/runs.ts';
import type { RunContext } from './context.ts';
import { pollWork } from './poll.ts';

/**
 * Lets the polls that are due run inside long work, which holds the account:
 * live calls wait for one of its steps at the most. An account that was never
 * polled is not polled here either.
 */
export async function duePolls(context: RunContext): Promise<() => Promise<void>> {
  const { store, settings } = context;
  const before = await lastRun(store, settings.id, ['sync', 'poll']);
  if (before === null) return async () => undefined;
  // Not beyond one interval, whatever a clock that was ahead has left.
  let next = Math.min(before.started_at, Date.now()) + settings.every;
  return async () => {
    const now = Date.now();
    if (now < next) return;
    next = now + settings.every;
    await pollWork(context);
  };
}
