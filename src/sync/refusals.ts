import { CdrError, type Fault } from '../errors.ts';
import { moveWatermark, updateAccount } from '../store/accounts.ts';
import { fenced } from '../store/leases.ts';
import { addWindows, type PendingWindow, removeWindow } from '../store/windows.ts';
import { DAY, HOUR, type Span } from '../time.ts';
import { askPage } from './ask-page.ts';
import { earlierNow, type RunContext } from './context.ts';
import { enterUnreachable } from './ledger.ts';
import { halve } from './windows.ts';

/** Refusals of one window that do not end the account's run. */

/** How far past the computed horizon a refusal is still believed to mean the horizon. */
export const HORIZON_DOUBT = 3 * DAY;
export const ASK_TODAY_AGAIN = 6 * HOUR;

/**
 * The provider says that the window is out of its reach: for an old one that is
 * believed, day by day; for a recent one it is a fault like any other.
 */
export async function leaveUnreachable(
  context: RunContext,
  window: PendingWindow,
  fault: Fault,
): Promise<boolean> {
  if (fault.remedy?.kind !== 'out_of_reach') return false;
  const { store, lease, rules, log, settings } = context;
  const horizon = rules.reach.horizon(earlierNow(context));
  if (horizon === null || window.from_at > horizon + HORIZON_DOUBT) return false;
  const span: Span = { from: window.from_at, to: window.to_at };
  const parts = span.to - span.from > DAY ? halve(span, rules) : null;
  await fenced(store, lease, async (trx) => {
    await removeWindow(trx, window.id);
    if (parts !== null) return addWindows(trx, settings.id, window.lane, parts);
    await enterUnreachable(trx, context, span);
    if (window.lane === 'live') await moveWatermark(trx, settings.id, span.to);
  });
  if (parts === null) log.warn({ account: settings.id, code: fault.code }, fault.message);
  return true;
}

/**
 * A provider that is asked for whole days may refuse the one that is not over.
 * Where yesterday answers, nothing has failed: today stays open and is asked
 * for again later.
 */
export async function leaveToday(
  context: RunContext,
  window: PendingWindow,
  fault: Fault,
): Promise<boolean> {
  const { rules, clock, store, lease, settings, log } = context;
  if (!rules.reach.wholeDays || fault.class !== 'contract' || fault.retry === true) return false;
  // A clock that is wrong is no refusal, and cannot say which day it is.
  if (fault.code === 'provider.clock') return false;
  const today = clock.startOfDay(clock.dayOf(Date.now()));
  if (window.lane !== 'live' || window.from_at < today) return false;
  const yesterday = clock.startOfDay(clock.dayOf(today - 1));
  try {
    await askPage(context, { ...window, from_at: yesterday, to_at: today, cursor: null });
  } catch (error) {
    if (error instanceof CdrError) return false;
    throw error;
  }
  const until = Date.now() + ASK_TODAY_AGAIN;
  await fenced(store, lease, async (trx) => {
    await removeWindow(trx, window.id);
    await updateAccount(trx, settings.id, { today_refused_until: until });
  });
  log.info({ account: settings.id }, 'the provider does not serve today yet; asked again in 6 h');
  return true;
}
