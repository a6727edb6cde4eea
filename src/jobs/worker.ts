import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../reason.ts';
import type { Surroundings } from '../sync/account.ts';
import type { Log } from '../sync/log.ts';
import type { AccountReport } from '../sync/report.ts';
import { MINUTE, SECOND } from '../time.ts';
import type { JobAccounts } from './accounts.ts';
import type { Handler, JobWorker, QueueBackend } from './backend.ts';
import { closeQueues, countJobs, openQueues, type Queues, queueName } from './queues.ts';
import { applySchedules, type Schedule, schedulesOf } from './schedules.ts';
import { releaseStuck } from './stuck.ts';
import { handleTick } from './ticks.ts';
import { readWanted, saveWanted } from './wanted.ts';
import { handleWork } from './work.ts';

export interface WorkerSettings {
  readonly backend: QueueBackend;
  readonly storeId: string;
  readonly accounts: JobAccounts;
  readonly around: Omit<Surroundings, 'signal'>;
  /** Accounts polled at the same time. */
  readonly concurrency: number;
  /** How often the schedules are compared with the configuration; every minute by default. Milliseconds. */
  readonly compareEvery?: number;
  /** Called after each run, with what started it. */
  readonly onReport: (trigger: string, report: AccountReport) => void;
}

/** The schedules and the workers over them, running. */
export interface RunningWorker {
  /** Jobs by queue and state. */
  counts(): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** Stops at page boundaries, puts back what it had, and leaves within four seconds whatever the queue does. */
  stop(): Promise<void>;
}

const DEEP_CONCURRENCY = 2;
const STOP_PATIENCE = 4 * SECOND;

/** Starts to poll, audit and backfill the accounts. The backend stays the caller's to close, after `stop`. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { backend, storeId, accounts, around, concurrency, onReport } = settings;
  const { store, log } = around;
  const queues = openQueues(backend, storeId);
  const stopping = new AbortController();
  const polled = [...accounts.values()].map(({ sync }) => sync.settings);
  const wanted = schedulesOf(polled);
  await saveWanted(store, wanted);
  const keepSchedules = oneAtATime(async () => {
    if (stopping.signal.aborted) return;
    await compareSchedules(queues, await readWanted(store, wanted), log);
    await releaseStuck(queues, polled, store, log);
  }, log);
  // Not awaited: a queue that falls silent now must not keep anybody from stopping.
  void keepSchedules();
  backend.onReturn(() => void keepSchedules());
  const compare = setInterval(() => void keepSchedules(), settings.compareEvery ?? MINUTE);

  const running = new Set<Promise<void>>();
  const open = (name: keyof Queues, places: number, handler: Handler): JobWorker =>
    backend.worker(queueName(storeId, name), tracked(running, handler), places);
  const working = { accounts, around, stopping: stopping.signal, onReport };
  const work: Handler = (job, token) => handleWork(working, job, token);
  const ticking = { accounts, store, queues, log };
  const tick: Handler = async ({ data }) => {
    try {
      await handleTick(ticking, data);
    } catch (error) {
      const words = 'a look at what is due failed; the next one tries again';
      log.error({ tick: data.kind, ...reasonOf(error) }, words);
    }
  };
  const workers = [
    open('ticks', 1, tick),
    open('live', concurrency, work),
    open('deep', DEEP_CONCURRENCY, work),
  ];

  return {
    counts: () => countJobs(queues),
    stop: async () => {
      clearInterval(compare);
      stopping.abort(new Error('the worker stops'));
      const leave = async (): Promise<void> => {
        await Promise.all(workers.map((worker) => worker.close()));
        await closeQueues(queues);
      };
      const late = sleep(STOP_PATIENCE, undefined, { ref: false });
      await Promise.race([leave(), late]);
      // The store may be closed after this: nothing of ours writes to it any more.
      await Promise.race([Promise.allSettled(running), late]);
    },
  };
}

/** Remembers what is being done. */
function tracked(running: Set<Promise<void>>, handler: Handler): Handler {
  return (...job) => {
    const done = handler(...job).finally(() => running.delete(done));
    running.add(done);
    return done;
  };
}

async function compareSchedules(
  { ticks }: Queues,
  wanted: readonly Schedule[],
  log: Log,
): Promise<void> {
  const { toMake, obsolete } = await applySchedules(ticks, wanted);
  for (const { id } of toMake) log.info({ schedule: id }, 'scheduled');
  for (const id of obsolete) log.warn({ schedule: id }, 'no longer configured: unscheduled');
}

/** One call at a time: who comes meanwhile waits for the same one. None that fails is the last. */
function oneAtATime(work: () => Promise<void>, log: Log): () => Promise<void> {
  let busy: Promise<void> | null = null;
  const guarded = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn(reasonOf(error), 'the schedules cannot be compared with the configuration now');
    }
  };
  return () => {
    busy ??= guarded().finally(() => {
      busy = null;
    });
    return busy;
  };
}
