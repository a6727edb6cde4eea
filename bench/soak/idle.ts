import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../../src/time.ts';
import type { BackendKind } from './backends.ts';
import { usageOf } from './proc.ts';
import type { Surroundings } from './run.ts';
import { openStage } from './stage.ts';

export interface IdleResult {
  readonly queue: BackendKind;
  readonly accounts: number;
  readonly every: string;
  readonly seconds: number;
  /** Resident bytes at the end. */
  readonly rss: number;
  /** Share of one core. */
  readonly cpu: number;
  /** Polls that came due meanwhile. */
  readonly polls: number;
}

const ACCOUNTS = 5;
const EVERY = '5m';
/** What the first sync leaves behind has settled by then. */
const SETTLE = 15 * SECOND;

/** What one worker needs that has next to nothing to do. */
export async function idle(
  kind: BackendKind,
  { cleanup, signal, say }: Surroundings,
): Promise<IdleResult> {
  const stage = await openStage(
    kind,
    { accounts: ACCOUNTS, every: EVERY, store: 'sqlite', faultRate: 0 },
    cleanup,
  );
  const worker = await stage.startWorker('worker', '127.0.0.1');
  while ((await stage.store.synced()) < ACCOUNTS) {
    if (!worker.alive()) throw new Error('the worker ended by itself');
    await sleep(SECOND / 4, undefined, { signal });
  }
  await sleep(SETTLE, undefined, { signal });
  say(`${kind}: idle, one minute`);
  const polls = await stage.store.polls();
  const before = usageOf(worker.pid);
  await sleep(MINUTE, undefined, { signal });
  const after = usageOf(worker.pid);
  if (before === null || after === null) throw new Error('the worker ended by itself');
  const result = {
    queue: kind,
    accounts: ACCOUNTS,
    every: EVERY,
    seconds: MINUTE / SECOND,
    rss: after.rss,
    cpu: (after.cpu - before.cpu) / MINUTE,
    polls: (await stage.store.polls()) - polls,
  };
  await worker.kill('SIGTERM');
  return result;
}
