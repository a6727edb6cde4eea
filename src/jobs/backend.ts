import type {
  BackendClasses,
  IQueueBackend,
  JobSchedulerJson,
  JobSchedulerTemplateOptions,
  JobsOptions,
} from 'bullmq';
import { MINUTE, SECOND } from '../time.ts';

/** What a schedule fires: a look at what is to be done. */
export type Tick =
  | { readonly kind: 'due' }
  | { readonly kind: 'audits' }
  | { readonly kind: 'tidy' }
  | { readonly kind: 'poll'; readonly account: string };

/** What is done for an account. */
export type Work =
  | { readonly kind: 'poll'; readonly account: string }
  | { readonly kind: 'audit'; readonly account: string }
  | { readonly kind: 'backfill'; readonly account: string; readonly backfill: string };

export type JobData = Tick | Work;

/** The part of a BullMQ queue that the worker uses, the same over every backend. */
export interface JobQueue {
  readonly name: string;
  add(name: string, data: JobData, options: JobsOptions): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { readonly every: number },
    template: { name: string; data: JobData; opts: JobSchedulerTemplateOptions },
  ): Promise<unknown>;
  getJobSchedulers(start: number, end: number): Promise<JobSchedulerJson[]>;
  removeJobScheduler(id: string): Promise<boolean>;
  getDeduplicationJobId(id: string): Promise<string | null>;
  removeDeduplicationKey(id: string): Promise<number>;
  getJob(id: string): Promise<QueuedJob | undefined>;
  getJobCounts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** A job as it stands in the queue. */
export interface QueuedJob {
  readonly attemptsMade: number;
  /** Milliseconds. */
  readonly delay: number;
  getState(): Promise<string>;
  remove(): Promise<void>;
}

/** A job that is being worked on. */
export interface RunningJob {
  readonly name: string;
  readonly data: JobData;
  /** When it was added. */
  readonly timestamp: number;
  moveToDelayed(timestamp: number, token: string): Promise<void>;
  moveToWait(token: string): Promise<number>;
}

export type Handler = (job: RunningJob, token: string) => Promise<void>;

export interface JobWorker {
  close(): Promise<void>;
}

/** Where the queues live. Its content is disposable: schedules come from the configuration, positions from the store. */
export interface QueueBackend {
  readonly kind: 'embedded' | 'redis' | 'postgres';
  queue(name: string): JobQueue;
  worker(name: string, handler: Handler, concurrency: number): JobWorker;
  /**
   * Rejects, or does not resolve, where jobs cannot be had and given back. Over
   * Redis it writes a key; over PostgreSQL it runs an update of no row, which a
   * read-only server refuses and a full disk does not.
   */
  ping(): Promise<void>;
  /** Called whenever the connection has come back: what it serves may have been lost meanwhile. */
  onReturn(listener: () => void): void;
  close(): Promise<void>;
}

/** What the queues' connections have to say, for whoever logs it. */
export type OnTrouble = (error: Error) => void;

/**
 * A worker that is killed hands its jobs over once its locks have run out and
 * another one has looked: measured from SIGKILL to the next attempt, 9 s with
 * these, 61 s with BullMQ's defaults of 30 s each.
 */
const LOCK_MS = 10 * SECOND;
const STALLED_LOOK_MS = 2 * SECOND;
/** A job outlives any number of killed workers: what it does goes on from its last page. */
const STALLS = 1_000_000;
/** How soon a worker asks again where its backend refuses connections; BullMQ's own is 15 s. */
const RECONNECT_MS = SECOND;

const FIRST_RETRY = 15 * SECOND;
const LAST_RETRY = 15 * MINUTE;

/** How long a job waits after its nth failure in a row: 15 s, doubled up to 15 minutes, a fifth more or less. */
export function retryDelay(attempts: number, chance: number = Math.random()): number {
  const delay = Math.min(FIRST_RETRY * 2 ** Math.min(attempts - 1, 30), LAST_RETRY);
  return Math.round(delay * (0.8 + 0.4 * chance));
}

/** BullMQ's queues and workers over one of its backends. */
export function bindQueues<Backend extends IQueueBackend, Connection>(
  { Queue, Worker }: BackendClasses<Backend, Connection>,
  connection: Connection,
  onTrouble: OnTrouble,
): Pick<QueueBackend, 'queue' | 'worker'> {
  return {
    queue(name: string): JobQueue {
      const queue = new Queue<JobData>(name, { connection });
      queue.on('error', onTrouble);
      return queue;
    },
    worker(name: string, handler: Handler, concurrency: number): JobWorker {
      const worker = new Worker<JobData>(
        name,
        // A job whose lock was lost is not cancelled: whoever has it meanwhile finds the account held.
        async (job, token = '') => handler(job, token),
        {
          connection,
          concurrency,
          lockDuration: LOCK_MS,
          stalledInterval: STALLED_LOOK_MS,
          maxStalledCount: STALLS,
          runRetryDelay: RECONNECT_MS,
          settings: { backoffStrategy: (attempts) => retryDelay(attempts) },
        },
      );
      worker.on('error', onTrouble);
      return worker;
    },
  };
}
