import { once } from 'node:events';
import type { Listen } from '../config/listen.ts';
import type { JobAccounts } from '../jobs/accounts.ts';
import type { QueueBackend } from '../jobs/backend.ts';
import { connectBackend } from '../jobs/connect.ts';
import { type RunningWorker, startWorker } from '../jobs/worker.ts';
import { makeMetrics } from '../server/metrics.ts';
import { startServer } from '../server/server.ts';
import { readStatus } from '../status/status.ts';
import { readStoreId } from '../store/meta.ts';
import { watchPresence } from '../store/presence.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { storeAddress } from '../store-url.ts';
import { SECOND } from '../time.ts';
import { version } from '../version.ts';
import {
  chooseAccounts,
  type GlobalOptions,
  openSession,
  openSessionStore,
  type Session,
} from './session.ts';

export interface WorkerOptions {
  /** Accounts polled at the same time: by default all of them, up to MOST_PLACES. */
  readonly concurrency?: number;
  /** Instead of the configuration's. */
  readonly listen?: Listen;
}

/**
 * A poll mostly waits for its provider. With fewer places than accounts, those
 * of a provider that answers nothing would keep the others from theirs.
 */
const MOST_PLACES = 50;

/** Polls and audits every account until a signal comes, and tells over HTTP how they stand. */
export async function workerCommand(
  globals: GlobalOptions,
  options: WorkerOptions,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(globals, signal, 'info');
  const { config, log, room } = session;
  const store = await openSessionStore(session);
  // A connection of its own: one that writes may wait for another process, and status does not.
  const reader = await openStoreToRead(config.store);
  const stillThere = watchPresence(config.store);
  const metrics = makeMetrics();
  const parts: Parts = { backend: null, worker: null };
  try {
    const server = await startServer({
      listen: options.listen ?? config.http,
      token: config.http.token,
      log,
      metrics,
      probes: {
        status: () => readStatus(config, reader, Date.now()),
        storeReady: async () => {
          stillThere();
          await readStoreId(store);
          await room();
        },
        queueReady: async () => {
          if (parts.backend === null) throw new Error('the queue does not answer yet');
          await parts.backend.ping();
        },
        queueJobs: async () => (await parts.worker?.counts()) ?? {},
      },
    });
    try {
      log.info({ version, address: server.address, queue: scheme(config.queue) }, 'started');
      await untilGone(stillThere, signal, (until) =>
        work({ ...session, signal: until }, store, options, parts, metrics),
      );
    } finally {
      await server.close();
    }
  } finally {
    await reader?.close();
    await store.close();
  }
  log.info({}, 'stopped');
  return 0;
}

const LOOK_AT_STORE_EVERY = 5 * SECOND;

/** Stops the work when the signal comes, or the store is not there any more, which is thrown. */
async function untilGone(
  stillThere: () => void,
  signal: AbortSignal,
  work: (until: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const look = setInterval(() => {
    try {
      stillThere();
    } catch (error) {
      gone.abort(error);
    }
  }, LOOK_AT_STORE_EVERY);
  try {
    await work(AbortSignal.any([signal, gone.signal]));
  } finally {
    clearInterval(look);
  }
  gone.signal.throwIfAborted();
}

/** What is there once the queue has answered. */
interface Parts {
  backend: QueueBackend | null;
  worker: RunningWorker | null;
}

async function work(
  { config, log, redact, room, signal }: Session,
  store: Store,
  { concurrency = Math.min(config.accounts.length, MOST_PLACES) }: WorkerOptions,
  parts: Parts,
  metrics: ReturnType<typeof makeMetrics>,
): Promise<void> {
  const place = { queue: config.queue, folder: queueFolder(config) };
  const backend = await connectBackend(place, log, signal);
  parts.backend = backend;
  try {
    const worker = await startWorker({
      backend,
      storeId: await readStoreId(store),
      accounts: jobAccounts(config),
      around: {
        ...{ store, room, log, redact },
        onProgress: () => undefined,
        onRequest: (request) => metrics.request(request),
      },
      concurrency,
      onReport: (trigger, { account, provider, state, error, held_by: _, days: __, ...counts }) => {
        if (state === 'skipped') return;
        metrics.run({ account, provider, trigger, state, error: error?.code ?? null, counts });
      },
    });
    parts.worker = worker;
    log.info({ accounts: config.accounts.length }, 'the queue answers: polling');
    if (!signal.aborted) await once(signal, 'abort');
    log.info({}, 'stopping at the next page');
    await worker.stop();
  } finally {
    await leave(backend);
  }
}

/** Of the embedded queue: beside the store's file, or where that is a database, beside the configuration. */
function queueFolder({ store, path }: Session['config']): string {
  const address = storeAddress(store);
  return `${address.kind === 'sqlite' ? address.path : path}.queue`;
}

function jobAccounts(config: Session['config']): JobAccounts {
  const ages = new Map(config.accounts.map(({ id, audit }) => [id, audit]));
  return new Map(
    chooseAccounts(config, []).map((sync) => {
      const { id } = sync.settings;
      return [id, { sync, ages: ages.get(id) ?? [] }];
    }),
  );
}

/** The URL may hold a password. */
function scheme(queue: string): string {
  return queue.split(':')[0] ?? queue;
}

/** A queue that is away cannot say goodbye. */
async function leave(backend: QueueBackend): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, 500).unref());
  await Promise.race([backend.close().catch(() => undefined), late]);
}
