import { setImmediate as breathe } from 'node:timers/promises';
import { CdrError, fault } from '../../errors.ts';
import { engineOf } from '../engine.ts';
import { overwriteDeleted } from '../erase-calls.ts';
import { fenced, keepLease, type Lease, releaseLease } from '../leases.ts';
import { readSnapshot, type Store } from '../store.ts';
import {
  type Content,
  contentOf,
  dayName,
  differencesOf,
  type Reading,
  readContent,
} from './content.ts';
import type { DaySum } from './rows.ts';
import { type DayCount, readDay, readDays } from './rows.ts';
import { copySmallTables } from './small-tables.ts';
import { beginCopy, endCopy, type Target } from './target.ts';
import { writer } from './writer.ts';

/**
 * Makes an empty store equal to another one.
 *
 * The source is read in one snapshot, day by day: the calls of an account that
 * were first listed under a day, and their versions. They are written in batches
 * of a transaction each. The small tables follow in one transaction, in which the
 * target becomes whole; then it is read again and compared with the sums of what
 * was read of the source, and only then its mark is taken away.
 *
 * A copy that was interrupted goes on without knowing where it was. What the
 * target holds says it: days that are in number and digest those of the source
 * *as it is now* stay, all others are removed, and then every day that is not
 * there is copied. No position is kept that could be wrong, and nothing has to be
 * known of what happened to the source meanwhile. The rejected alternative,
 * catching up by `change_seq` after a position in the order of ids, saves the
 * reading of what is there, and rests on three things that do not hold:
 * PostgreSQL commits numbers out of order, versions of a call that was erased
 * before are overwritten without a new number, and a source that was restored
 * from a backup gives the same numbers again.
 *
 * All that differs is removed before anything is written, so that a call whose day
 * has changed is gone from its old one. That leaves plain inserts: a row of the
 * source is in one day, a day that stayed has equal rows, so no two are of one key.
 */

export type Phase = 'checking' | 'copying' | 'verifying';

export interface CopyWork {
  readonly source: Store;
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly onProgress: (phase: Phase, done: number, total: number) => void;
}

/**
 * Copies, compares, and takes the mark away.
 *
 * @returns what both hold.
 * @throws CdrError `copy.target`, `copy.running`, `copy.differs`; the signal's reason where it was stopped.
 */
export async function copyStore(work: CopyWork): Promise<Content> {
  const { source, target, onProgress } = work;
  const { store } = target;
  const lease = await beginCopy(target);
  const release = keepLease(store, lease, () => undefined);
  let ended = false;
  try {
    const content = await readSnapshot(source, (from) => fill(from, lease, work), 'long');
    const reading = readingOf(work, 'verifying');
    const copied = await readContent(store.db, reading);
    const differences = differencesOf(content, copied);
    if (differences.length > 0) throw differs(differences);
    work.signal.throwIfAborted();
    await fenced(store, lease, endCopy);
    ended = true;
    onProgress('verifying', 1, 1);
    return content;
  } finally {
    release();
    // What was copied stays, and the mark with it. Whatever ended it is what counts.
    if (!ended) await releaseLease(store, lease).catch(() => undefined);
  }
}

function readingOf({ signal, onProgress }: CopyWork, phase: Phase): Reading {
  return { signal, onProgress: (done, total) => onProgress(phase, done, total) };
}

/** Writes what is not there. Returns what the source holds. */
async function fill(source: Store, lease: Lease, work: CopyWork): Promise<Content> {
  const { target, signal, onProgress } = work;
  const days = await readDays(source.db);
  // Once, and after the snapshot was taken: numbers are no part of it, and writers go on.
  const changeSeq = await engineOf(source.db).lastSequence(source.db);
  const kept = await keepEqualDays(source, days, lease, work);
  const left = days.filter((key) => !kept.has(dayName(key)));
  const total = days.reduce((sum, { calls }) => sum + calls, 0);
  let done = total - left.reduce((sum, { calls }) => sum + calls, 0);

  const sums = new Map(kept);
  const { put, end } = writer(target.store, lease, signal);
  try {
    for (const key of left) {
      await breathe();
      signal.throwIfAborted();
      const sum = await readDay(source.db, key, (table, row) => {
        if (table.name === 'calls') {
          done += 1;
          onProgress('copying', done, total);
        }
        return put(table, row);
      });
      sums.set(dayName(key), sum);
    }
  } finally {
    await end();
  }
  signal.throwIfAborted();
  await engineOf(target.store.db).analyze(target.store.db);
  const small = await copySmallTables(source, target, lease, changeSeq);
  return contentOf(source.db, small, sums, changeSeq);
}

/** Removes from the target each day that is not as in the source; returns the others. */
async function keepEqualDays(
  source: Store,
  wanted: readonly DayCount[],
  lease: Lease,
  { target: { store }, signal, onProgress }: CopyWork,
): Promise<ReadonlyMap<string, DaySum>> {
  const kept = new Map<string, DaySum>();
  const days = await readDays(store.db);
  if (days.length === 0) return kept;
  // What was erased in the source since is not to stay in the bytes of the file.
  await overwriteDeleted(store);
  const counts = new Map(wanted.map((key) => [dayName(key), key.calls]));
  const total = days.reduce((sum, { calls }) => sum + calls, 0);
  let done = 0;
  for (const key of days) {
    onProgress('checking', done, total);
    await breathe();
    signal.throwIfAborted();
    const sum = counts.get(dayName(key)) === key.calls ? await readDay(source.db, key) : null;
    if (sum !== null && isEqual(sum, await readDay(store.db, key))) kept.set(dayName(key), sum);
    else await removeDay(store, lease, key);
    done += key.calls;
  }
  return kept;
}

function isEqual(one: DaySum, other: DaySum): boolean {
  return one.calls.digest === other.calls.digest && one.versions.digest === other.versions.digest;
}

async function removeDay(store: Store, lease: Lease, { account, day }: DayCount): Promise<void> {
  await fenced(store, lease, async (trx) => {
    await trx
      .deleteFrom('call_versions')
      .where('account_id', '=', account)
      .where('call_id', 'in', (eb) =>
        eb
          .selectFrom('calls')
          .select('call_id')
          .where('account_id', '=', account)
          .where('listed_on', '=', day),
      )
      .execute();
    await trx
      .deleteFrom('calls')
      .where('account_id', '=', account)
      .where('listed_on', '=', day)
      .execute();
  });
}

const MOST_TOLD = 20;

export function differs(differences: readonly string[]): CdrError {
  const told = differences.slice(0, MOST_TOLD).map((line) => `\n  ${line}`);
  const more = differences.length - told.length;
  const rest = more > 0 ? `\n  and ${more} more` : '';
  const words = `the stores differ (source and target):${told.join('')}${rest}`;
  return new CdrError(fault('copy.differs', words));
}
