import { DAY, isoSeconds } from '../time.ts';
import { engineOf } from './engine.ts';
import type { Store } from './store.ts';

/** By what a store is likely to grow. */
export interface Growth {
  /** Calls a day, of all accounts. */
  readonly callsPerDay: number;
  readonly bytesPerDay: number;
}

const DAYS_BACK = 7;
/** An entry of the index costs 0.2 µs. A store that has so many calls in fewer days is judged by those. */
const ENOUGH_CALLS = 200_000;

/**
 * Reckons the growth: the calls a day that started in the last seven whole days
 * (UTC), times the bytes that a call takes.
 *
 * By when calls started and not by when they were stored: a first sync or a
 * backfill stores a year in an hour, and that is no pace. Each account counts
 * by the days that it was walked for, so one of two days is not taken for a
 * week's. What is read is the index on `started_at`, day by day back from last
 * midnight, until there are ENOUGH_CALLS.
 *
 * A call takes its share of the whole store: its versions, index entries, audits
 * and runs come with it. How many calls there are is not counted, which for ten
 * million rows takes seconds; where rows were deleted, a call seems smaller than
 * it is, but then their room is what is filled next.
 *
 * @param now milliseconds since 1970.
 * @returns null as long as no account was walked for a whole one of these days.
 */
export async function readGrowth({ db }: Store, now: number): Promise<Growth | null> {
  const midnight = Math.floor(now / DAY) * DAY;
  const { calls, from } = await countBack(db, midnight);
  const accounts = await db
    .selectFrom('accounts')
    .select(['id', 'start_at', 'watermark'])
    .execute();
  const paces = accounts.flatMap(({ id, start_at, watermark }) => {
    const covered = Math.min(midnight, watermark) - Math.max(from, start_at);
    return covered < DAY ? [] : [((calls.get(id) ?? 0) / covered) * DAY];
  });
  if (paces.length === 0) return null;
  const callsPerDay = paces.reduce((sum, pace) => sum + pace, 0);
  return { callsPerDay, bytesPerDay: Math.round(callsPerDay * (await bytesPerCall(db))) };
}

/** Calls by account from `from` to `midnight`. */
async function countBack(
  db: Store['db'],
  midnight: number,
): Promise<{ readonly calls: ReadonlyMap<string, number>; readonly from: number }> {
  const calls = new Map<string, number>();
  let from = midnight;
  let total = 0;
  while (from > midnight - DAYS_BACK * DAY && total < ENOUGH_CALLS) {
    const counted = await db
      .selectFrom('calls')
      .select((eb) => ['account_id', eb.fn.countAll<number>().as('count')])
      .where('started_at', '>=', isoSeconds(from - DAY))
      .where('started_at', '<', isoSeconds(from))
      .groupBy('account_id')
      .execute();
    for (const { account_id, count } of counted) {
      calls.set(account_id, (calls.get(account_id) ?? 0) + Number(count));
      total += Number(count);
    }
    from -= DAY;
  }
  return { calls, from };
}

async function bytesPerCall(db: Store['db']): Promise<number> {
  const { bytes, calls } = await engineOf(db).footprint(db);
  return calls === 0 ? 0 : bytes / calls;
}
