import type { JsonObject } from '../json.ts';
import { DAY, HOUR, parseDuration } from '../time.ts';

/**
 * Patterns for the JSON Schema that editors read, which says only in patterns what the checks say
 * in code. They have no flags and no lookahead, which not every validator knows.
 */

/** What a text must look like, and what editors say of one that does not. */
export function shape(pattern: string, message: string): JsonObject {
  return { pattern, patternErrorMessage: message };
}

/** More digits than these are no duration. */
const DIGITS = 9;
const UNITS = ['ms', 's', 'm', 'h', 'd'] as const;

/** Durations from `least` to `most`. */
export function durationPattern(least: string, most: string): string {
  const [low, high] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  const alternatives = UNITS.flatMap((unit) => {
    const size = parseDuration(`1${unit}`) ?? 1;
    const last = Math.min(Math.floor(high / size), 10 ** DIGITS - 1);
    const first = Math.ceil(low / size);
    return first > last ? [] : [`${wholeNumbers(first, last)}${unit}`];
  });
  return `^0*(${alternatives.join('|')})$`;
}

/** Whole days from `least` to `most`, in days or hours; in smaller units only those in range. */
export function wholeDaysPattern(least: string, most: string): string {
  const [low, high] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  const days = Array.from({ length: (high - low) / DAY + 1 }, (_, index) => low / DAY + index);
  const hours = days.map((day) => (day * DAY) / HOUR).join('|');
  const alternatives = UNITS.map((unit) => {
    const size = parseDuration(`1${unit}`) ?? 1;
    const last = Math.min(high / size, 10 ** DIGITS - 1);
    return `(${unit === 'h' ? hours : wholeNumbers(low / size, last)})${unit}`;
  });
  return `^0*(${alternatives.join('|')})$`;
}

/** The whole numbers from `low` to `high`, without leading zeros. */
export function wholeNumbers(low: number, high: number): string {
  const [first, last] = [String(low), String(high)];
  const [least, most] = [first.length, last.length];
  if (least === most) return `(${ofOneLength(first, last).join('|')})`;
  const alternatives = [
    ...ofOneLength(first, '9'.repeat(least)),
    ...(most - least > 1 ? [`[1-9][0-9]{${least},${most - 2}}`] : []),
    ...ofOneLength(`1${'0'.repeat(most - 1)}`, last),
  ];
  return `(${alternatives.join('|')})`;
}

/** Alternatives for the numbers between two of one length. */
function ofOneLength(low: string, high: string): readonly string[] {
  const rest = low.length - 1;
  const [first, last] = [Number(low[0]), Number(high[0])];
  if (rest === 0) return [digits(first, last)];
  const [zeros, nines] = ['0'.repeat(rest), '9'.repeat(rest)];
  if (first === last) {
    return ofOneLength(low.slice(1), high.slice(1)).map((tail) => `${first}${tail}`);
  }
  const whole = { low: low.slice(1) === zeros, high: high.slice(1) === nines };
  const [from, to] = [whole.low ? first : first + 1, whole.high ? last : last - 1];
  return [
    ...(whole.low ? [] : ofOneLength(low, `${first}${nines}`)),
    ...(from > to ? [] : [`${digits(from, to)}[0-9]${rest === 1 ? '' : `{${rest}}`}`]),
    ...(whole.high ? [] : ofOneLength(`${last}${zeros}`, high)),
  ];
}

function digits(from: number, to: number): string {
  return from === to ? String(from) : `[${from}-${to}]`;
}
