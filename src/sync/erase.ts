import { setTimeout as sleep } from 'node:timers/promises';
import { CdrError, fault } from '../errors.ts';
import { eraseCalls, readCalls } from '../store/erase-calls.ts';
import { eraseQuarantined, restartWalks } from '../store/erase-rows.ts';
import { countErased, type ErasureCounts, erasureKey, noErasureCounts } from '../store/erasures.ts';
import {
  callsOfParty,
  callsThatHold,
  countHeld,
  countVersions,
  quarantineThatHolds,
  type Sought,
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
  /** Called after each transaction, with what is overwritten so far. */
  readonly onProgress: (counts: ErasureCounts) => void;
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
export async function eraseInAccount(work: EraseWork): Promise<ErasureCounts> {
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

async function eraseUnderLease(work: EraseWork, lease: Lease): Promise<ErasureCounts> {
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
    work.onProgress(total);
  };
  for (;;) {
    const callIds = await callsOfParty(store, sought, PAGE);
    if (callIds.length === 0) break;
    await erase(callIds);
  }
  for (let after: string | null = ''; after !== null; ) {
    work.signal.throwIfAborted();
    const { callIds, next } = await callsThatHold(store, sought, after);
    for (let at = 0; at < callIds.length; at += PAGE) await erase(callIds.slice(at, at + PAGE));
    after = next;
  }
  total = sum(total, await eraseRest(work, lease, runId, total.calls));
  work.onProgress(total);
  return total;
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
export async function countErasable(store: Store, sought: Sought): Promise<ErasureCounts> {
  const calls = new Set(await callsOfParty(store, sought, Number.MAX_SAFE_INTEGER));
  for (let after: string | null = ''; after !== null; ) {
    const stretch = await callsThatHold(store, sought, after);
    for (const callId of stretch.callIds) calls.add(callId);
    after = stretch.next;
  }
  const quarantined = await quarantineThatHolds(store, sought);
  return {
    calls: calls.size,
    versions: await countVersions(store, sought.accountId, [...calls]),
    quarantined: quarantined.length,
    held: await countHeld(store, sought),
  };
}

function sum(counts: ErasureCounts, added: Partial<ErasureCounts>): ErasureCounts {
  return {
    calls: counts.calls + (added.calls ?? 0),
    versions: counts.versions + (added.versions ?? 0),
    quarantined: counts.quarantined + (added.quarantined ?? 0),
    held: counts.held + (added.held ?? 0),
  };
}
