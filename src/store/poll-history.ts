import { MINUTE } from '../time.ts';
import { lastRun, type Run } from './runs.ts';
import type { Store } from './store.ts';

/** What the runs of an account say of its polls. */
export interface PollHistory {
  /** The last run that polled, which may go on; null where there was none. */
  readonly last: Run | null;
  /** The last one that came to its end: one that was stopped is neither good nor bad. */
  readonly lastEnded: Run | null;
  /** The polls that failed since the last one that did not; null where that was the last. */
  readonly failing: { readonly since: number; readonly runs: number } | null;
  /** Whether one ever came to its end: until then the account is in its first sync. */
  readonly caughtUp: boolean;
}

/** Audits and backfills are no polls: one with nothing to do says nothing of the provider. */
const POLLS = ['sync', 'poll'];

/** Reads back from the newest run, no further than to the last one that did not fail. */
export async function readPollHistory(store: Store, accountId: string): Promise<PollHistory> {
  const last = await lastRun(store, accountId, POLLS);
  const lastEnded = await lastRun(store, accountId, POLLS, 'concluded');
  const failed = lastEnded !== null && lastEnded.error !== null;
  return {
    last,
    lastEnded,
    failing: failed ? await readFailing(store, accountId) : null,
    caughtUp: await everCaughtUp(store, accountId),
  };
}

async function readFailing(store: Store, accountId: string): Promise<PollHistory['failing']> {
  const polls = store.db
    .selectFrom('runs')
    .where('account_id', '=', accountId)
    .where('trigger', 'in', POLLS)
    // As lastRun: one that began later was begun by a clock that has been set right since.
    .where('started_at', '<=', Date.now() + MINUTE);
  const good = await polls
    .select('started_at')
    .where('ended_at', 'is not', null)
    .where('state', '!=', 'stopped')
    .where('error', 'is', null)
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const { since, runs } = await polls
    .select((eb) => [eb.fn.min('started_at').as('since'), eb.fn.countAll<number>().as('runs')])
    .where('started_at', '>', good?.started_at ?? 0)
    .where('error', 'is not', null)
    .executeTakeFirstOrThrow();
  return since === null ? null : { since, runs: Number(runs) };
}

/** Older versions noted a poll that was stopped as `incomplete`, and it had no faults of its own. */
async function everCaughtUp({ db }: Store, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('runs')
    .select('id')
    .where('account_id', '=', accountId)
    .where('trigger', 'in', POLLS)
    .where('error', 'is', null)
    .where((eb) =>
      eb.or([
        eb('state', '=', 'ok'),
        eb.and([
          eb('state', '=', 'incomplete'),
          eb(eb('holes', '+', eb.ref('quarantined')), '>', 0),
        ]),
      ]),
    )
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
