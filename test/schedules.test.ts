import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelay } from '../src/jobs/backend.ts';
import { auditTime, mayAudit } from '../src/jobs/due.ts';
import { outcomeOf } from '../src/jobs/outcome.ts';
import { queueName } from '../src/jobs/queues.ts';
import { difference, schedulesOf } from '../src/jobs/schedules.ts';
import { pauseFor } from '../src/sync/pause.ts';
import { DAY, HOUR, MINUTE, SECOND, zoneClock } from '../src/time.ts';

// What is decided without a queue: which schedules there are, when work is due, what a run means for its job.

const accounts = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
    every: fc.integer({ min: 1000, max: DAY }),
  }),
  { selector: ({ id }) => id, maxLength: 20 },
);

const NOW = Date.parse('2026-11-20T00:00:00Z');

function existing(wanted: ReturnType<typeof schedulesOf>, next = NOW + SECOND) {
  return wanted.map(({ id, every }) => ({ key: id, name: 'poll', every, next }));
}

describe('schedules', () => {
  it('are a poll for each account and the looks at the store', () => {
    fc.assert(
      fc.property(accounts, (list) => {
        const schedules = schedulesOf(list);
        expect(schedules.length).toBe(list.length + 3);
        expect(new Set(schedules.map(({ id }) => id)).size).toBe(schedules.length);
        for (const { id, every } of list) {
          const data = { kind: 'poll', account: id };
          expect(schedules).toContainEqual({ id: `poll-${id}`, every, data });
        }
      }),
    );
  });

  it('differ from those of the queue by exactly what is to be done', () => {
    fc.assert(
      fc.property(accounts, accounts, (before, after) => {
        const [old, wanted] = [schedulesOf(before), schedulesOf(after)];
        const { toMake, obsolete } = difference(wanted, existing(old), NOW);
        const kept = old.filter(({ id }) => !obsolete.includes(id));
        const result = new Map([...kept, ...toMake].map(({ id, every }) => [id, every]));
        expect(result).toEqual(new Map(wanted.map(({ id, every }) => [id, every])));
        // Nothing is touched that is right: a schedule that is made anew fires at once.
        for (const schedule of toMake) expect(old).not.toContainEqual(schedule);
      }),
    );
  });

  it('count as lost where their next tick is long overdue', () => {
    const wanted = schedulesOf([{ id: 'a', every: 5 * MINUTE }]);
    const late = (by: number) => difference(wanted, existing(wanted, NOW - by), NOW).toMake.length;
    expect(late(MINUTE)).toBe(0);
    expect(late(3 * MINUTE)).toBe(wanted.length);
    const without = wanted.map(({ id, every }) => ({ key: id, name: 'poll', every }));
    expect(difference(wanted, without, NOW).toMake.length).toBe(wanted.length);
    // Made by a clock that was ten days ahead.
    expect(late(-10 * DAY)).toBe(wanted.length);
    expect(late(-MINUTE)).toBe(0);
  });

  it('of two stores have queues of different names', () => {
    const [one, two] = [
      '0b6e2c1a-7f00-4000-8000-000000000000',
      '1b6e2c1a-7f00-4000-8000-000000000000',
    ];
    const names = new Set(
      [one, two].flatMap((id = '') => [queueName(id, 'live'), queueName(id, 'deep')]),
    );
    expect(names.size).toBe(4);
    // BullMQ refuses colons in names.
    for (const name of names) expect(name).not.toContain(':');
  });
});

