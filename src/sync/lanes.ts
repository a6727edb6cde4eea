import { UNPROVEN } from '../day-state.ts';
import { CdrError } from '../errors.ts';
import { moveWatermark, readAccount, updateAccount } from '../store/accounts.ts';
import { daysInState } from '../store/days.ts';
import { type Hole, readHoles } from '../store/holes.ts';
import { fenced } from '../store/leases.ts';
import type { StoreTransaction } from '../store/store.ts';
import { addWindows, countWindows, type PendingWindow, readWindows } from '../store/windows.ts';
import { addDays, DAY, type Span } from '../time.ts';
import { believed, earlierNow, type RunContext } from './context.ts';
import { planHeard } from './hear-clock.ts';
import { isolate } from './isolate.ts';
import { enterUnreachable } from './ledger.ts';
import { type ReadAhead, readAhead } from './read-ahead.ts';
import { ASK_TODAY_AGAIN, leaveToday, leaveUnreachable } from './refusals.ts';
import { stepBack } from './step-back.ts';
import { walkWindow } from './walk.ts';
import { planPoll, planSpan, settledNow } from './windows.ts';

/**
 * The reasons for which windows are walked, one lane each. A lane's pending
 * windows are part of the checkpoint: what a run leaves, the next one finishes
 * before it plans more.
 */

/** From behind the watermark to settled now. */
export async function walkLive(context: RunContext): Promise<void> {
  await stepBack(context);
  await walkLane(context, 'live');
  const { settings, rules, clock } = context;
  const account = await readAccount(context.store, settings.id);
  if (account === null) return;
  const now = Date.now();
  // By what this run has seen itself: a difference stored before may be gone, and would keep it from asking.
  const settled = settledNow(now, believed(context.client.skew()), settings.settle);
  const refusedFor = (account.today_refused_until ?? 0) - now;
  // A longer refusal was noted by a clock that was ahead.
  const refused = refusedFor > 0 && refusedFor <= ASK_TODAY_AGAIN;
  const until = refused ? Math.min(settled, clock.startOfDay(clock.dayOf(now))) : settled;
  const plan = await planHeard(context, (at) =>
    planPoll(
      { startAt: account.start_at, watermark: account.watermark },
      { lookback: settings.lookback, now: at, until },
      rules,
    ),
  );
  await pend(context, 'live', plan.windows, plan.unreachable);
  await walkLane(context, 'live');
}

/** The span that opens when the configured `startAt` moves to an earlier instant. */
export async function walkEarlier(context: RunContext): Promise<void> {
  const { settings, rules, startAt, knownStart } = context;
  if (startAt < knownStart) {
    const span: Span = { from: startAt, to: knownStart };
    const plan = await planHeard(context, (at) => planSpan(span, at, rules));
    await pend(context, 'earlier', plan.windows, plan.unreachable, (trx) =>
      updateAccount(trx, settings.id, { start_at: startAt }),
    );
  }
  await walkLane(context, 'earlier');
}

/** The holes that are due for another try. */
export async function walkHoles(context: RunContext): Promise<void> {
  await walkLane(context, 'hole');
  const holes = await readHoles(context.store, context.settings.id);
  const now = Date.now();
  for (const hole of holes) {
    if (isLater(hole, now) || isOfThisRun(hole, context)) continue;
    const span: Span = { from: hole.from_at, to: hole.to_at };
    const plan = await planHeard(context, (at) => planSpan(span, at, context.rules));
    await pend(context, 'hole', plan.windows, plan.unreachable);
  }
  await walkLane(context, 'hole');
}

/** A try that is put off for longer than a day was put off by a clock that was ahead. */
function isLater({ next_try_at }: Hole, now: number): boolean {
  return next_try_at > now && next_try_at <= now + DAY;
}

/** One made by this run was walked three times just now. */
function isOfThisRun({ since }: Hole, { startedAt }: RunContext): boolean {
  return since >= startedAt && since <= Date.now();
}

