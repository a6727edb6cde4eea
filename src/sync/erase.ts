import { setTimeout as sleep } from 'node:timers/promises';
import { CdrError, fault } from '../errors.ts';
import { eraseCalls, readCalls } from '../store/erase-calls.ts';
import { eraseQuarantined, restartWalks } from '../store/erase-rows.ts';
import { countErased, type ErasureCounts, erasureKey, noErasureCounts } from '../store/erasures.ts';
import {
  callsThatHold,
  countHeld,
  countVersions,
  type FoundCall,
  quarantineThatHolds,
  type Sought,
  type Stretch,
} from '../store/find-erasable.ts';
import {
  acquireLease,
  fenced,
  keepLease,
  type Lease,
  leaseLost,
  releaseLease,
} from '../store/leases.ts';
import { beginRun, endRun, noCounts } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { isoMillis, SECOND } from '../time.ts';

/** Overwriting a number in what an account holds already. What comes later is `erasing.ts`. */

export interface EraseWork {
  readonly store: Store;
  readonly erasureId: string;
  readonly sought: Sought;
  /** How long the run of another process is waited for, in milliseconds. */
  readonly maxWait: number;
  readonly signal: AbortSignal;
  /** Called while it waits, a few times a second, with who holds the account. */
  readonly onWait: (holder: string) => void;
  /** Called now and then, with what was looked at and overwritten so far. */
  readonly onProgress: (progress: EraseProgress) => void;
}

export interface EraseProgress {
  readonly searched: number;
  readonly calls: number;
}

/** Where the calls hold the number; no number is in it. */
export interface Places {
  /** Calls of which the number was a party. */
  readonly asParty: number;
  /** Those that had it nowhere but in the payload. */
  readonly inPayload: number;
  /** In which fields of the payload these had it. */
  readonly fields: readonly string[];
  /** Calls that stay, and hold the digits inside longer ones or in an id. */
  readonly inside: number;
  /** Some of these, by `call_id`. */
  readonly insideIds: readonly string[];
}

export interface Erased extends Places {
  readonly counts: ErasureCounts;
}

/** Calls a transaction: some tens of milliseconds. */
const PAGE = 500;

/**
 * Overwrites the number wherever the account holds it, under the account's
 * lease. Whatever is committed when it is killed stays, and the same again
 * completes it.
 *
 * @throws CdrError `erase.held` where another process keeps the account for longer than `maxWait`.
 */
export async function eraseInAccount(work: EraseWork): Promise<Erased> {
  const { store, signal } = work;
  const lease = await patientLease(work);
  const lost = new AbortController();
  const stopHeartbeat = keepLease(store, lease, () => lost.abort(leaseLost(lease.accountId)));
  try {
    const both = AbortSignal.any([signal, lost.signal]);
    return await eraseUnderLease({ ...work, signal: both }, lease);
  } finally {
    stopHeartbeat();
    // One that cannot be given back is taken over when its heartbeat stops.
    await releaseLease(store, lease).catch(() => undefined);
  }
}

/** The worker polls again and again: its account is free for moments. */
const LOOK_EVERY = SECOND / 4;

async function patientLease({ store, sought, maxWait, signal, onWait }: EraseWork): Promise<Lease> {
  const deadline = performance.now() + maxWait;
  for (;;) {
    const result = await acquireLease(store, sought.accountId);
    if (result.kind === 'held') return result.lease;
    if (performance.now() >= deadline) {
      const words = `${result.by} still works on the account`;
      throw new CdrError(fault('erase.held', words), { account: sought.accountId });
    }
    onWait(result.by);
    await sleep(LOOK_EVERY, undefined, { signal });
  }
}