describe('audits', () => {
  it('are due from shortly after the last day that is over for the lookback', () => {
    const zones = fc.constantFrom('Asia/Shanghai', 'UTC', 'America/New_York', 'Asia/Kathmandu');
    fc.assert(
      fc.property(
        zones,
        fc.integer({ min: 0, max: 2 * DAY }),
        fc.integer({ min: NOW - 300 * DAY, max: NOW + 300 * DAY }),
        (zone, lookback, now) => {
          const clock = zoneClock(zone);
          const at = auditTime(clock, lookback, now);
          expect(at).toBeLessThanOrEqual(now);
          // The day that ended before it is over, and no later one is.
          const midnight = at - lookback - 5 * MINUTE;
          expect(clock.startOfDay(clock.dayOf(midnight))).toBe(midnight);
          const next = clock.startOfDay(clock.dayOf(midnight + DAY + 12 * HOUR));
          expect(next + lookback + 5 * MINUTE).toBeGreaterThan(now);
        },
      ),
    );
  });

  it('happen once a day, and again an hour later after a failure or a mismatch', () => {
    const ended = (state: string | null, ago: number) => ({ state, started_at: NOW - ago });
    expect(mayAudit([], NOW)).toBe(true);
    expect(mayAudit([ended('ok', 59 * MINUTE)], NOW)).toBe(false);
    expect(mayAudit([ended('ok', HOUR)], NOW)).toBe(true);
    expect(mayAudit([ended('ok', 5 * HOUR), ended('ok', 7 * HOUR)], NOW)).toBe(false);
    expect(mayAudit([ended('failed', 59 * MINUTE), ended('failed', 3 * HOUR)], NOW)).toBe(false);
    expect(mayAudit([ended('failed', HOUR), ended('failed', 3 * HOUR)], NOW)).toBe(true);
    // One that was killed has no state.
    expect(mayAudit([ended(null, HOUR), ended('ok', 3 * HOUR)], NOW)).toBe(true);
    // Begun by a clock that was ahead.
    expect(mayAudit([ended('ok', -DAY)], NOW)).toBe(true);
  });
});

describe('what a run means for its job', () => {
  const error = (
    kind: 'transient' | 'rate_limited' | 'auth' | 'contract' | 'config' | 'store',
  ) => ({
    state: 'failed' as const,
    error: { class: kind, code: 'some.code', message: 'words', hint: '' },
  });

  it('is another attempt only where one may help', () => {
    expect(outcomeOf({ state: 'ok', error: null }).kind).toBe('done');
    expect(outcomeOf({ state: 'incomplete', error: null }).kind).toBe('done');
    expect(outcomeOf(error('transient')).kind).toBe('retry');
    expect(outcomeOf(error('store')).kind).toBe('retry');
    for (const kind of ['auth', 'contract', 'config'] as const)
      expect(outcomeOf(error(kind)).kind).toBe('failed');
  });

  it('is a wait where the provider told one, or somebody else holds the account', () => {
    expect(outcomeOf({ state: 'skipped', error: null })).toEqual({ kind: 'later', ms: 2000 });
    const limited = error('rate_limited');
    const told = { ...limited, error: { ...limited.error, retry_after_seconds: 90 } };
    expect(outcomeOf(told)).toEqual({ kind: 'later', ms: 90_000 });
    // What may be a mistake parks nobody for a century, and does not replace the growing pauses.
    const [far, none] = [3e9, 0].map((wait) =>
      outcomeOf({ ...limited, error: { ...limited.error, retry_after_seconds: wait } }),
    );
    expect(far).toEqual({ kind: 'later', ms: HOUR });
    expect(none?.kind).toBe('retry');
    expect(outcomeOf(limited).kind).toBe('retry');
  });
});

describe('pauses', () => {
  it('between attempts grow from 15 seconds to 15 minutes', () => {
    expect(retryDelay(1, 0.5)).toBe(15 * SECOND);
    expect(retryDelay(3, 0.5)).toBe(MINUTE);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, chance) => {
          expect(retryDelay(n, chance)).toBeGreaterThanOrEqual(12 * SECOND);
          expect(retryDelay(n, chance)).toBeLessThanOrEqual(18 * MINUTE);
          expect(retryDelay(n + 1, chance)).toBeGreaterThanOrEqual(retryDelay(n, chance));
        },
      ),
    );
    // So a provider that is down for a day is asked by about a hundred runs at the most.
    let [time, runs] = [0, 0];
    while (time < DAY) time += retryDelay(++runs, 0.5);
    expect(runs).toBeLessThan(110);
  });

  it('after refusals grow from five minutes to six hours', () => {
    expect([1, 2, 3, 7, 8, 100].map(pauseFor)).toEqual([
      5 * MINUTE,
      10 * MINUTE,
      20 * MINUTE,
      320 * MINUTE,
      6 * HOUR,
      6 * HOUR,
    ]);
  });
});
