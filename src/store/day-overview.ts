import type { DayState } from '../day-state.ts';
import type { Store } from './store.ts';

/** The days of an account in one state. */
export interface DaysInState {
  readonly count: number;
  readonly oldest: string;
  /** Since when one of them is so, as far as is kept: at the latest. Milliseconds since 1970. */
  readonly since: number;
}

export type DayOverview = ReadonlyMap<DayState, DaysInState>;

export async function readDayOverview(store: Store, accountId: string): Promise<DayOverview> {
  const rows = await store.db
    .selectFrom('days')
    .select((eb) => [
      'state',
      eb.fn.countAll<number>().as('count'),
      eb.fn.min('day').as('oldest'),
      eb.fn.min('updated_at').as('since'),
    ])
    .where('account_id', '=', accountId)
    .groupBy('state')
    .execute();
  const days = new Map(
    rows.map(({ state, count, ...rest }) => [state, { count: Number(count), ...rest }]),
  );
  const mismatch = days.get('mismatch');
  if (mismatch === undefined) return days;
  const since = await firstMismatch(store, accountId);
  return days.set('mismatch', {
    ...mismatch,
    since: Math.min(mismatch.since, since ?? mismatch.since),
  });
}

/** Each look at such a day updates it; the audits keep when it was first found to be so. */
async function firstMismatch({ db }: Store, accountId: string): Promise<number | null> {
  const { first } = await db
    .selectFrom('days')
    .innerJoin('audits', (join) =>
      join
        .onRef('audits.account_id', '=', 'days.account_id')
        .onRef('audits.day', '=', 'days.day')
        .onRef('audits.state', '=', 'days.state'),
    )
    .select((eb) => eb.fn.min('audits.audited_at').as('first'))
    .where('days.account_id', '=', accountId)
    .where('days.state', '=', 'mismatch')
    .executeTakeFirstOrThrow();
  return first;
}