async function eraseUnderLease(work: EraseWork, lease: Lease): Promise<Erased> {
  const { store, sought } = work;
  const { accountId } = sought;
  const runId = await fenced(store, lease, (trx) => beginRun(trx, accountId, 'erase', Date.now()));
  let total = noErasureCounts();
  const erase = async (callIds: readonly string[]): Promise<void> => {
    work.signal.throwIfAborted();
    const done = await fenced(store, lease, async (trx) => {
      const rows = await readCalls(trx, accountId, callIds);
      const act = { id: work.erasureId, now: isoMillis(Date.now()) };
      const erased = await eraseCalls(trx, rows, act);
      await countErased(trx, work.erasureId, accountId, erased);
      return erased;
    });
    total = sum(total, done);
  };
  const places = await search(work, async (calls, searched) => {
    for (let at = 0; at < calls.length; at += PAGE) {
      await erase(calls.slice(at, at + PAGE).map(({ callId }) => callId));
      work.onProgress({ searched, calls: total.calls });
    }
  });
  total = sum(total, await eraseRest(work, lease, runId, total.calls));
  return { counts: total, ...places };
}

/** So many ids are named. */
const NAMED = 20;

/** Goes through an account's calls, once, and hands over those that hold the number. */
async function search(
  {
    store,
    sought,
    signal,
    onProgress,
  }: Pick<EraseWork, 'store' | 'sought' | 'signal' | 'onProgress'>,
  take: (calls: readonly FoundCall[], searched: number) => Promise<void>,
): Promise<Places> {
  let [searched, taken, asParty, inside] = [0, 0, 0, 0];
  const fields = new Set<string>();
  const insideIds: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    signal.throwIfAborted();
    const stretch: Stretch = await callsThatHold(store, sought, after);
    searched += stretch.searched;
    taken += stretch.calls.length;
    for (const call of stretch.calls) {
      if (call.place === 'party') asParty += 1;
      for (const field of call.fields) fields.add(field);
    }
    inside += stretch.inside.length;
    insideIds.push(...stretch.inside.slice(0, NAMED - insideIds.length));
    await take(stretch.calls, searched);
    onProgress({ searched, calls: taken });
    after = stretch.next;
  }
  return { asParty, inPayload: taken - asParty, fields: [...fields].sort(), inside, insideIds };
}

/** What is no call, and the end of it all, in one transaction. */
async function eraseRest(
  { store, sought, erasureId }: EraseWork,
  lease: Lease,
  runId: string,
  calls: number,
): Promise<Partial<ErasureCounts>> {
  const { accountId } = sought;
  return fenced(store, lease, async (trx) => {
    const now = { db: trx, close: store.close };
    const quarantined = await quarantineThatHolds(now, sought);
    const held = await countHeld(now, sought);
    if (quarantined.length > 0) {
      await eraseQuarantined(trx, accountId, quarantined, await erasureKey(trx));
    }
    if (quarantined.length + held > 0) await restartWalks(trx, accountId);
    const rest = { quarantined: quarantined.length, held };
    await countErased(trx, erasureId, accountId, rest, Date.now());
    const counts = { ...noCounts(), changed: calls };
    await endRun(trx, runId, { state: 'ok', error: null, counts, now: Date.now() });
    return rest;
  });
}

/** What an erasure would overwrite in an account. Writes nothing and takes no lease. */
export async function countErasable(
  work: Pick<EraseWork, 'store' | 'sought' | 'signal' | 'onProgress'>,
): Promise<Erased> {
  const { store, sought } = work;
  let [calls, versions] = [0, 0];
  const places = await search(work, async (found) => {
    const callIds = found.map(({ callId }) => callId);
    calls += callIds.length;
    versions += await countVersions(store, sought.accountId, callIds);
  });
  const quarantined = await quarantineThatHolds(store, sought);
  const held = await countHeld(store, sought);
  return { counts: { calls, versions, quarantined: quarantined.length, held }, ...places };
}

function sum(counts: ErasureCounts, added: Partial<ErasureCounts>): ErasureCounts {
  return {
    calls: counts.calls + (added.calls ?? 0),
    versions: counts.versions + (added.versions ?? 0),
    quarantined: counts.quarantined + (added.quarantined ?? 0),
    held: counts.held + (added.held ?? 0),
  };
}
