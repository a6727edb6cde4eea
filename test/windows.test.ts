import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reach } from '../src/providers/provider.ts';
import {
  daysOf,
  divide,
  halve,
  planPoll,
  planSpan,
  settledNow,
  type WindowRules,
} from '../src/sync/windows.ts';
import {
  addDays,
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  type Span,
  wholeSecond,
  zoneClock,
} from '../src/time.ts';

/**
 * The planner under every zone, limit and moment: whatever is planned must
 * cover what was wanted, once, and ask for nothing that the provider refuses.
 */

const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'America/Havana',
  'America/Santiago',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Pacific/Auckland',
] as const;

// Since 2013 no zone repeats a stretch that midnight lies in the middle of.
const FIRST = Date.UTC(2013, 0, 1);
const LAST = Date.UTC(2038, 0, 1);

/** The first instants at which a zone's offset is another, found day by day. */
function changesOf(zone: string): readonly number[] {
  const { format } = zoneClock(zone);
  const offset = (at: number): number => Date.parse(`${format(at).replace(' ', 'T')}Z`) - at;
  const changes: number[] = [];
  for (let at = FIRST; at < LAST; at += 7 * DAY) {
    if (offset(at) === offset(at + 7 * DAY)) continue;
    let low = at;
    let high = at + 7 * DAY;
    while (high - low > SECOND) {
      const middle = wholeSecond((low + high) / 2);
      if (offset(middle) === offset(at)) low = middle;
      else high = middle;
    }
    changes.push(high);
  }
  return changes;
}

const CHANGES = new Map(ZONES.map((zone) => [zone, changesOf(zone)]));

/** An instant, often near a change of the zone's offset, not always a whole second. */
function momentOf(zone: (typeof ZONES)[number]): fc.Arbitrary<number> {
  const anywhere = fc.integer({ min: FIRST, max: LAST });
  const changes = CHANGES.get(zone) ?? [];
  if (changes.length === 0) return anywhere;
  const near = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * HOUR, max: 30 * HOUR }))
    .map(([change, away]) => change + away);
  const within = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -2 * HOUR, max: 2 * HOUR }))
    .map(([change, away]) => change + away);
  return fc.oneof(anywhere, near, within);
}

/** A span long enough for several windows, or shorter than one, or empty, or backwards. */
const length = fc.oneof(
  fc.integer({ min: -HOUR, max: 3 * HOUR }),
  fc.integer({ min: 0, max: 4 * DAY }),
  fc.integer({ min: 0, max: 120 * DAY }),
);

interface Situation {
  readonly zone: (typeof ZONES)[number];
  readonly rules: WindowRules;
  readonly span: Span;
  readonly now: number;
}

const anySituation: fc.Arbitrary<Situation> = fc.constantFrom(...ZONES).chain((zone) =>
  fc
    .record({
      start: momentOf(zone),
      length,
      maxDays: fc.integer({ min: 1, max: 31 }),
      days: fc.integer({ min: 1, max: 40 }),
      wholeDays: fc.boolean(),
      // How long ago the provider's memory ends, counted from a now that lies after the span.
      served: fc.option(fc.integer({ min: 0, max: 130 * DAY }), { nil: null }),
      later: fc.integer({ min: 0, max: 20 * DAY }),
    })
    .map(({ start, length: long, maxDays, days, wholeDays, served, later }) => {
      const reach: Reach = {
        maxDays,
        wholeDays,
        horizon: (at) => (served === null ? null : at - served),
      };
      return {
        zone,
        rules: { clock: zoneClock(zone), reach, days },
        span: { from: start, to: start + long },
        now: start + Math.max(0, long) + later,
      };
    }),
);

// Of instants none is simpler than another: a search for the simplest that fails would take minutes.
const situation = fc.noShrink(anySituation);

/** Where the wanted span begins, once it is rounded down to something that can be asked for. */
function wantedFrom(at: number, { clock, reach }: WindowRules): number {
  const whole = wholeSecond(at);
  return reach.wholeDays ? clock.startOfDay(clock.dayOf(whole)) : clock.snap(whole);
}

/** Whether the wall clock shows this second twice, and a second before it too. */
function isInsideRepeated({ clock }: WindowRules, at: number): boolean {
  const ambiguous = (instant: number): boolean =>
    clock.parse(clock.format(instant))?.ambiguous === true;
  return ambiguous(at) && ambiguous(at - SECOND);
}

