import { type AccountState, readAccounts } from './accounts.ts';
import { type Hole, readHoles } from './holes.ts';
import { lastRun, type Run } from './runs.ts';
import type { Store } from './store.ts';

/** How one account stands, for `status`. */
export interface AccountOverview {
  readonly account: AccountState;
  readonly lastRun: Run | null;
  readonly days: Readonly<Record<string, number>>;
  readonly holes: readonly Hole[];
  readonly quarantined: number;
  /** Windows that wait in the checkpoint. */
  readonly pending: number;
}

export async function readOverview(store: Store): Promise<readonly AccountOverview[]> {
  const accounts = await readAccounts(store);
  return Promise.all(accounts.map((account) => overviewOf(store, account)));
}

async function overviewOf(store: Store, account: AccountState): Promise<AccountOverview> {
  const { id } = account;
  const days = await store.db
    .selectFrom('days')
    .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
    .where('account_id', '=', id)
    .groupBy('state')
    .execute();
  const { quarantined } = await store.db
    .selectFrom('quarantine')
    .select((eb) => eb.fn.countAll<number>().as('quarantined'))
    .where('account_id', '=', id)
    .executeTakeFirstOrThrow();
  const { pending } = await store.db
    .selectFrom('windows')
    .select((eb) => eb.fn.countAll<number>().as('pending'))
    .where('account_id', '=', id)
    .executeTakeFirstOrThrow();
  return {
    account,
    lastRun: await lastRun(store, id),
    days: Object.fromEntries(days.map(({ state, count }) => [state, Number(count)])),
    holes: await readHoles(store, id),
    quarantined: Number(quarantined),
    pending: Number(pending),
  };
}
