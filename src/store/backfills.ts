import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { oneAtATime } from './meta.ts';
import type { BackfillsTable } from './schema.ts';
import { type Store, transact } from './store.ts';

/** A backfill that was handed to the workers. */
export type Backfill = Selectable<BackfillsTable>;

export type BackfillRequest = Pick<
  Backfill,
  'account_id' | 'from_at' | 'to_at' | 'concurrency' | 'windows'
>;

/** Enters a backfill. One of the same range that is not done yet stands for both, and is tried at once. */
export async function requestBackfill(store: Store, request: BackfillRequest): Promise<Backfill> {
  const now = Date.now();
  const backfill: Backfill = {
    id: randomUUID(),
    ...request,
    requested_at: now,
    next_try_at: now,
    finished_at: null,
    state: null,
  };
  return transact(store, async (trx) => {
    await oneAtATime(trx);
    const known = await trx
      .selectFrom('backfills')
      .selectAll()
      .where('account_id', '=', request.account_id)
      .where('from_at', '=', request.from_at)
      .where('to_at', '=', request.to_at)
      .where('finished_at', 'is', null)
      .executeTakeFirst();
    if (known !== undefined) {
      const change = { next_try_at: now, concurrency: request.concurrency };
      await trx.updateTable('backfills').set(change).where('id', '=', known.id).execute();
      return { ...known, ...change };
    }
    await trx.insertInto('backfills').values(backfill).execute();
    return backfill;
  });
}

export async function readBackfill(store: Store, id: string): Promise<Backfill | null> {
  const row = await store.db
    .selectFrom('backfills')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

/** Those that are to be tried now, the oldest first. */
export async function dueBackfills(store: Store, now: number): Promise<readonly Backfill[]> {
  return store.db
    .selectFrom('backfills')
    .selectAll()
    .where('finished_at', 'is', null)
    .where('next_try_at', '<=', now)
    .orderBy('requested_at')
    .execute();
}

/** Those still to be done, and those that ended after `since`; the oldest first. */
export async function readBackfills(store: Store, since: number): Promise<readonly Backfill[]> {
  return store.db
    .selectFrom('backfills')
    .selectAll()
    .where((eb) => eb.or([eb('finished_at', 'is', null), eb('finished_at', '>', since)]))
    .orderBy('requested_at')
    .execute();
}

export async function updateBackfill(
  store: Store,
  id: string,
  change: Partial<Pick<Backfill, 'finished_at' | 'next_try_at' | 'state'>>,
): Promise<void> {
  await transact(store, (trx) =>
    trx.updateTable('backfills').set(change).where('id', '=', id).execute(),
  );
}
