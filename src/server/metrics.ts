import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StatusDocument } from '../status/document.ts';
import type { Counts } from '../store/runs.ts';
import type { RequestSeen } from '../sync/client.ts';
import { SECOND } from '../time.ts';
import { version } from '../version.ts';
import { type QueueJobs, stateGauges } from './gauges.ts';
import { codeLabel, idLabel, outcomeLabel, providerLabel } from './labels.ts';

/** A run that has ended. */
export interface RunEnded {
  readonly account: string;
  readonly provider: string;
  readonly trigger: string;
  readonly state: string;
  /** The code of the error that ended it. */
  readonly error: string | null;
  readonly counts: Counts;
}

/** What is counted while the process runs, beside what the store knows of each account. */
export interface Metrics {
  /** Of what `scrape` returns. */
  readonly contentType: string;
  request(seen: RequestSeen): void;
  run(ended: RunEnded): void;
  /** Everything in Prometheus' text format: the counters, and how things stand now. */
  scrape(status: StatusDocument, queues: QueueJobs): Promise<string>;
}

/** In seconds. An account's `timeout` is 30 s unless it says otherwise. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** Makes metrics of their own registry; a process needs one. */
export function makeMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const rows = new Counter({
    name: 'cdrsync_rows_total',
    help: 'Rows that runs of this process read, by what became of them.',
    labelNames: ['account', 'provider', 'outcome'],
    registers,
  });
  const runs = new Counter({
    name: 'cdrsync_runs_total',
    help: 'Runs of this process that ended, by how.',
    labelNames: ['account', 'provider', 'trigger', 'state'],
    registers,
  });
  const requests = new Counter({
    name: 'cdrsync_requests_total',
    help: 'Requests to providers, by HTTP status, or error code where no response came.',
    labelNames: ['account', 'provider', 'operation', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'cdrsync_request_duration_seconds',
    help: 'How long requests to providers took, the failed ones included.',
    labelNames: ['account', 'provider'],
    buckets: BUCKETS,
    registers,
  });
  const leasesLost = new Counter({
    name: 'cdrsync_lease_lost_total',
    help: 'Runs that lost the right to their account to another process.',
    labelNames: ['account'],
    registers,
  });
  new Gauge({
    name: 'cdrsync_build_info',
    help: '1, with the version as its label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);

  return {
    contentType: registry.contentType,
    request({ account, provider, operation, outcome, ms }) {
      const own = { account: idLabel(account), provider: providerLabel(provider) };
      requests.inc({
        ...own,
        operation: codeLabel(operation),
        outcome: outcomeLabel(outcome),
      });
      durations.observe(own, ms / SECOND);
    },
    run({ account, provider, trigger, state, error, counts }) {
      const own = { account: idLabel(account), provider: providerLabel(provider) };
      runs.inc({ ...own, trigger: codeLabel(trigger), state: codeLabel(state) });
      // Zeros too: a series that begins above zero hides its first increase.
      for (const [outcome, number] of Object.entries(rowsOf(counts))) {
        rows.inc({ ...own, outcome }, number);
      }
      leasesLost.inc({ account: own.account }, error === 'lease.lost' ? 1 : 0);
    },
    async scrape(status, queues) {
      const now = await stateGauges(status, queues).metrics();
      return (await registry.metrics()) + now;
    },
  };
}

function rowsOf(counts: Counts): Readonly<Record<string, number>> {
  const { inserted, changed, unchanged, duplicates, quarantined, missing } = counts;
  return { inserted, changed, unchanged, duplicate: duplicates, quarantined, missing };
}
