import fc from 'fast-check';
import { DateTime, IANAZone } from 'luxon';
import { describe, expect, test } from 'vitest';
import {
  addDays,
  DAY,
  formatDuration,
  HOUR,
  isDay,
  isoMillis,
  isoSeconds,
  isZone,
  MINUTE,
  parseDuration,
  SECOND,
  wholeSecond,
  zoneClock,
} from '../src/time.ts';
import { plainDay, plainIso, plainOffset, plainWall } from '../src/wall-text.ts';

/**
 * Our own clock is a pattern and a table of offsets, for speed. Luxon is the
 * oracle: whatever it says of an instant, we must say.
 */

const ZONES = [
  'UTC',
  // Daylight saving time from 1940 to 1949 and from 1986 to 1991.
  'Asia/Shanghai',
  'America/New_York',
  'Europe/London',
  // Half an hour of daylight saving time.
  'Australia/Lord_Howe',
  // The clock jumps at midnight: days that begin at 01:00, and days whose first hour comes twice.
  'America/Havana',
  // A midnight that exists once, after an evening that came twice.
  'America/Asuncion',
  // A quarter of an hour, reached by a jump of fifteen minutes in 1986.
  'Asia/Kathmandu',
] as const;

// Before, some of these places kept a local mean time with seconds in it.
const FIRST = Date.UTC(1935, 0, 1);
const LAST = Date.UTC(2045, 0, 1);

const luxonOffset = (zone: string, at: number): number => IANAZone.create(zone).offset(at) * MINUTE;

/** Every change of a zone's offset, to the second, found with luxon alone. */
function changesOf(zone: string): readonly number[] {
  const changes: number[] = [];
  const step = 14 * DAY;
  let before = luxonOffset(zone, FIRST);
  for (let at = FIRST + step; at < LAST; at += step) {
    const after = luxonOffset(zone, at);
    if (after !== before) {
      let low = at - step;
      let high = at;
      while (high - low > SECOND) {
        const middle = wholeSecond((low + high) / 2);
        if (luxonOffset(zone, middle) === before) low = middle;
        else high = middle;
      }
      changes.push(high);
    }
    before = after;
  }
  return changes;
}

const CHANGES = new Map(ZONES.map((zone) => [zone, changesOf(zone)]));

const zone = fc.constantFrom(...ZONES);

/** Instants of a zone, half of them within hours of a change of its offset. */
const moment = zone.chain((name) => {
  const changes = CHANGES.get(name) ?? [];
  const anywhere = fc.integer({ min: FIRST, max: LAST });
  if (changes.length === 0) return fc.record({ zone: fc.constant(name), at: anywhere });
  const near = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -3 * HOUR, max: 3 * HOUR }))
    .map(([change, away]) => change + away);
  return fc.record({ zone: fc.constant(name), at: fc.oneof(anywhere, near) });
});

/** What a wall clock shows: `at` read as if it were UTC, near the changes of the zone too. */
const wall = moment.map(({ zone: name, at }) => ({
  zone: name,
  wall: wholeSecond(at + luxonOffset(name, at - DAY)),
}));

const luxonWall = (name: string, at: number): string =>
  DateTime.fromMillis(at, { zone: name }).toFormat('yyyy-MM-dd HH:mm:ss');

const textOf = (utc: number): string => new Date(utc).toISOString().slice(0, 19).replace('T', ' ');

/** All instants at which luxon shows this wall time, the earliest first. */
function instantsOf(name: string, wallTime: number): readonly number[] {
  const offsets = new Set<number>();
  for (let away = -36 * HOUR; away <= 36 * HOUR; away += 6 * HOUR) {
    offsets.add(luxonOffset(name, wallTime + away));
  }
  return [...offsets]
    .map((offset) => wallTime - offset)
    .filter((at) => luxonWall(name, at) === textOf(wallTime))
    .sort((a, b) => a - b);
}

const isRepeated = (name: string, at: number): boolean =>
  instantsOf(name, at + luxonOffset(name, at)).length > 1;

