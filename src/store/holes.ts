import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Span } from '../time.ts';
import type { HolesTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

export type Hole = Selectable<HolesTable>;

export async function readHoles(store: Store, accountId: string): Promise<readonly Hole[]> {
  return store.db
    .selectFrom('holes')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('from_at')
    .execute();
}

export async function holesWithin(
  db: Store['db'],
  accountId: string,
  { from, to }: Span,
): Promise<readonly Hole[]> {
  return db
    .selectFrom('holes')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('from_at', '<', to)
    .where('to_at', '>', from)
    .orderBy('from_at')
    .execute();
}

/** Takes a span that is proven now out of the holes; what is left of them stays. */
export async function fillHoles(
  trx: StoreTransaction,
  accountId: string,
  { from, to }: Span,
): Promise<void> {
  for (const hole of await holesWithin(trx, accountId, { from, to })) {
    await trx.deleteFrom('holes').where('id', '=', hole.id).execute();
    if (hole.from_at < from) {
      await trx
        .insertInto('holes')
        .values({ ...hole, id: randomUUID(), to_at: from })
        .execute();
    }
    if (hole.to_at > to) {
      await trx
        .insertInto('holes')
        .values({ ...hole, id: randomUUID(), from_at: to })
        .execute();
    }
  }
}

/**
 * Records that a span could not be proven. One that was a hole before stays the
 * same hole, with one attempt more.
 *
 * @param nextTry when to try again after so many retries.
 */
export async function recordHole(
  trx: StoreTransaction,
  accountId: string,
  span: Span,
  reason: string,
  now: number,
  nextTry: (attempts: number) => number,
): Promise<void> {
  const before = await holesWithin(trx, accountId, span);
  await fillHoles(trx, accountId, span);
  const attempts = before.length === 0 ? 0 : Math.max(...before.map((hole) => hole.attempts)) + 1;
  await trx
    .insertInto('holes')
    .values({
      id: randomUUID(),
      account_id: accountId,
      from_at: span.from,
      to_at: span.to,
      reason,
      since: Math.min(now, ...before.map((hole) => hole.since)),
      attempts,
      next_try_at: nextTry(attempts),
    })
    .execute();
}
