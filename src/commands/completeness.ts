import { SETTLED } from '../day-state.ts';
import { readDayStates } from '../store/days.ts';
import type { RecordRange } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { addDays } from '../time.ts';
import type { KnownAccount } from './known-accounts.ts';

/** Without a bound to count to, days that were never read cannot be told from days before the history. */
const MOST_DAYS = 4000;

/**
 * What a range of an account's records lacks, in words; null where every day
 * of it that is over is proven. Of an account that nothing reads any more, no
 * day after the last known one is missed.
 */
export async function describeGaps(
  store: Store,
  { id, clock, configured }: KnownAccount,
  { from, to }: RecordRange,
  now: number,
): Promise<string | null> {
  const states = await readDayStates(store, id);
  const known = [...states.keys()].sort();
  const first = from === null ? known[0] : clock.dayOf(Date.parse(from));
  const end = Math.min(now, to === null ? now : Date.parse(to) - 1);
  const latest = configured === null ? known.at(-1) : clock.dayOf(now);
  if (latest === undefined) return null;
  if (first === undefined) return `${id}: nothing was ever read of this account`;
  const asked = clock.dayOf(end);
  const last = asked < latest ? asked : latest;
  const lookback = configured?.lookback ?? 0;
  const gaps = new Map<string, number>();
  let days = 0;
  for (let day = first; day <= last && days < MOST_DAYS; day = addDays(day, 1)) {
    days += 1;
    const state = states.get(day) ?? 'never read';
    if (state !== 'never read' && SETTLED.includes(state)) continue;
    // Not over, or over for less than late calls may take.
    if (state === 'open' && clock.startOfDay(addDays(day, 1)) + lookback > now) continue;
    gaps.set(state, (gaps.get(state) ?? 0) + 1);
  }
  if (gaps.size === 0) return null;
  const parts = [...gaps].map(([state, count]) => `${count} ${state}`);
  const sum = [...gaps.values()].reduce((total, count) => total + count, 0);
  return `${id}: ${sum} of the ${days} days of this range are not proven complete (${parts.join(', ')})`;
}