describe('an instant on a wall clock', () => {
  test('reads as luxon reads it', () => {
    fc.assert(
      fc.property(moment, ({ zone: name, at }) => {
        const clock = zoneClock(name);
        const luxon = DateTime.fromMillis(at, { zone: name });
        expect(clock.format(at)).toBe(luxon.toFormat('yyyy-MM-dd HH:mm:ss'));
        expect(clock.formatWithOffset(at)).toBe(luxon.toFormat("yyyy-MM-dd'T'HH:mm:ssZZ"));
        expect(clock.dayOf(at)).toBe(luxon.toISODate());
      }),
      { numRuns: 1500 },
    );
  });

  test('belongs to the day that begins where luxon says', () => {
    fc.assert(
      fc.property(moment, ({ zone: name, at }) => {
        const clock = zoneClock(name);
        const day = clock.dayOf(at);
        const start = clock.startOfDay(day);
        // Where midnight comes twice, which of the two luxon takes depends on today's offset.
        if (!isRepeated(name, start)) {
          expect(start).toBe(DateTime.fromISO(day, { zone: name }).startOf('day').toMillis());
        }
        // The first instant of the day, by luxon's calendar.
        expect(luxonWall(name, start).slice(0, 10)).toBe(day);
        expect(luxonWall(name, start - SECOND).slice(0, 10)).not.toBe(day);
      }),
      { numRuns: 1500 },
    );
  });

  test.each([
    ['America/Havana', '2026-03-08', '2026-03-08T05:00:00Z', '01:00:00'],
    ['America/Havana', '2026-11-01', '2026-11-01T04:00:00Z', '00:00:00'],
    ['America/Asuncion', '2024-03-24', '2024-03-24T04:00:00Z', '00:00:00'],
    ['Asia/Shanghai', '1989-04-16', '1989-04-15T16:00:00Z', '00:00:00'],
    ['Asia/Shanghai', '1991-07-01', '1991-06-30T15:00:00Z', '00:00:00'],
    ['UTC', '2026-02-28', '2026-02-28T00:00:00Z', '00:00:00'],
  ])('in %s: %s begins at %s, when the clock shows %s', (name, day, at, shown) => {
    const clock = zoneClock(name);
    expect(isoSeconds(clock.startOfDay(day))).toBe(at);
    expect(clock.format(Date.parse(at))).toBe(`${day} ${shown}`);
  });
});

