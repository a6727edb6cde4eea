import { CdrError } from '../errors.ts';
import { updateAccount } from '../store/accounts.ts';
import { fenced } from '../store/leases.ts';
import { dropFrom, type PendingWindow, updateWindow } from '../store/windows.ts';
import { SECOND } from '../time.ts';
import type { AskedPage } from './ask-page.ts';
import { BELIEVABLE_SKEW, type RunContext } from './context.ts';
import { settledNow } from './windows.ts';
import { wrongClock } from './wrong-clock.ts';

/**
 * A live window's end is frozen before its first page counts. Where the first
 * response shows that one of the clocks has not passed it, what is listed
 * near the end may still grow: the window ends earlier, and its page is asked
 * again. The windows after it are dropped with the rest, to be planned anew
 * from the watermark, which must not jump over what was not read.
 *
 * @returns null where the end may stay.
 * @throws CdrError where the provider's clock cannot be right.
 */
export async function freezeEnd(
  context: RunContext,
  window: PendingWindow,
  { date, heardAt: now }: Pick<AskedPage, 'date' | 'heardAt'>,
): Promise<PendingWindow | 'nothing settled' | null> {
  if (window.lane !== 'live' || window.pages > 0) return null;
  const { settings, store, lease, clock } = context;
  // A window may have been planned by a clock of ours that was ahead, and is right again.
  const skew = date === null ? null : date - now;
  const to = clock.snap(settledNow(now, skew, settings.settle));
  // `Date` is up to a second old when it is sent, and the answer took its time to come.
  const doubt = Math.min(2 * SECOND, settings.settle / 10);
  if (window.to_at <= to + doubt) return null;
  if (skew !== null && skew < -BELIEVABLE_SKEW)
    throw new CdrError(wrongClock(skew), { account: settings.id });
  const settled = to > window.from_at;
  await fenced(store, lease, async (trx) => {
    await dropFrom(trx, settings.id, window.lane, settled ? window.to_at : window.from_at);
    if (settled) await updateWindow(trx, window.id, { to_at: to });
    if (skew !== null) await updateAccount(trx, settings.id, { clock_skew: skew });
  });
  return settled ? { ...window, to_at: to } : 'nothing settled';
}
