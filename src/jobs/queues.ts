import type { JobQueue, QueueBackend } from './backend.ts';

/** The three queues of one store's workers. */
export interface Queues {
  /** What the schedules fire into: a tick asks for work, and does none. */
  readonly ticks: JobQueue;
  /** Polls. */
  readonly live: JobQueue;
  /** Audits and backfills, which take long; apart from the polls, so that they never take all places. */
  readonly deep: JobQueue;
}

/** Jobs that wait first: an audit before a backfill. */
export const PRIORITY = { audit: 1, backfill: 10 } as const;

export function openQueues(backend: QueueBackend, storeId: string): Queues {
  const open = (name: keyof Queues): JobQueue => backend.queue(queueName(storeId, name));
  return { ticks: open('ticks'), live: open('live'), deep: open('deep') };
}

/**
 * Names carry the store's id, so that the workers of two stores may share a
 * server, and do not take each other's schedules for obsolete ones.
 */
export function queueName(storeId: string, name: keyof Queues): string {
  return `cdrsync-${storeId.slice(0, 8)}-${name}`;
}

export async function countJobs(
  queues: Queues,
): Promise<Readonly<Record<keyof Queues, Readonly<Record<string, number>>>>> {
  const [ticks, live, deep] = await Promise.all(
    [queues.ticks, queues.live, queues.deep].map((queue) => queue.getJobCounts()),
  );
  return { ticks: ticks ?? {}, live: live ?? {}, deep: deep ?? {} };
}

export async function closeQueues({ ticks, live, deep }: Queues): Promise<void> {
  await Promise.all([ticks, live, deep].map((queue) => queue.close()));
}
