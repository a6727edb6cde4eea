import { CdrError } from '../errors.ts';
import { type AccountState, readAccount, updateAccount } from '../store/accounts.ts';
import { dropDay, type LedgerDay, readDays, saveDay } from '../store/days.ts';
import { fenced } from '../store/leases.ts';
import type { StoreTransaction } from '../store/store.ts';
import { dropLane } from '../store/windows.ts';
import { addDays, DAY, MINUTE, type Span, wholeSecond } from '../time.ts';
import { BELIEVABLE_SKEW, believed, type RunContext } from './context.ts';
import { hearClock } from './hear-clock.ts';
import { newDay } from './ledger.ts';
import { HORIZON_DOUBT } from './refusals.ts';
import { daysOf } from './windows.ts';
import { wrongClock } from './wrong-clock.ts';

/**
 * What a clock that was ahead has left in the store: a watermark, days and
 * refusals that only a later time could have brought. The provider must confirm
 * that it is not our clock of today that is behind.
 */

/** Two readings of one clock may differ by so much. */
const JITTER = MINUTE;

/**
 * Takes back what the store claims of the future: the watermark returns to the
 * end of what is proven, and days that a clock ahead has entered are open again.
 *
 * @throws CdrError where the clocks are too far apart to tell which of them is right.
 */
export async function stepBack(context: RunContext): Promise<void> {
  const { store, lease, settings, log, clock } = context;
  if (!(await isAhead(context))) return;
  const skew = await hearClock(context);
  if (skew !== null && believed(skew) === null)
    throw new CdrError(wrongClock(skew), { account: settings.id });
  const account = await readAccount(store, settings.id);
  if (account === null) return;
  // Without a second clock ours may be the one that is wrong: what days prove is left alone.
  const ahead = skew === null ? isWatermarkAhead(context, account) : await isAhead(context);
  if (!ahead) return;
  const now = believedNow(context);
  const watermark = await fenced(store, lease, async (trx) => {
    if (skew !== null) await reopen(trx, context, now);
    // An account whose first run had such a clock begins as if this were its first.
    const yesterday = clock.startOfDay(addDays(clock.dayOf(now), -1));
    const start = account.start_at > now ? yesterday : account.start_at;
    const history: Span = { from: start, to: now };
    const proven = await provenEnd(trx, context, history);
    const watermark = Math.min(account.watermark, Math.max(start, proven));
    // A window that waits from before would carry the watermark past what is read again.
    await dropLane(trx, settings.id, 'live');
    await updateAccount(trx, settings.id, { watermark, start_at: start });
    return watermark;
  });
  const words = 'a clock that was ahead had left the store ahead of the time; read again from';
  log.warn({ account: settings.id }, `${words} ${clock.format(watermark)}`);
}

/** One answer may tell a time that is none: that alone makes nothing doubtful. */
function believedNow({ client, skew }: RunContext): number {
  return Date.now() + Math.min(0, believed(client.skew()) ?? believed(skew) ?? 0);
}

function isWatermarkAhead(context: RunContext, { watermark }: AccountState): boolean {
  return watermark > believedNow(context) + JITTER;
}

async function isAhead(context: RunContext): Promise<boolean> {
  const { store, settings } = context;
  const account = await readAccount(store, settings.id);
  if (account === null) return false;
  if (isWatermarkAhead(context, account)) return true;
  const days = await readDays(store.db, settings.id);
  const beyondBelief = Date.now() + BELIEVABLE_SKEW;
  return days.some((day) => day.updated_at > beyondBelief || isGivenUpEarly(context, day));
}

/** Whether a day counts as out of reach that by now is not. */
function isGivenUpEarly(context: RunContext, { day, state }: LedgerDay): boolean {
  const { rules, clock } = context;
  if (state !== 'unreachable') return false;
  const horizon = rules.reach.horizon(believedNow(context));
  return horizon !== null && clock.startOfDay(day) > horizon + HORIZON_DOUBT + DAY;
}

/** Makes the days open again that a clock ahead has entered; those that are still to come are none. */
async function reopen(trx: StoreTransaction, context: RunContext, now: number): Promise<void> {
  const { settings, clock, rules } = context;
  const horizon = rules.reach.horizon(now) ?? Number.NEGATIVE_INFINITY;
  for (const day of await readDays(trx, settings.id)) {
    const from = clock.startOfDay(day.day);
    const to = clock.startOfDay(addDays(day.day, 1));
    const ahead = day.updated_at > Date.now() + JITTER;
    if (from > now) await dropDay(trx, settings.id, day.day);
    // What a person closed stays closed, and what cannot be had again stays as it is known.
    else if (ahead && (day.state === 'accepted' || to <= horizon))
      await saveDay(trx, { ...day, updated_at: Date.now() });
    else if (ahead || isGivenUpEarly(context, day))
      await saveDay(trx, newDay(context, { day: day.day, from, to }));
  }
}

/** The end of what is proven without a gap; of today nothing is. */
async function provenEnd(
  trx: StoreTransaction,
  { settings, clock }: RunContext,
  history: Span,
): Promise<number> {
  const ledger = new Map((await readDays(trx, settings.id)).map((day) => [day.day, day]));
  for (const { day, from } of daysOf(history, clock)) {
    const known = ledger.get(day);
    if (known === undefined) return from;
    // What is wrong with a day in question stands in the ledger, and is tried again by itself.
    if (known.state === 'open') return wholeSecond(Math.max(from, known.proven_to));
  }
  return clock.startOfDay(clock.dayOf(history.to));
}
