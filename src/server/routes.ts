import type { FastifyInstance } from 'fastify';
import type { StatusDocument } from '../status/document.ts';
import type { Log } from '../sync/log.ts';
import { SECOND } from '../time.ts';
import { FAILED, type Refusal, refuse } from './answers.ts';
import type { QueueJobs } from './gauges.ts';
import type { Metrics } from './metrics.ts';
import { makeProbe, type Outcome } from './probe.ts';

/**
 * What the server asks the worker. One that rejects or hangs makes its part
 * unavailable and harms nothing else; while it hangs it is not called again.
 */
export interface Probes {
  /** The JSON of `status`. */
  status(): Promise<StatusDocument>;
  /** Rejects when the store cannot be used. */
  storeReady(): Promise<void>;
  /** Rejects when the queue cannot be used. */
  queueReady(): Promise<void>;
  /** Jobs by queue and state, for the metrics. */
  queueJobs(): Promise<QueueJobs>;
}

export interface RouteOptions {
  readonly probes: Probes;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Whoever asks for readiness gives up after a few seconds. */
const READY_WITHIN = 2 * SECOND;
/** Half of what Prometheus waits. */
const STATUS_WITHIN = 5 * SECOND;

/** `/healthz`, `/readyz`, `/status` and `/metrics`, each for GET and HEAD. */
export function addRoutes(app: FastifyInstance, { probes, metrics, log }: RouteOptions): void {
  // The functions are called on `probes`, whatever it is made of.
  const storeReady = makeProbe('store', () => probes.storeReady(), READY_WITHIN, log);
  const queueReady = makeProbe('queue', () => probes.queueReady(), READY_WITHIN, log);
  const status = makeProbe('status', () => probes.status(), STATUS_WITHIN, log);
  const queueJobs = makeProbe('queue counts', () => probes.queueJobs(), READY_WITHIN, log);

  app.get('/healthz', async () => ({ status: 'ok' }));

  // Of the providers nothing: their outage is no reason to restart or to bypass this process.
  app.get('/readyz', async (_request, reply) => {
    const [store, queue] = (await Promise.all([storeReady(), queueReady()])).map(wordFor);
    const ready = store === 'ok' && queue === 'ok';
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'unavailable', store, queue };
  });

  app.get('/status', async (_request, reply) => {
    const outcome = await status();
    return outcome.kind === 'ok' ? outcome.value : refuse(reply, REFUSALS[outcome.kind]);
  });

  app.get('/metrics', async (_request, reply) => {
    const [outcome, jobs] = await Promise.all([status(), queueJobs()]);
    // Without the accounts their alarms would seem to have ended: a failed scrape is itself an alarm.
    if (outcome.kind !== 'ok') return refuse(reply, REFUSALS[outcome.kind]);
    const text = await metrics.scrape(outcome.value, jobs.kind === 'ok' ? jobs.value : {});
    return reply.type(metrics.contentType).send(text);
  });
}

/** A code of our own says why (`store.reserve`), and nothing that a stranger may not know. */
function wordFor(outcome: Outcome<void>): string {
  if (outcome.kind === 'ok') return 'ok';
  return outcome.kind === 'failed' && outcome.code !== 'internal' ? outcome.code : 'unavailable';
}

const REFUSALS: Readonly<Record<'failed' | 'overdue', Refusal>> = {
  failed: FAILED,
  overdue: {
    status: 503,
    code: 'http.overdue',
    message: 'There is no answer yet; ask again in a moment.',
  },
};
