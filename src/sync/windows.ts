import type { Reach } from '../providers/provider.ts';
import { addDays, DAY, SECOND, type Span, wholeSecond, type ZoneClock } from '../time.ts';

/**
 * Which spans are to be walked: pure functions of the checkpoint and the clock.
 * All bounds are whole seconds, none lies where the wall clock repeats itself,
 * and none goes beyond what the provider serves.
 */

export interface WindowRules {
  readonly clock: ZoneClock;
  readonly reach: Reach;
  /** The most days that the account wants in a window; the provider may allow less. */
  readonly days: number;
}

export interface Plan {
  readonly windows: readonly Span[];
  /** The part of the wanted span that the provider no longer serves. */
  readonly unreachable: Span | null;
}

/** The end of what may be read now: both clocks have passed it by `settle`. */
export function settledNow(now: number, skew: number | null, settle: number): number {
  // `Date` counts whole seconds, so a skew below one is no skew.
  const provider = skew === null || Math.abs(skew) < SECOND ? now : now + skew;
  return wholeSecond(Math.min(now, provider) - settle);
}

/** What a poll reads: from behind the watermark to settled now, in windows. */
export function planPoll(
  checkpoint: { readonly startAt: number; readonly watermark: number },
  settings: { readonly lookback: number; readonly now: number; readonly until: number },
  rules: WindowRules,
): Plan {
  const from = Math.max(checkpoint.startAt, checkpoint.watermark - settings.lookback);
  return planSpan({ from, to: settings.until }, settings.now, rules);
}

/** A span as windows, oldest first: no gap, no overlap. */
export function planSpan(span: Span, now: number, rules: WindowRules): Plan {
  const { clock, reach } = rules;
  const to = clock.snap(wholeSecond(span.to));
  const wanted = snapDown(span.from, rules);
  const horizon = reach.horizon(now);
  // Up to the next whole second: rounding down would ask for what is no longer served.
  const oldest = horizon === null ? wanted : Math.ceil(horizon / SECOND) * SECOND;
  const from = Math.max(wanted, oldest);
  const unreachable =
    from > wanted && to > wanted ? { from: wanted, to: Math.min(from, to) } : null;
  return { windows: from < to ? cut({ from, to }, rules) : [], unreachable };
}

function snapDown(at: number, { clock, reach }: WindowRules): number {
  const whole = wholeSecond(at);
  return reach.wholeDays ? clock.startOfDay(clock.dayOf(whole)) : clock.snap(whole);
}

function cut(span: Span, rules: WindowRules): readonly Span[] {
  const windows: Span[] = [];
  let from = span.from;
  while (from < span.to) {
    const to = Math.min(windowEnd(from, rules), span.to);
    windows.push({ from, to });
    from = to;
  }
  return windows;
}

/** The last local midnight that a window from here may reach. */
function windowEnd(from: number, { clock, reach, days }: WindowRules): number {
  const day = clock.dayOf(from);
  const most = Math.max(1, Math.min(days, reach.maxDays));
  const end = clock.startOfDay(addDays(day, most));
  // Where a day of the span has 25 hours, so many calendar days are more than the provider's limit.
  if (most > 1 && end - from > reach.maxDays * DAY) return clock.startOfDay(addDays(day, most - 1));
  return end;
}

/** The two halves of a window; null where it cannot be asked for in parts. */
export function halve({ from, to }: Span, rules: WindowRules): readonly [Span, Span] | null {
  const middle = middleOf({ from, to }, rules);
  if (middle <= from || middle >= to) return null;
  return [
    { from, to: middle },
    { from: middle, to },
  ];
}

/** A window in about `parts` equal parts that join; null where it cannot be asked for in parts. */
export function divide(span: Span, parts: number, rules: WindowRules): readonly Span[] | null {
  if (parts < 2 || rules.reach.wholeDays) return null;
  const size = (span.to - span.from) / parts;
  const cuts = Array.from({ length: parts - 1 }, (_, index) =>
    rules.clock.snap(wholeSecond(span.from + size * (index + 1))),
  );
  const inside = [...new Set(cuts)].filter((at) => at > span.from && at < span.to);
  const bounds = [span.from, ...inside, span.to];
  const spans = bounds
    .slice(1)
    .map((to, index): Span => ({ from: bounds[index] ?? span.from, to }));
  return spans.length < 2 ? null : spans;
}

function middleOf({ from, to }: Span, { clock, reach }: WindowRules): number {
  const middle = wholeSecond((from + to) / 2);
  if (!reach.wholeDays) {
    // A middle inside a repeated stretch that begins the window falls back to its beginning.
    const tries = [middle, wholeSecond((middle + to) / 2), wholeSecond((middle + 3 * to) / 4)];
    return tries.map((at) => clock.snap(at)).find((at) => at > from) ?? from;
  }
  const midnight = clock.startOfDay(clock.dayOf(middle));
  return midnight > from ? midnight : clock.startOfDay(addDays(clock.dayOf(middle), 1));
}

/** The days of a zone's calendar that a span touches, with their bounds. */
export function daysOf(
  { from, to }: Span,
  clock: ZoneClock,
): readonly (Span & { readonly day: string })[] {
  const days: (Span & { readonly day: string })[] = [];
  let day = clock.dayOf(from);
  for (let start = clock.startOfDay(day); start < to; ) {
    const next = addDays(day, 1);
    const end = clock.startOfDay(next);
    days.push({ day, from: start, to: end });
    day = next;
    start = end;
  }
  return days;
}
