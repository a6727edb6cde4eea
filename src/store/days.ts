import type { Selectable } from 'kysely';
import type { DayState } from '../day-state.ts';
import type { DaysTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** One day of an account's ledger. */
export type LedgerDay = Selectable<DaysTable>;

export async function readDay(
  db: Store['db'],
  accountId: string,
  day: string,
): Promise<LedgerDay | null> {
  const row = await db
    .selectFrom('days')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('day', '=', day)
    .executeTakeFirst();
  return row ?? null;
}

/** The whole ledger of an account, oldest first. */
export async function readDays(db: Store['db'], accountId: string): Promise<readonly LedgerDay[]> {
  return db
    .selectFrom('days')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('day')
    .execute();
}

export async function dropDay(
  trx: StoreTransaction,
  accountId: string,
  day: string,
): Promise<void> {
  await trx.deleteFrom('days').where('account_id', '=', accountId).where('day', '=', day).execute();
}

export async function saveDay(trx: StoreTransaction, day: LedgerDay): Promise<void> {
  await trx
    .insertInto('days')
    .values(day)
    .onConflict((conflict) => conflict.columns(['account_id', 'day']).doUpdateSet(day))
    .execute();
}

/** The state of each day in an account's ledger. */
export async function readDayStates(
  store: Store,
  accountId: string,
): Promise<ReadonlyMap<string, DayState>> {
  const rows = await store.db
    .selectFrom('days')
    .select(['day', 'state'])
    .where('account_id', '=', accountId)
    .execute();
  return new Map(rows.map(({ day, state }) => [day, state]));
}

/** The days in one of these states, oldest first. */
export async function daysInState(
  store: Store,
  accountId: string,
  states: readonly DayState[],
): Promise<readonly LedgerDay[]> {
  return store.db
    .selectFrom('days')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('state', 'in', states)
    .orderBy('day')
    .execute();
}

/** Calls first listed under the day and not missing. */
export async function countStored(
  db: Store['db'],
  accountId: string,
  day: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('calls')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('missing_since', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Quarantined rows listed under the day that no later read has resolved. */
export async function countQuarantined(
  db: Store['db'],
  accountId: string,
  day: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('quarantine')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('resolved_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}
