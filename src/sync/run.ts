import { CdrError, configError, type Failure, failureOf, fault } from '../errors.ts';
import { type HttpClient, makeHttpClient } from '../providers/http.ts';
import { type AccountState, ensureAccount } from '../store/accounts.ts';
import type { RoomCheck } from '../store/disk.ts';
import {
  acquireLease,
  fenced,
  keepLease,
  type Lease,
  leaseLost,
  releaseLease,
} from '../store/leases.ts';
import { beginRun, noCounts } from '../store/runs.ts';
import { toStoreError } from '../store/trouble.ts';
import { addDays, type ZoneClock } from '../time.ts';
import type { Surroundings, SyncAccount } from './account.ts';
import { type Client, makeClient } from './client.ts';
import { conclude } from './conclude.ts';
import type { RunContext } from './context.ts';
import { storedNames } from './dimensions.ts';
import { loadErasing } from './erasing.ts';
import type { Log } from './log.ts';
import type { AccountReport } from './report.ts';
import { beginRetention, beyondRetention } from './retention.ts';

type Work = (context: RunContext) => Promise<void>;

/**
 * Runs `work` for one account under its lease, with a record of the run. It
 * never throws: one account's failure is its own.
 */
export async function runAccount(
  account: SyncAccount,
  around: Surroundings,
  trigger: string,
  work: Work,
): Promise<AccountReport> {
  const { settings, connector } = account;
  const blank = { account: settings.id, provider: connector.provider, ...noCounts() };
  try {
    const http = makeHttpClient(account.http);
    try {
      const result = await acquireLease(around.store, settings.id);
      if (result.kind === 'held') {
        if (result.from !== null) {
          const words = `taken over from ${result.from}, which is gone`;
          around.log.info({ account: settings.id }, words);
        }
        return await runUnderLease(account, around, trigger, result.lease, http, work);
      }
      around.log.debug({ account: settings.id }, `skipped: held by ${result.by}`);
      return { ...blank, state: 'skipped', error: null, held_by: result.by, days: [] };
    } finally {
      http.close();
    }
  } catch (error) {
    const failed = failure(error, settings.id, around.log);
    const { code, hint, message } = failed;
    around.log.error({ account: settings.id, trigger, code, hint: hint.en }, message);
    return { ...blank, state: 'failed', error: failed, held_by: null, days: [] };
  }
}

async function runUnderLease(
  account: SyncAccount,
  around: Surroundings,
  trigger: string,
  lease: Lease,
  http: HttpClient,
  work: Work,
): Promise<AccountReport> {
  const { settings, connector, rules, minInterval } = account;
  const { store, log, redact } = around;
  const lost = new AbortController();
  const stopHeartbeat = keepLease(store, lease, () => lost.abort(leaseLost(settings.id)));
  const signal = AbortSignal.any([around.signal, lost.signal]);
  const asks = {
    ...{ account: settings.id, connector, http, minInterval, redact, log, signal },
    onRequest: around.onRequest ?? (() => undefined),
  };
  const client = whereThereIsRoom(makeClient(asks), around.room);
  let context: RunContext | null = null;
  let error: Failure | null = null;
  let stopped = false;
  try {
    const begun = await begin(account, around, lease, trigger);
    const beyond =
      begun.retention === null ? null : beyondRetention(settings.id, begun.retention, client);
    context = {
      ...around,
      settings,
      connector,
      clock: rules.clock,
      rules,
      client,
      lease,
      signal,
      runId: begun.runId,
      startedAt: begun.now,
      startAt: Math.min(begun.state.start_at, settings.startAt ?? begun.state.start_at),
      knownStart: begun.state.start_at,
      skew: begun.state.clock_skew,
      names: await storedNames(store, settings.id, connector),
      erasing: await loadErasing(store, settings.id, { beyond, ahead: begun.ahead }),
      beyond,
      counts: noCounts(),
      audit: null,
      audits: new Map(),
      futileWalks: 0,
      days: new Map(),
    };
    await work(context);
  } catch (thrown) {
    stopped = around.signal.aborted && !(thrown instanceof CdrError);
    if (!stopped)
      error = failure(lost.signal.aborted ? lost.signal.reason : thrown, settings.id, log);
  }
  try {
    return await conclude(account, around, context, { trigger, error, stopped });
  } finally {
    stopHeartbeat();
    // One that cannot be given back is taken over when its heartbeat stops.
    await releaseLease(store, lease).catch(() => undefined);
  }
}

/**
 * Asks for nothing that might find no room. What only writes, or makes room, goes on:
 * a day can be accepted, and what is no longer wanted be deleted.
 */
function whereThereIsRoom(client: Client, room: RoomCheck): Client {
  const ask: Client['ask'] = async (exchange, options) => {
    await room();
    return client.ask(exchange, options);
  };
  return { ...client, ask };
}

interface Begun {
  readonly state: AccountState;
  readonly runId: string;
  readonly now: number;
  /** The one in force, milliseconds. */
  readonly retention: number | null;
  /** How far the provider's clock is ahead of ours, as far as it is known. */
  readonly ahead: number;
}

async function begin(
  { settings, connector, rules }: SyncAccount,
  { store }: Surroundings,
  lease: Lease,
  trigger: string,
): Promise<Begun> {
  const now = Date.now();
  const startAt = Math.min(settings.startAt ?? startOfYesterday(rules.clock, now), now);
  return fenced(store, lease, async (trx) => {
    const state = await ensureAccount(trx, {
      id: settings.id,
      provider: connector.provider,
      startAt,
    });
    if (state.provider !== connector.provider) throw anotherProvider(state, connector.provider);
    const runId = await beginRun(trx, settings.id, trigger, now);
    const retention = await beginRetention(trx, settings);
    return { state, runId, now, retention, ahead: state.clock_skew ?? 0 };
  });
}

function anotherProvider({ id, provider }: AccountState, configured: string): CdrError {
  return configError(
    'config.provider_changed',
    `the store knows ${id} as an account at ${provider}, and the configuration says ${configured}`,
  );
}

function startOfYesterday(clock: ZoneClock, now: number): number {
  return clock.startOfDay(addDays(clock.dayOf(now), -1));
}

function failure(thrown: unknown, account: string, log: Log): Failure {
  const error = toStoreError(thrown);
  if (error instanceof CdrError) return failureOf(error.within({ account }));
  const name = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? error.stack : undefined;
  log.debug({ account, stack }, 'an error that should not happen');
  const words = `an error that should not happen (${name})`;
  return failureOf(new CdrError(fault('internal', words), { account }));
}
