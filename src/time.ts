import { IANAZone } from 'luxon';
import { plainDay, plainIso, plainOffset, plainWall } from './wall-text.ts';

/**
 * Time on the hot path: five times a row, so luxon itself (three times slower
 * than the inserts it would feed) only supplies the zone's offsets, which are
 * kept for each quarter of an hour; the tests hold the results against luxon.
 *
 * An instant is a number: milliseconds since 1970 UTC. A day is a string:
 * `YYYY-MM-DD` on the calendar of some zone.
 */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A half-open span of instants. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface LocalTime {
  readonly at: number;
  /** The wall clock showed this twice; `at` is the first of the two. */
  readonly ambiguous: boolean;
}

/** The wall clock of one zone. */
export interface ZoneClock {
  readonly zone: string;
  /**
   * Reads `YYYY-MM-DD HH:mm[:ss[.fff]]` (a `T` will do), with or without an
   * offset; without one it is this zone's wall clock. Null where it names no time.
   */
  parse(text: string): LocalTime | null;
  /** `YYYY-MM-DD HH:mm:ss` on this wall clock. */
  format(at: number): string;
  /** `YYYY-MM-DDTHH:mm:ss+08:00`. */
  formatWithOffset(at: number): string;
  dayOf(at: number): string;
  startOfDay(day: string): number;
  /**
   * `at`, or the beginning of the repeated stretch of wall clock in which it
   * lies: a naive time in that stretch means two instants, so no request may
   * begin or end there.
   */
  snap(at: number): number;
}

const clocks = new Map<string, ZoneClock>();

export function zoneClock(zone: string): ZoneClock {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const clock = makeClock(zone);
  clocks.set(zone, clock);
  return clock;
}

/**
 * Whether the name is a time zone that means one thing to everybody: `CST` and
 * other abbreviations do not, and the sign of `Etc/GMT+8` is the reverse of what
 * it looks like. Both the old and the new name of a city will do.
 */
export function isZone(name: string): boolean {
  if (name === 'UTC') return true;
  if (!/^[A-Z][A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)+$/.test(name) || name.startsWith('Etc/GMT'))
    return false;
  return IANAZone.isValidZone(name);
}

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-](?:0\d|1[0-8]):?[0-5]\d)?$/;

function makeClock(zone: string): ZoneClock {
  const iana = IANAZone.create(zone);
  const offsets = new Map<number, number>();

  const offset = (at: number): number => {
    const quarter = Math.floor(at / (15 * MINUTE));
    const known = offsets.get(quarter);
    if (known !== undefined) return known;
    if (offsets.size > 50_000) offsets.clear();
    const value = iana.offset(quarter * 15 * MINUTE) * MINUTE;
    offsets.set(quarter, value);
    return value;
  };

  const local = (wall: number): LocalTime => {
    const before = offset(wall - DAY);
    const after = offset(wall + DAY);
    if (before === after) return { at: wall - before, ambiguous: false };
    const first = wall - before;
    const second = wall - after;
    const firstHolds = offset(first) === before;
    const secondHolds = offset(second) === after;
    if (firstHolds && secondHolds) return { at: Math.min(first, second), ambiguous: true };
    // A wall time that was skipped is read with the offset before the gap, as luxon does.
    return { at: secondHolds ? second : first, ambiguous: false };
  };

  const wallText = (at: number): string => new Date(at + offset(at)).toISOString();

  return {
    zone,
    parse(text) {
      const plain = plainWall(text);
      if (!Number.isNaN(plain)) {
        if (text.length === 19) return local(plain);
        const given = plainOffset(text, 19);
        if (!Number.isNaN(given)) return { at: plain - given, ambiguous: false };
      }
      const match = TIME.exec(text);
      if (match === null) return null;
      const wall = wallTime(match);
      if (wall === null) return null;
      const given = match[8];
      if (given === undefined) return local(wall);
      return { at: wall - givenOffset(given), ambiguous: false };
    },
    format: (at) => wallText(at).slice(0, 19).replace('T', ' '),
    formatWithOffset: (at) => wallText(at).slice(0, 19) + offsetText(offset(at)),
    dayOf: (at) => plainDay(Math.floor((at + offset(at)) / DAY)) ?? wallText(at).slice(0, 10),
    startOfDay: (day) => local(dayNumber(day)).at,
    snap(at) {
      const wall = at + offset(at);
      const { at: first, ambiguous } = local(wall);
      if (!ambiguous) return at;
      const repeated = offset(wall - DAY) - offset(wall + DAY);
      let low = first;
      let high = first + repeated;
      const early = offset(first);
      // Zones change at whole seconds; between two of them there is nothing to look for.
      low = wholeSecond(low);
      high = Math.ceil(high / SECOND) * SECOND;
      while (high - low > SECOND) {
        const middle = wholeSecond((low + high) / 2);
        if (offset(middle) === early) low = middle;
        else high = middle;
      }
      return high - repeated;
    },
  };
}

function wallTime(match: RegExpExecArray): number | null {
  const [, year, month, day, hour, minute, second = '0', fraction = '0'] = match.map(orZero);
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  if (y === undefined || mo === undefined || d === undefined) return null;
  if (h === undefined || mi === undefined || s === undefined) return null;
  if (h > 24 || mi > 59 || s > 59) return null;
  if (h === 24 && (mi > 0 || s > 0 || Number(fraction) > 0)) return null;
  const date = Date.UTC(y, mo - 1, d);
  const back = new Date(date);
  // `Date.UTC` takes the years 0 to 99 for 1900 to 1999, and rolls a 30th of February over.
  if (back.getUTCFullYear() !== y || back.getUTCMonth() !== mo - 1) return null;
  if (back.getUTCDate() !== d || y > 9998) return null;
  const milliseconds = Math.floor(Number(`0.${fraction}`) * 1000);
  return date + h * HOUR + mi * MINUTE + s * SECOND + milliseconds;
}

function orZero(part: string | undefined): string {
  return part ?? '0';
}

function givenOffset(text: string): number {
  if (text === 'Z') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  return sign * (Number(text.slice(1, 3)) * HOUR + Number(text.slice(-2)) * MINUTE);
}

function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / MINUTE;
  const pad = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${pad(minutes / 60)}:${pad(minutes % 60)}`;
}

/** Midnight UTC of a calendar day; NaN where the text is no day. */
function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? dayNumber(text) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** The calendar day `count` days after `day`. */
export function addDays(day: string, count: number): string {
  return new Date(dayNumber(day) + count * DAY).toISOString().slice(0, 10);
}

/** ISO 8601 UTC to the second, as records carry it. */
export function isoSeconds(at: number): string {
  return plainIso(at) ?? `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** ISO 8601 UTC to the millisecond, for the store's own bookkeeping. */
export function isoMillis(at: number): string {
  return new Date(at).toISOString();
}

/** The instant at the beginning of its second. */
export function wholeSecond(at: number): number {
  return Math.floor(at / SECOND) * SECOND;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', SECOND],
  ['m', MINUTE],
  ['h', HOUR],
  ['d', DAY],
]);

/** Milliseconds of `500ms`, `90s`, `5m`, `2h`, `1d`; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = UNITS.get(match?.[2] ?? '');
  return match?.[1] === undefined || unit === undefined ? null : Number(match[1]) * unit;
}

/** `2h`, `90s`, `1d 3h`: the two largest units, for people. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms / SECOND)) * SECOND;
  const parts: string[] = [];
  for (const [unit, size] of [...UNITS].reverse()) {
    if (size < SECOND || parts.length === 2) break;
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}
