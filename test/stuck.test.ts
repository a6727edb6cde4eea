import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobQueue, QueuedJob } from '../src/jobs/backend.ts';
import { releaseStuck } from '../src/jobs/stuck.ts';
import { acquireLease, releaseLease } from '../src/store/leases.ts';
import { beginRun } from '../src/store/runs.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { DAY, HOUR, MINUTE } from '../src/time.ts';

// Which polls that wait are let go: by real runs and leases, over a queue that only says what it is asked.

let folder = '';
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cdrsync-stuck-'));
  store = await openStore({
    url: `sqlite:${join(folder, 'a.db')}`,
    mustExist: false,
    onEvent: () => undefined,
  });
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** A queue in which one job waits, and what became of it. */
function queueWith(state: string): { readonly live: JobQueue; readonly removed: () => boolean } {
  let removed = false;
  const job: QueuedJob = {
    attemptsMade: 0,
    delay: 0,
    getState: async () => state,
    remove: async () => {
      removed = true;
    },
  };
  const nothing = async (): Promise<never> => Promise.reject(new Error('is not asked for'));
  const live: JobQueue = {
    name: 'live',
    add: nothing,
    upsertJobScheduler: nothing,
    getJobSchedulers: nothing,
    removeJobScheduler: nothing,
    getDeduplicationJobId: async () => '1',
    removeDeduplicationKey: async () => 1,
    getJob: async () => job,
    getJobCounts: nothing,
    close: nothing,
  };
  return { live, removed: () => removed };
}

const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Whether a job in this state is let go for an account whose last run began so long ago. */
async function isReleased(ages: readonly number[], state: string, held = false): Promise<boolean> {
  const id = `a${Math.random()}`;
  const now = Date.now();
  for (const age of ages) {
    await store.db.transaction().execute((trx) => beginRun(trx, id, 'poll', now - age));
  }
  const lease = held ? await acquireLease(store, id) : null;
  const queue = queueWith(state);
  await releaseStuck(queue, [{ id, every: 5 * MINUTE }], store, log);
  if (lease?.kind === 'held') await releaseLease(store, lease.lease);
  return queue.removed();
}

it('lets go of a poll that waits for longer than any wait takes', async () => {
  expect(await isReleased([3 * HOUR], 'delayed')).toBe(true);
  expect(await isReleased([3 * HOUR], 'unknown')).toBe(true);
  expect(await isReleased([], 'delayed')).toBe(true);
});

it('leaves alone what waits as it should', async () => {
  expect(await isReleased([HOUR], 'delayed')).toBe(false);
  expect(await isReleased([3 * HOUR], 'active')).toBe(false);
  expect(await isReleased([3 * HOUR], 'waiting')).toBe(false);
  // Beside a long backfill.
  expect(await isReleased([3 * HOUR], 'delayed', true)).toBe(false);
});

it('reckons without runs that a clock ahead has begun', async () => {
  expect(await isReleased([-10 * DAY, HOUR], 'delayed')).toBe(false);
  expect(await isReleased([-10 * DAY, 3 * HOUR], 'delayed')).toBe(true);
});
