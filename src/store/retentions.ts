import type { Selectable } from 'kysely';
import { engineOf } from './engine.ts';
import { erasureKey, openInAccount } from './erasures.ts';
import type { RetentionsTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** By which retention an account's calls are overwritten, from when on, and how far that has come. */

export type Retention = Omit<Selectable<RetentionsTable>, 'account_id'>;

/** As which erasure an account's calls are overwritten once they are too old. */
export function retentionErasure(accountId: string): string {
  return `retention ${accountId}`;
}

/** Null where the account has none, or none was announced yet. */
export async function readRetention(db: Store['db'], accountId: string): Promise<Retention | null> {
  const row = await db
    .selectFrom('retentions')
    .select(['in_force', 'announced', 'announced_at'])
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row ?? null;
}

export async function saveRetention(
  trx: StoreTransaction,
  accountId: string,
  retention: Retention,
): Promise<void> {
  await trx
    .insertInto('retentions')
    .values({ account_id: accountId, ...retention })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(retention))
    .execute();
}

/** Where an account has no retention any more. What was overwritten stays that. */
export async function forgetRetention(trx: StoreTransaction, accountId: string): Promise<void> {
  await trx.deleteFrom('retentions').where('account_id', '=', accountId).execute();
  await clearErasedTo(trx, accountId);
}

/** Begins from the oldest call again. */
export async function clearErasedTo(trx: StoreTransaction, accountId: string): Promise<void> {
  await trx
    .updateTable('erasures')
    .set({ erased_to: null })
    .where('id', '=', retentionErasure(accountId))
    .execute();
}

/** Enters an account's retention into the register of erasures: once for all time, with the reason as of now. */
export async function registerRetention(
  trx: StoreTransaction,
  accountId: string,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<void> {
  await erasureKey(trx);
  const id = retentionErasure(accountId);
  const accounts = JSON.stringify([accountId]);
  const fresh = { requested_at: now, requested_by: null, reason, accounts };
  await trx
    .insertInto('erasures')
    .values({ id, kind: 'retention', ...fresh, digests: '[]', erased_to: null })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ reason }))
    .execute();
  await openInAccount(trx, id, accountId);
}

/** Before every call: no provider's time has a year before 100. */
export const BEGINNING = '0001-01-01T00:00:00Z';

/** Up to where (ISO 8601 UTC) no call is left in clear; before every call where that is not known. */
export async function readErasedTo({ db }: Store, accountId: string): Promise<string> {
  const row = await db
    .selectFrom('erasures')
    .select('erased_to')
    .where('id', '=', retentionErasure(accountId))
    .executeTakeFirst();
  return row?.erased_to ?? BEGINNING;
}

export async function moveErasedTo(
  trx: StoreTransaction,
  accountId: string,
  to: string,
): Promise<void> {
  await trx
    .updateTable('erasures')
    .set({ erased_to: to })
    .where('id', '=', retentionErasure(accountId))
    .where((eb) => eb.or([eb('erased_to', 'is', null), eb('erased_to', '<', to)]))
    .execute();
}

/**
 * Where calls are stored in clear, whatever the reason: the retention has to
 * come by them once more.
 *
 * @param starts of these calls, ISO 8601 UTC.
 */
export async function setBackErasedTo(
  trx: StoreTransaction,
  accountId: string,
  starts: readonly string[],
): Promise<void> {
  const [first] = [...starts].sort();
  if (first === undefined) return;
  await trx
    .updateTable('erasures')
    .set({ erased_to: first })
    .where('id', '=', retentionErasure(accountId))
    .where('erased_to', '>', first)
    .execute();
}

/**
 * How many calls of an account started before an instant (ISO 8601 UTC), from
 * where its retention has come, and how many it has in all. By the indexes
 * alone: whether each of them is overwritten already stands behind its payload,
 * and to read these would keep a large store busy for minutes.
 */
export async function countOlder(
  store: Store,
  accountId: string,
  before: string,
): Promise<{ readonly older: number; readonly all: number }> {
  const from = await readErasedTo(store, accountId);
  const { older } = await store.db
    .selectFrom('calls')
    .select((eb) => eb.fn.countAll<number>().as('older'))
    .where('started_at', '>=', from)
    .where('started_at', '<', before)
    .where(engineOf(store.db).passedBy('account_id'), '=', accountId)
    .executeTakeFirstOrThrow();
  const { all } = await store.db
    .selectFrom('calls')
    .select((eb) => eb.fn.countAll<number>().as('all'))
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  return { older: Number(older), all: Number(all) };
}