describe('a plan', () => {
  test('covers what is wanted and still served, without gap or overlap', () => {
    let several = 0;
    fc.assert(
      fc.property(situation, ({ rules, span, now }) => {
        const { windows, unreachable } = planSpan(span, now, rules);
        const to = rules.clock.snap(wholeSecond(span.to));
        const wanted = wantedFrom(span.from, rules);
        const horizon = rules.reach.horizon(now);
        const from =
          horizon === null ? wanted : Math.max(wanted, Math.ceil(horizon / SECOND) * SECOND);
        if (windows.length > 1) several += 1;
        let at = from;
        for (const window of windows) {
          expect(window.from).toBe(at);
          expect(window.to).toBeGreaterThan(window.from);
          at = window.to;
        }
        expect(at).toBe(from < to ? to : from);
        // Nothing wanted falls between the windows and what is said to be out of reach.
        const cutOff = Math.min(from, to);
        expect(unreachable).toEqual(cutOff > wanted ? { from: wanted, to: cutOff } : null);
      }),
      { numRuns: 2000 },
    );
    expect(several).toBeGreaterThan(300);
  });

  test("asks for nothing beyond the provider's limits", () => {
    fc.assert(
      fc.property(situation, ({ rules, span, now }) => {
        const { clock, reach, days } = rules;
        const horizon = reach.horizon(now);
        for (const { from, to } of planSpan(span, now, rules).windows) {
          const first = clock.dayOf(from);
          const most = Math.min(days, reach.maxDays);
          expect(to).toBeLessThanOrEqual(clock.startOfDay(addDays(first, most)));
          if (horizon !== null) expect(from).toBeGreaterThanOrEqual(horizon);
          // A day of 25 hours is one day; of a limit of several days the hours count as well.
          if (reach.maxDays > 1) expect(to - from).toBeLessThanOrEqual(reach.maxDays * DAY);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('is cut at local midnights, as rarely as its limits allow', () => {
    fc.assert(
      fc.property(situation, ({ rules, span, now }) => {
        const { clock, reach, days } = rules;
        const { windows } = planSpan(span, now, rules);
        for (const { from, to } of windows.slice(0, -1)) {
          const day = clock.dayOf(to);
          expect(to).toBe(clock.startOfDay(day));
          const next = clock.startOfDay(addDays(day, 1));
          const most = clock.startOfDay(addDays(clock.dayOf(from), Math.min(days, reach.maxDays)));
          expect(next > most || next - from > reach.maxDays * DAY).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('has whole seconds as bounds, none inside a stretch that the clock repeats', () => {
    fc.assert(
      fc.property(situation, ({ rules, span, now }) => {
        const horizon = rules.reach.horizon(now);
        const { windows } = planSpan(span, now, rules);
        for (const bound of windows.flatMap(({ from, to }) => [from, to])) {
          expect(bound % SECOND).toBe(0);
          // The edge of what is served lies where it lies.
          const edge = horizon !== null && bound === Math.ceil(horizon / SECOND) * SECOND;
          if (!edge) expect(isInsideRepeated(rules, bound)).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    // 31 × 24 hours are one hour less than these 31 days.
    ['2026-10-15T00:00:00-04:00', '2026-12-01T00:00:00-05:00', 31, ['2026-11-14T05:00:00Z']],
    // A day shorter by an hour leaves 31 days within them.
    ['2026-03-01T00:00:00-05:00', '2026-04-10T00:00:00-04:00', 31, ['2026-04-01T04:00:00Z']],
    // Not begun at midnight: the hours fit again.
    ['2026-10-15T12:00:00-04:00', '2026-12-01T00:00:00-05:00', 31, ['2026-11-15T05:00:00Z']],
    ['2026-11-01T00:00:00-04:00', '2026-11-03T00:00:00-05:00', 1, ['2026-11-02T05:00:00Z']],
  ])('in New York from %s to %s by %d days is cut at %j', (from, to, maxDays, cuts) => {
    const reach: Reach = { maxDays, horizon: () => null, wholeDays: false };
    const rules = { clock: zoneClock('America/New_York'), reach, days: maxDays };
    const span = { from: Date.parse(from), to: Date.parse(to) };
    const { windows } = planSpan(span, span.to, rules);
    expect(windows.slice(0, -1).map(({ to: cut }) => cut)).toEqual(
      cuts.map((at) => Date.parse(at)),
    );
  });
});

describe('a window in two', () => {
  test('is two that join, each of them something, as near to its middle as may be', () => {
    fc.assert(
      fc.property(situation, ({ rules, span, now }) => {
        for (const window of planSpan(span, now, rules).windows.slice(0, 3)) {
          const halves = halve(window, rules);
          if (halves === null) continue;
          const [first, second] = halves;
          expect(first.from).toBe(window.from);
          expect(first.to).toBe(second.from);
          expect(second.to).toBe(window.to);
          expect(first.to).toBeGreaterThan(first.from);
          expect(second.to).toBeGreaterThan(second.from);
          expect(first.to % SECOND).toBe(0);
          expect(isInsideRepeated(rules, first.to)).toBe(false);
          const away = Math.abs(first.to - (window.from + window.to) / 2);
          expect(away).toBeLessThanOrEqual(rules.reach.wholeDays ? 26 * HOUR : 4 * HOUR + SECOND);
          if (rules.reach.wholeDays) {
            expect(first.to).toBe(rules.clock.startOfDay(rules.clock.dayOf(first.to)));
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('ends at one second, or at one day, or within a repeated stretch, and nowhere else', () => {
    fc.assert(
      fc.property(situation, fc.infiniteStream(fc.boolean()), ({ rules, span, now }, turns) => {
        const [start] = planSpan(span, now, rules).windows;
        if (start === undefined) return;
        let window: Span = start;
        let steps = 0;
        for (;;) {
          const halves = halve(window, rules);
          if (halves === null) break;
          window = turns.next().value === true ? halves[0] : halves[1];
          steps += 1;
          // Each step takes about half: a month has some 2^22 seconds.
          expect(steps).toBeLessThan(40);
        }
        const { clock, reach } = rules;
        if (reach.wholeDays) {
          const next = clock.startOfDay(addDays(clock.dayOf(window.from), 1));
          expect(window.to).toBeLessThanOrEqual(next);
          return;
        }
        const middle = wholeSecond((window.from + window.to) / 2);
        const unusable = clock.snap(middle) <= window.from && middle > window.from;
        expect(unusable || window.to - window.from === SECOND).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  test('is none of a second', () => {
    const reach: Reach = { maxDays: 31, horizon: () => null, wholeDays: false };
    const rules = { clock: zoneClock('Asia/Shanghai'), reach, days: 1 };
    const from = Date.parse('2026-10-01T08:00:00+08:00');
    expect(halve({ from, to: from + SECOND }, rules)).toBeNull();
    expect(halve({ from, to: from + 2 * SECOND }, rules)).toEqual([
      { from, to: from + SECOND },
      { from: from + SECOND, to: from + 2 * SECOND },
    ]);
    expect(halve({ from, to: from + 3 * SECOND }, rules)?.[0].to).toBe(from + SECOND);
  });
});

describe('a window in several parts', () => {
  test('is parts that join, of about the same length, or none', () => {
    const parts = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(situation, parts, ({ rules, span, now }, count) => {
        const [window] = planSpan(span, now, rules).windows;
        if (window === undefined) return;
        const divided = divide(window, count, rules);
        if (divided === null) {
          const size = (window.to - window.from) / count;
          const cut = rules.clock.snap(window.from + wholeSecond(size * (count - 1)));
          expect(rules.reach.wholeDays || count < 2 || cut <= window.from).toBe(true);
          return;
        }
        expect(divided.length).toBeGreaterThan(1);
        expect(divided.length).toBeLessThanOrEqual(count);
        let at = window.from;
        for (const { from, to } of divided) {
          expect(from).toBe(at);
          expect(to).toBeGreaterThan(from);
          expect(to % SECOND).toBe(0);
          expect(isInsideRepeated(rules, to) && to !== window.to).toBe(false);
          const size = (window.to - window.from) / count;
          // What would be cut in a repeated stretch is cut at its beginning.
          expect(to - from).toBeLessThan(size + SECOND + 4 * HOUR);
          at = to;
        }
        expect(at).toBe(window.to);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a poll', () => {
  const poll = fc.record({
    situation,
    lookback: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 * DAY })),
    // How far the watermark and the start lie before the end of what is settled.
    behind: fc.integer({ min: 0, max: 3 * DAY }),
    begun: fc.integer({ min: 0, max: 9 * DAY }),
  });

  test('reads again no more than the lookback, and leaves nothing out', () => {
    fc.assert(
      fc.property(poll, ({ situation: { rules, span, now }, lookback, behind, begun }) => {
        const { clock, reach } = rules;
        const until = span.to;
        const watermark = wholeSecond(until - behind);
        const startAt = wholeSecond(watermark - begun);
        const plan = planPoll({ startAt, watermark }, { lookback, now, until }, rules);
        const from = Math.max(startAt, watermark - lookback);
        // Rounded down to a second out of any repeated stretch, or to the day's beginning.
        const rounding = reach.wholeDays ? 26 * HOUR : 4 * HOUR;
        const first = plan.unreachable ?? plan.windows[0];
        if (first === undefined) {
          expect(clock.snap(wholeSecond(until))).toBeLessThanOrEqual(wantedFrom(from, rules));
          return;
        }
        expect(first.from).toBe(wantedFrom(from, rules));
        expect(first.from).toBeLessThanOrEqual(Math.min(from, watermark));
        expect(watermark - first.from).toBeLessThan(lookback + SECOND + rounding);
        const repeated = clock.parse(clock.format(from))?.ambiguous === true;
        if (!reach.wholeDays && !repeated) {
          expect(watermark - first.from).toBeLessThan(lookback + SECOND);
        }
        const end = plan.windows.at(-1) ?? plan.unreachable;
        expect(end?.to).toBe(clock.snap(wholeSecond(until)));
      }),
      { numRuns: 2000 },
    );
  });

  test('never reads what lies before the start', () => {
    const reach: Reach = { maxDays: 31, horizon: () => null, wholeDays: false };
    const rules = { clock: zoneClock('Asia/Shanghai'), reach, days: 1 };
    const startAt = Date.parse('2026-10-01T00:00:00+08:00');
    const until = startAt + HOUR;
    const settings = { lookback: 2 * HOUR, now: until, until };
    expect(planPoll({ startAt, watermark: startAt }, settings, rules).windows).toEqual([
      { from: startAt, to: until },
    ]);
  });

  test('has nothing to do while nothing more is settled', () => {
    const reach: Reach = { maxDays: 31, horizon: () => null, wholeDays: false };
    const rules = { clock: zoneClock('Asia/Shanghai'), reach, days: 1 };
    const startAt = Date.parse('2026-10-01T00:00:00+08:00');
    const settings = { lookback: 0, now: startAt, until: startAt };
    expect(planPoll({ startAt, watermark: startAt }, settings, rules)).toEqual({
      windows: [],
      unreachable: null,
    });
  });
});

describe('settled now', () => {
  test('is the last whole second that both clocks have passed by the time to settle', () => {
    const skew = fc.option(fc.integer({ min: -2 * DAY, max: 2 * DAY }), { nil: null });
    const near = fc.option(fc.integer({ min: -3000, max: 3000 }), { nil: null });
    fc.assert(
      fc.property(
        fc.integer({ min: FIRST, max: LAST }),
        fc.oneof(skew, near),
        fc.integer({ min: 0, max: HOUR }),
        (now, ahead, settle) => {
          const settled = settledNow(now, ahead, settle);
          expect(settled % SECOND).toBe(0);
          expect(settled).toBeLessThanOrEqual(now - settle);
          // A header of whole seconds cannot tell a difference below one.
          const behind = ahead === null || Math.abs(ahead) < SECOND ? 0 : Math.min(0, ahead);
          expect(settled).toBeLessThanOrEqual(now + behind - settle);
          expect(settled).toBeGreaterThan(now + behind - settle - SECOND);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    [null, '2026-10-01T00:59:00Z'],
    [0, '2026-10-01T00:59:00Z'],
    [-999, '2026-10-01T00:59:00Z'],
    [-30_000, '2026-10-01T00:58:30Z'],
    // A provider's clock that runs ahead settles nothing earlier than ours.
    [30_000, '2026-10-01T00:59:00Z'],
  ])('with a skew of %s ms', (skew, expected) => {
    const now = Date.parse('2026-10-01T01:00:00.400Z');
    expect(settledNow(now, skew, MINUTE)).toBe(Date.parse(expected));
  });
});

describe('the days of a span', () => {
  test('are all that it touches, one after the other', () => {
    fc.assert(
      fc.property(situation, ({ rules: { clock }, span: { from, to } }) => {
        const days = daysOf({ from, to }, clock);
        if (to <= from) return;
        expect(days[0]?.day).toBe(clock.dayOf(from));
        expect(days.at(-1)?.day).toBe(clock.dayOf(to - 1));
        for (const [index, day] of days.entries()) {
          expect(day.from).toBe(clock.startOfDay(day.day));
          expect(day.to).toBe(days[index + 1]?.from ?? clock.startOfDay(addDays(day.day, 1)));
          expect(day.to - day.from).toBeGreaterThanOrEqual(22 * HOUR);
          expect(day.to - day.from).toBeLessThanOrEqual(26 * HOUR);
        }
      }),
      { numRuns: 500 },
    );
  });
});
