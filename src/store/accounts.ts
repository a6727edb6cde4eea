import type { Selectable } from 'kysely';
import { oneAtATime } from './meta.ts';
import type { AccountsTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** What is durable of one account besides its windows. */
export type AccountState = Selectable<AccountsTable>;

export async function readAccount(store: Store, id: string): Promise<AccountState | null> {
  const row = await store.db
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

export async function readAccounts(store: Store): Promise<readonly AccountState[]> {
  return store.db.selectFrom('accounts').selectAll().orderBy('id').execute();
}

/** The account's row, made at its first run: nothing is walked yet, so the watermark is its start. */
export async function ensureAccount(
  trx: StoreTransaction,
  { id, provider, startAt }: { id: string; provider: string; startAt: number },
): Promise<AccountState> {
  const known = await trx
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (known !== undefined) return known;
  // Whoever asks for something of all accounts has to know of this one, or be known to it.
  await oneAtATime(trx);
  await trx
    .insertInto('accounts')
    .values({
      id,
      provider,
      start_at: startAt,
      watermark: startAt,
      clock_skew: null,
      today_refused_until: null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return trx.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

export async function updateAccount(
  trx: StoreTransaction,
  id: string,
  change: Partial<Omit<AccountState, 'id' | 'provider'>>,
): Promise<void> {
  await trx.updateTable('accounts').set(change).where('id', '=', id).execute();
}

/** The watermark never moves back here: only a clock that was ahead has it taken back, by `updateAccount`. */
export async function moveWatermark(trx: StoreTransaction, id: string, to: number): Promise<void> {
  await trx
    .updateTable('accounts')
    .set({ watermark: to })
    .where('id', '=', id)
    .where('watermark', '<', to)
    .execute();
}