describe('a wall time', () => {
  test('is the instant at which luxon shows it, the earlier of two with a flag', () => {
    fc.assert(
      fc.property(wall, ({ zone: name, wall: time }) => {
        const text = textOf(time);
        const instants = instantsOf(name, time);
        const parsed = zoneClock(name).parse(text);
        if (instants.length === 0) {
          const luxon = DateTime.fromSQL(text, { zone: name }).toMillis();
          // Nobody's clock showed it: luxon's way of reading it is as good as any, if it is kept.
          expect(parsed).toEqual({ at: luxon, ambiguous: false });
        } else {
          expect(parsed).toEqual({ at: instants[0], ambiguous: instants.length > 1 });
        }
      }),
      { numRuns: 1200 },
    );
  });

  test('comes back from what was formatted, unless it came twice', () => {
    fc.assert(
      fc.property(moment, ({ zone: name, at }) => {
        const clock = zoneClock(name);
        const parsed = clock.parse(clock.format(at));
        const expected = isRepeated(name, at) ? null : wholeSecond(at);
        expect(parsed?.ambiguous).toBe(expected === null);
        if (expected !== null) expect(parsed?.at).toBe(expected);
        expect(clock.parse(clock.formatWithOffset(at))).toEqual({
          at: wholeSecond(at),
          ambiguous: false,
        });
      }),
      { numRuns: 1500 },
    );
  });

  test.each([
    // Twice, half an hour apart and an hour apart.
    ['Australia/Lord_Howe', '2026-04-05 01:45:00', '2026-04-04T14:45:00Z', true],
    ['America/New_York', '2026-11-01 01:30:00', '2026-11-01T05:30:00Z', true],
    ['America/Havana', '2026-11-01 00:00:00', '2026-11-01T04:00:00Z', true],
    ['Asia/Shanghai', '1991-09-15 01:00:00', '1991-09-14T16:00:00Z', true],
    // The seconds around: once.
    ['America/New_York', '2026-11-01 00:59:59', '2026-11-01T04:59:59Z', false],
    ['America/New_York', '2026-11-01 02:00:00', '2026-11-01T07:00:00Z', false],
    // Never.
    ['America/New_York', '2026-03-08 02:30:00', '2026-03-08T07:30:00Z', false],
    ['Australia/Lord_Howe', '2026-10-04 02:15:00', '2026-10-03T15:45:00Z', false],
    // No daylight saving time any more.
    ['Asia/Shanghai', '1992-09-20 01:00:00', '1992-09-19T17:00:00Z', false],
    ['Asia/Kathmandu', '2026-01-01 05:45:00', '2026-01-01T00:00:00Z', false],
  ])('in %s: %s is %s', (name, text, at, ambiguous) => {
    expect(zoneClock(name).parse(text)).toEqual({ at: Date.parse(at), ambiguous });
  });

  test('may leave out its seconds, carry a fraction, and be written with a T', () => {
    const { parse } = zoneClock('Asia/Shanghai');
    const at = Date.parse('2026-10-01T00:00:00Z');
    const plain = (milliseconds: number) => ({ at: at + milliseconds, ambiguous: false });
    expect(parse('2026-10-01 08:00')).toEqual(plain(0));
    expect(parse('2026-10-01T08:00:00')).toEqual(plain(0));
    expect(parse('2026-10-01 08:00:00.5')).toEqual(plain(500));
    expect(parse('2026-10-01T08:00:00.123456789')).toEqual(plain(123));
  });

  test('keeps each of its milliseconds', () => {
    const { parse } = zoneClock('UTC');
    for (let count = 0; count < 1000; count += 1) {
      const fraction = String(count).padStart(3, '0');
      expect(parse(`2026-10-01 08:00:00.${fraction}`)?.at).toBe(
        Date.UTC(2026, 9, 1, 8, 0, 0, count),
      );
    }
  });

  test('of an impossible date or hour is none', () => {
    const pad = (value: number): string => String(value).padStart(2, '0');
    const part = (max: number) => fc.integer({ min: 0, max }).map(pad);
    const text = fc
      .tuple(fc.integer({ min: 1900, max: 2100 }), part(13), part(32), part(25), part(61), part(61))
      .map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d} ${h}:${mi}:${s}`);
    const { parse } = zoneClock('UTC');
    fc.assert(
      fc.property(text, (written) => {
        const luxon = DateTime.fromSQL(written, { zone: 'UTC' });
        expect(parse(written)).toEqual(
          luxon.isValid ? { at: luxon.toMillis(), ambiguous: false } : null,
        );
      }),
      { numRuns: 1200 },
    );
  });

  test.each([
    '',
    'null',
    '0000-00-00 00:00:00',
    '2026-02-29 10:00:00',
    '2026-04-31 10:00:00',
    '2026-13-01 10:00:00',
    '2026-10-01 24:00:01',
    '2026-10-01 24:01:00',
    '2026-10-01 10:60:00',
    '2026-10-01 10:00:60',
    '2026-10-01',
    '10:00:00',
    '2026/10/01 10:00:00',
    '2026-10-1 10:00:00',
    ' 2026-10-01 10:00:00',
    '2026-10-01 10:00:00 ',
    '2026-10-01 10:00:00 +08',
    '1790000000',
  ])('is none in %j', (text) => {
    expect(zoneClock('Asia/Shanghai').parse(text)).toBeNull();
  });

  test('of the hour 24 is the next midnight', () => {
    expect(zoneClock('Asia/Shanghai').parse('2026-10-01 24:00:00')?.at).toBe(
      Date.parse('2026-10-02T00:00:00+08:00'),
    );
  });
});

describe('a time with its offset', () => {
  test('is what luxon reads, whatever the zone of the clock', () => {
    const offset = fc
      .record({
        sign: fc.constantFrom('+', '-'),
        hours: fc.integer({ min: 0, max: 14 }),
        minutes: fc.constantFrom(0, 15, 30, 45),
        colon: fc.constantFrom(':', ''),
      })
      .map(({ sign, hours, minutes, colon }) => {
        const pad = (value: number): string => String(value).padStart(2, '0');
        return `${sign}${pad(hours)}${colon}${pad(minutes)}`;
      });
    fc.assert(
      fc.property(wall, fc.oneof(offset, fc.constant('Z')), ({ zone: name, wall: time }, given) => {
        const text = `${textOf(time)}${given}`;
        expect(zoneClock(name).parse(text)).toEqual({
          at: DateTime.fromISO(text.replace(' ', 'T')).toMillis(),
          ambiguous: false,
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('is not ambiguous even where the wall time is', () => {
    const { parse } = zoneClock('America/New_York');
    expect(parse('2026-11-01 01:30:00-05:00')).toEqual({
      at: Date.parse('2026-11-01T06:30:00Z'),
      ambiguous: false,
    });
  });
});

describe('snapping', () => {
  test('leaves an instant alone, or takes it to the beginning of its repeated stretch', () => {
    let repeated = 0;
    fc.assert(
      fc.property(moment, ({ zone: name, at: any }) => {
        const at = wholeSecond(any);
        const { snap } = zoneClock(name);
        const snapped = snap(at);
        expect(snapped).toBeLessThanOrEqual(at);
        expect(snap(snapped)).toBe(snapped);
        if (!isRepeated(name, at)) {
          expect(snapped).toBe(at);
          return;
        }
        repeated += 1;
        // From its beginning on the stretch is repeated, the second before it is not.
        expect(isRepeated(name, snapped)).toBe(true);
        expect(isRepeated(name, snapped - SECOND)).toBe(false);
        expect(isRepeated(name, Math.floor((snapped + at) / 2 / SECOND) * SECOND)).toBe(true);
        // Both showings of an hour are two hours at most.
        expect(at - snapped).toBeLessThan(2 * HOUR);
      }),
      { numRuns: 1200 },
    );
    // The generator does reach what the property is about.
    expect(repeated).toBeGreaterThan(30);
  });

  test.each([
    ['America/New_York', '2026-11-01T01:30:00-04:00', '2026-11-01T01:00:00-04:00'],
    ['America/New_York', '2026-11-01T01:30:00-05:00', '2026-11-01T01:00:00-04:00'],
    ['America/New_York', '2026-11-01T02:00:00-05:00', '2026-11-01T02:00:00-05:00'],
    ['America/New_York', '2026-11-01T00:59:59-04:00', '2026-11-01T00:59:59-04:00'],
    ['Australia/Lord_Howe', '2026-04-05T01:59:59+10:30', '2026-04-05T01:30:00+11:00'],
    ['America/Havana', '2026-11-01T00:59:59-05:00', '2026-11-01T00:00:00-04:00'],
    ['Asia/Shanghai', '2026-11-01T01:30:00+08:00', '2026-11-01T01:30:00+08:00'],
  ])('in %s: %s goes to %s', (name, at, expected) => {
    expect(zoneClock(name).snap(Date.parse(at))).toBe(Date.parse(expected));
  });
});

describe('a zone', () => {
  test.each(['UTC', 'Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe'])(
    'is known as %s',
    (name) => {
      expect(isZone(name)).toBe(true);
    },
  );

  test.each(['CST', 'Asia/Beijing', 'asia/shanghai', '+08:00', 'local', ''])(
    'is not known as %j',
    (name) => {
      expect(isZone(name)).toBe(false);
    },
  );
});

describe('a day', () => {
  test('is one on the calendar', () => {
    for (const day of ['2026-10-01', '2024-02-29', '0001-01-01']) expect(isDay(day)).toBe(true);
    const none = ['2026-02-29', '2026-13-01', '2026-10-32', '2026-1-1', '20261001', '2026-10-01T'];
    for (const text of none) expect(isDay(text)).toBe(false);
  });

  test('is so many days from another as luxon counts', () => {
    const instant = fc.integer({ min: FIRST, max: LAST });
    fc.assert(
      fc.property(instant, fc.integer({ min: -800, max: 800 }), (at, count) => {
        const day = DateTime.fromMillis(at, { zone: 'UTC' });
        expect(addDays(day.toFormat('yyyy-MM-dd'), count)).toBe(
          day.plus({ days: count }).toFormat('yyyy-MM-dd'),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('ISO text', () => {
  test('names the instant to the second or to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (at) => {
        expect(isoSeconds(at)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(Date.parse(isoSeconds(at))).toBe(wholeSecond(at));
        expect(Date.parse(isoMillis(at))).toBe(at);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a duration', () => {
  const unit = fc.constantFrom<readonly [string, number]>(
    ['ms', 1],
    ['s', SECOND],
    ['m', MINUTE],
    ['h', HOUR],
    ['d', DAY],
  );

  test('is its number of its unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 }), unit, (count, [name, size]) => {
        expect(parseDuration(`${count}${name}`)).toBe(count * size);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    '',
    '5',
    'm',
    '5 m',
    '-5m',
    '1.5h',
    '1h30m',
    '5M',
    '5min',
    '1w',
    '9999999999s',
    '5m ',
  ])('is none in %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test('is said in its two largest units, which read back as the same, less the rest', () => {
    const sizes = [DAY, HOUR, MINUTE, SECOND];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 * DAY }), (ms) => {
        const whole = Math.round(ms / SECOND) * SECOND;
        const parts = formatDuration(ms).split(' ');
        const read = parts.map((part) => parseDuration(part) ?? Number.NaN);
        const said = read.reduce((sum, part) => sum + part, 0);
        const largest = sizes.findIndex((size) => size <= whole);
        const smallest = sizes[Math.min(largest + 1, sizes.length - 1)] ?? SECOND;
        expect(parts.length).toBeLessThanOrEqual(2);
        expect(said).toBe(largest < 0 ? 0 : Math.floor(whole / smallest) * smallest);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [0, '0s'],
    [499, '0s'],
    [90 * SECOND, '1m 30s'],
    [2 * HOUR, '2h'],
    [27 * HOUR, '1d 3h'],
    [DAY + MINUTE, '1d'],
    [-5, '0s'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

/** The shortcuts of the plain case, against `Date`. */
describe('a plain time', () => {
  const first = Date.UTC(1969, 11, 30);
  const anyTime = fc.oneof(
    fc.integer({ min: first, max: Date.UTC(2101, 0, 1) }),
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.double({ min: first, max: Date.UTC(2101, 0, 1), noNaN: true }),
  );

  test('is written as Date writes it', () => {
    fc.assert(
      fc.property(anyTime, (at) => {
        const iso = new Date(at).toISOString();
        const written = plainIso(at);
        if (written !== null) expect(written).toBe(`${iso.slice(0, 19)}Z`);
        if (at >= 0 && at < Date.UTC(2100, 0, 1)) expect(written).not.toBeNull();
        expect(isoSeconds(at)).toBe(`${iso.slice(0, 19)}Z`);
        const day = plainDay(Math.floor(at / DAY));
        if (day !== null) expect(day).toBe(iso.slice(0, 10));
      }),
      { numRuns: 5000 },
    );
  });

  test('means what it says, digit by digit, and is left alone where a digit is none', () => {
    const character = fc.constantFrom(...'0123456789:-. TZ+x/\u0661');
    const change = fc.record({ at: fc.nat({ max: 25 }), to: character });
    const text = fc
      .tuple(
        anyTime,
        fc.constantFrom(' ', 'T'),
        fc.constantFrom('', 'Z', '+08:00', '-0330', '+19:00'),
      )
      .map(([at, between, offset]) => {
        const iso = new Date(at).toISOString();
        return `${iso.slice(0, 10)}${between}${iso.slice(11, 19)}${offset}`;
      });
    const bent = fc
      .tuple(text, fc.array(change, { maxLength: 2 }))
      .map(([whole, changes]) =>
        changes.reduce((now, { at, to }) => now.slice(0, at) + to + now.slice(at + 1), whole),
      );
    let plain = 0;
    fc.assert(
      fc.property(bent, (candidate) => {
        const at = plainWall(candidate);
        if (Number.isNaN(at)) return;
        plain += 1;
        expect(new Date(at).toISOString().slice(0, 19)).toBe(
          candidate.slice(0, 19).replace(' ', 'T'),
        );
        const offset = plainOffset(candidate, 19);
        if (candidate.length === 19 || Number.isNaN(offset)) return;
        const luxon = DateTime.fromISO(candidate.replace(' ', 'T'), { setZone: true });
        expect(at - offset).toBe(luxon.toMillis());
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });
});
