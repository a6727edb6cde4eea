import { Gauge, Registry } from 'prom-client';
import type { DayState } from '../day-state.ts';
import type { AccountStatus, StatusDocument } from '../status/document.ts';
import { SECOND } from '../time.ts';
import { codeLabel, idLabel, providerLabel } from './labels.ts';

/** Jobs by queue and state. */
export type QueueJobs = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** A record, so that the compiler misses no state. */
const NO_DAYS: Readonly<Record<DayState, 0>> = {
  open: 0,
  complete: 0,
  verified: 0,
  incomplete: 0,
  mismatch: 0,
  unreachable: 0,
  accepted: 0,
};

/**
 * How things stand, as gauges. Made anew for each scrape: an account that is
 * gone leaves nothing behind, and two scrapes at once do not mix.
 */
export function stateGauges({ accounts, store }: StatusDocument, queues: QueueJobs): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, more: readonly Label[]) =>
    new Gauge({ name, help, labelNames: ['account', 'provider', ...more], registers });

  const perAccount = NUMBERS.map(({ name, help, of }) => ({ gauge: gauge(name, help, []), of }));
  const days = gauge('cdrsync_days', 'Days of the ledger, by state.', ['state']);
  const alarms = gauge('cdrsync_alarms', 'Alarms that `cdrsync status` shows.', ['code']);
  for (const account of accounts) {
    const own = { account: idLabel(account.account), provider: providerLabel(account.provider) };
    for (const { gauge, of } of perAccount) {
      const value = of(account);
      if (value !== null) gauge.set(own, value);
    }
    for (const state of Object.keys(NO_DAYS)) {
      days.set({ ...own, state }, account.days[state] ?? 0);
    }
    for (const { code } of account.alarms) alarms.inc({ ...own, code: codeLabel(code) });
  }

  // Of the store, so without an account.
  for (const { code } of store.alarms) alarms.inc({ code: codeLabel(code) });
  for (const [name, help, value] of [
    ['cdrsync_store_bytes', 'What the store takes, its journal included.', store.bytes],
    ['cdrsync_disk_free_bytes', "What is free on the store's disk.", store.disk.free_bytes],
    ['cdrsync_disk_reserve_bytes', 'What is to stay free on it.', store.disk.reserve_bytes],
  ] as const) {
    if (value !== null) new Gauge({ name, help, registers }).set(value);
  }

  const jobs = new Gauge({
    name: 'cdrsync_queue_jobs',
    help: 'Jobs, by queue and state.',
    labelNames: ['queue', 'state'],
    registers,
  });
  for (const [queue, states] of Object.entries(queues)) {
    for (const [state, number] of Object.entries(states)) {
      jobs.inc({ queue: codeLabel(queue), state: codeLabel(state) }, number);
    }
  }
  return registry;
}

interface AccountNumber {
  readonly name: string;
  readonly help: string;
  /** Null where it is not known: then the account has no such series. */
  readonly of: (status: AccountStatus) => number | null;
}

const NUMBERS: readonly AccountNumber[] = [
  {
    name: 'cdrsync_lag_seconds',
    help: 'How far the watermark is behind now.',
    of: ({ lag_seconds }) => lag_seconds,
  },
  {
    name: 'cdrsync_clock_skew_seconds',
    help: "The provider's clock minus this machine's.",
    of: ({ clock_skew_seconds }) => clock_skew_seconds,
  },
  {
    name: 'cdrsync_holes',
    help: 'Spans that were walked and could not be proven.',
    of: ({ holes }) => holes.length,
  },
  {
    name: 'cdrsync_quarantined_rows',
    help: 'Rows that could not be read as calls.',
    of: ({ quarantine }) => quarantine,
  },
  {
    name: 'cdrsync_pending_windows',
    help: 'Windows that wait to be walked.',
    of: ({ pending_windows }) => pending_windows,
  },
  {
    name: 'cdrsync_last_run_timestamp_seconds',
    help: 'When the last run began, seconds since 1970.',
    of: ({ last_run }) => (last_run === null ? null : Date.parse(last_run.started_at) / SECOND),
  },
];
