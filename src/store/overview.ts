import { DAY } from '../time.ts';
import { type AccountState, readAccounts } from './accounts.ts';
import { type Backfill, readBackfills } from './backfills.ts';
import { type DayOverview, readDayOverview } from './day-overview.ts';
import { type Hole, readHoles } from './holes.ts';
import { isHeld } from './leases.ts';
import { type Pause, readPause } from './pauses.ts';
import { type PollHistory, readPollHistory } from './poll-history.ts';
import { type Quarantined, readQuarantined } from './quarantine.ts';
import { type Retention, readRetention } from './retentions.ts';
import { lastRun, type Run } from './runs.ts';
import type { Store } from './store.ts';
import { backfillLane, countWindows } from './windows.ts';

/** How one account stands, for `status`. */
export interface AccountOverview {
  readonly account: AccountState;
  readonly lastRun: Run | null;
  readonly polls: PollHistory;
  /** Whether some process walks it now. */
  readonly running: boolean;
  readonly days: DayOverview;
  readonly holes: readonly Hole[];
  readonly quarantined: Quarantined;
  /** Windows that wait in the checkpoint. */
  readonly pending: number;
  /** Days that a person closed as they are. */
  readonly accepted: readonly { readonly day: string; readonly reason: string }[];
  /** What audits found that polls had not seen in time. */
  readonly lateness: { readonly calls: number; readonly latestSeconds: number | null };
  readonly pause: Pause | null;
  /** Null where none was announced. */
  readonly retention: Retention | null;
  readonly backfills: readonly KnownBackfill[];
}

export interface KnownBackfill {
  readonly backfill: Backfill;
  /** Windows still to walk; null before its first run has planned them. */
  readonly left: number | null;
}

/** So long a finished backfill is still told of. */
const TOLD_FOR = DAY;

export async function readOverview(store: Store, now: number): Promise<readonly AccountOverview[]> {
  const accounts = await readAccounts(store);
  const backfills = await readBackfills(store, now - TOLD_FOR);
  return Promise.all(
    accounts.map((account) => {
      const own = backfills.filter(({ account_id }) => account_id === account.id);
      return overviewOf(store, account, own);
    }),
  );
}

async function overviewOf(
  store: Store,
  account: AccountState,
  backfills: readonly Backfill[],
): Promise<AccountOverview> {
  const { id } = account;
  const { pending } = await store.db
    .selectFrom('windows')
    .select((eb) => eb.fn.countAll<number>().as('pending'))
    .where('account_id', '=', id)
    // What a killed audit left is begun anew by the next one.
    .where('lane', '!=', 'audit')
    .executeTakeFirstOrThrow();
  const accepted = await store.db
    .selectFrom('days')
    .select(['day', 'accepted_reason'])
    .where('account_id', '=', id)
    .where('state', '=', 'accepted')
    .orderBy('day')
    .execute();
  const late = await store.db
    .selectFrom('audits')
    .select((eb) => [eb.fn.sum('new').as('calls'), eb.fn.max('latest_seconds').as('latest')])
    .where('account_id', '=', id)
    .executeTakeFirstOrThrow();
  return {
    account,
    accepted: accepted.map(({ day, accepted_reason }) => ({ day, reason: accepted_reason ?? '' })),
    lateness: { calls: Number(late.calls ?? 0), latestSeconds: late.latest ?? null },
    lastRun: await lastRun(store, id),
    polls: await readPollHistory(store, id),
    running: await isHeld(store, id),
    days: await readDayOverview(store, id),
    holes: await readHoles(store, id),
    quarantined: await readQuarantined(store, id),
    pending: Number(pending),
    pause: await readPause(store.db, id),
    retention: await readRetention(store.db, id),
    backfills: await Promise.all(backfills.map((backfill) => withProgress(store, backfill))),
  };
}

async function withProgress(store: Store, backfill: Backfill): Promise<KnownBackfill> {
  const { account_id, from_at, to_at, state } = backfill;
  const left = await countWindows(store, account_id, backfillLane({ from: from_at, to: to_at }));
  return { backfill, left: left === 0 && state === null ? null : left };
}
