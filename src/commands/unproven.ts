import { type DayState, SETTLED } from '../day-state.ts';
import { readAccount } from '../store/accounts.ts';
import { readDayStates } from '../store/days.ts';
import type { Store } from '../store/store.ts';
import { addDays, type ZoneClock } from '../time.ts';
import { wrapLines } from './wrap.ts';

/** Where a call that is not in the store may be all the same. */
export interface UnprovenDays {
  readonly account: string;
  /** The provider-local day with which the account's history begins; null where it never ran. */
  readonly history_from: string | null;
  /** Days since then, of those asked for, that are not proven complete; the oldest first. */
  readonly days: readonly { readonly day: string; readonly state: DayState | 'never read' }[];
}

/** @param range the first day asked for, null for that of the account's history, and the last. */
export async function unprovenDays(
  store: Store,
  accountId: string,
  clock: ZoneClock,
  range: { readonly from: string | null; readonly to: string },
): Promise<UnprovenDays> {
  const account = await readAccount(store, accountId);
  if (account === null) return { account: accountId, history_from: null, days: [] };
  const states = await readDayStates(store, accountId);
  const first = [clock.dayOf(account.start_at), ...states.keys()].sort()[0] ?? '';
  const days: { day: string; state: DayState | 'never read' }[] = [];
  const begin = range.from !== null && range.from > first ? range.from : first;
  for (let day = begin; day <= range.to; day = addDays(day, 1)) {
    const state = states.get(day) ?? 'never read';
    if (state === 'never read' || !SETTLED.includes(state)) days.push({ day, state });
  }
  return { account: accountId, history_from: first, days };
}

/** More stretches than these are no hint any more. */
const MOST_STRETCHES = 5;

/** What the operator may do about it, a few lines for each account. */
export function unprovenText(accounts: readonly UnprovenDays[]): string {
  return wrapLines(accounts.map(accountText).join(''));
}

function accountText({ account, history_from, days }: UnprovenDays): string {
  if (history_from === null) {
    return `  → ${account} was never read: cdrsync sync --account ${account}\n`;
  }
  const stretches = stretchesOf(days);
  const told = stretches.slice(0, MOST_STRETCHES).map((stretch) => `    ${stretch}\n`);
  const rest = stretches.length - told.length;
  const unproven =
    days.length === 0
      ? `  → ${account}: every day of its history that is asked for is proven complete\n`
      : `  → ${account}: it may be in a day that is not proven complete:\n${told.join('')}` +
        (rest > 0 ? `    and ${rest} more stretches of days\n` : '');
  return `${unproven}    before ${history_from}: cdrsync backfill --account ${account} --from … --to …\n`;
}

/** `2026-11-18 to 2026-11-20 open`: days in a row of one state. */
function stretchesOf(days: UnprovenDays['days']): readonly string[] {
  const stretches: { from: string; to: string; state: string }[] = [];
  for (const { day, state } of days) {
    const last = stretches.at(-1);
    if (last !== undefined && last.state === state && addDays(last.to, 1) === day) last.to = day;
    else stretches.push({ from: day, to: day, state });
  }
  return stretches.map(({ from, to, state }) =>
    from === to ? `${from} ${state}` : `${from} to ${to} ${state}`,
  );
}