/** The days that are over for the lookback and not proven since. */
export async function walkClosing(context: RunContext): Promise<void> {
  await walkLane(context, 'closing');
  const { settings, clock, store, rules } = context;
  const now = earlierNow(context);
  for (const day of await daysInState(store, settings.id, UNPROVEN)) {
    const end = clock.startOfDay(addDays(day.day, 1));
    if (end + settings.lookback > now || day.proven_to >= end) continue;
    const span: Span = { from: day.proven_to, to: end };
    const plan = await planHeard(context, (at) => planSpan(span, at, rules));
    await pend(context, 'closing', plan.windows, plan.unreachable);
  }
  await walkLane(context, 'closing');
}

/** Makes planned windows durable before the first of them is asked for, and whatever else belongs to the plan with them. */
export async function pend(
  context: RunContext,
  lane: string,
  windows: readonly Span[],
  unreachable: Span | null,
  also: (trx: StoreTransaction) => Promise<void> = async () => undefined,
): Promise<void> {
  const { store, lease, settings, log } = context;
  await fenced(store, lease, async (trx) => {
    await addWindows(trx, settings.id, lane, windows);
    await also(trx);
    if (unreachable === null) return;
    await enterUnreachable(trx, context, unreachable);
    if (lane === 'live') await moveWatermark(trx, settings.id, unreachable.to);
  });
  if (unreachable !== null) {
    const [from, to] = [
      context.clock.format(unreachable.from),
      context.clock.format(unreachable.to),
    ];
    log.warn({ account: settings.id }, `the provider no longer serves ${from} to ${to}`);
  }
}

interface LaneOptions {
  readonly walkers?: number;
  /** Asked after each window for what has to be done now, and done before the next one. */
  readonly between?: () => (() => Promise<void>) | null;
}

/**
 * Walks a lane's windows until none is left, a few at a time where that is
 * wanted. Where one fails, the others stop at their next window.
 */
export async function walkLane(
  context: RunContext,
  lane: string,
  { walkers = 1, between = () => null }: LaneOptions = {},
): Promise<void> {
  const { settings, store } = context;
  const busy = new Set<string>();
  const failures: unknown[] = [];
  const walker = async (ahead: ReadAhead): Promise<void> => {
    while (failures.length === 0) {
      context.signal.throwIfAborted();
      const { window, following } = await nextWindow(context, lane, busy, walkers);
      if (window === null) return;
      const day = context.clock.dayOf(window.from_at);
      busy.add(day);
      await walkOrGiveUp(context, window, ahead, following);
      busy.delete(day);
      const left = await countWindows(store, settings.id, lane);
      context.onProgress({ account: settings.id, pending: left, counts: context.counts });
      const due = between();
      if (due === null) continue;
      // What was read before it is older than what it reads.
      await ahead.drop();
      await due();
    }
  };
  const guarded = async (): Promise<void> => {
    const ahead = readAhead();
    try {
      await walker(ahead);
    } catch (error) {
      failures.push(error);
    } finally {
      await ahead.drop();
    }
  };
  await Promise.all(Array.from({ length: walkers }, guarded));
  if (failures.length > 0) throw failures[0];
}

interface NextWindow {
  readonly window: PendingWindow | null;
  /** The one after it, where one walker alone takes them. */
  readonly following: PendingWindow | null;
}

/**
 * The next window of a day on which no other walker is: the parts of a day are
 * to be proven in their order, which the ledger relies on.
 */
async function nextWindow(
  { store, settings, clock }: RunContext,
  lane: string,
  busy: ReadonlySet<string>,
  walkers: number,
): Promise<NextWindow> {
  if (walkers === 1) {
    const [window = null, following = null] = await readWindows(store, settings.id, lane, 2);
    return { window, following };
  }
  const pending = await readWindows(store, settings.id, lane, LOOK_AHEAD);
  const window = pending.find(({ from_at }) => !busy.has(clock.dayOf(from_at))) ?? null;
  return { window, following: null };
}

const LOOK_AHEAD = 1000;

async function walkOrGiveUp(
  context: RunContext,
  window: PendingWindow,
  ahead: ReadAhead,
  following: PendingWindow | null,
): Promise<void> {
  try {
    await walkWindow(context, window, ahead, following);
  } catch (error) {
    await ahead.drop();
    if (!(error instanceof CdrError)) throw error;
    const handled =
      (await leaveUnreachable(context, window, error.fault)) ||
      (await leaveToday(context, window, error.fault)) ||
      (await isolate(context, window, error.fault));
    if (!handled) throw error;
  }
}
