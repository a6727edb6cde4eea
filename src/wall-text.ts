/**
 * The plain case of reading and writing times, digit by digit: five times a
 * row, regular expressions and `Date` took longer than the insert. A day's text
 * is the same for the thousands of rows of a page, so it is kept. Whatever is
 * not plain is left to `time.ts`, against which the tests hold this.
 */

const DAY_SECONDS = 86_400;
/** Years 1970 to 2099: nothing else is worth a shortcut. */
const LAST_DAY = 47_481;

const PAIRS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

const dayTexts = new Map<number, string>();
let lastDay = Number.NaN;
let lastDayText = '';

/** `YYYY-MM-DD` of a day counted from 1970; null where that is not plain. */
export function plainDay(day: number): string | null {
  if (day === lastDay) return lastDayText;
  if (!(day >= 0 && day <= LAST_DAY && Number.isInteger(day))) return null;
  let text = dayTexts.get(day);
  if (text === undefined) {
    text = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
    dayTexts.set(day, text);
  }
  lastDay = day;
  lastDayText = text;
  return text;
}

/** `HH:mm:ss` of a second of the day. */
export function clockText(second: number): string {
  const minutes = Math.floor(second / 60);
  const hours = Math.floor(minutes / 60);
  return `${PAIRS[hours]}:${PAIRS[minutes - hours * 60]}:${PAIRS[second - minutes * 60]}`;
}

/** `YYYY-MM-DDTHH:mm:ssZ`, the part of a second left out; null where the instant is not plain. */
export function plainIso(at: number): string | null {
  const seconds = Math.floor(at / 1000);
  const day = Math.floor(seconds / DAY_SECONDS);
  const date = plainDay(day);
  return date === null ? null : `${date}T${clockText(seconds - day * DAY_SECONDS)}Z`;
}

const ZERO = 48;

/** Two digits as a number; far below zero where they are none. */
function pair(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const units = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : -10_000;
}

const dayNumbers = new Map<number, number>();
let lastDigits = Number.NaN;
let lastNumber = 0;

/** Milliseconds from 1970 to a calendar day's midnight, by its digits; NaN where there is no such day. */
function midnight(digits: number): number {
  if (digits === lastDigits) return lastNumber;
  let at = dayNumbers.get(digits);
  if (at === undefined) {
    const year = Math.floor(digits / 10_000);
    const month = Math.floor(digits / 100) % 100;
    at = Date.UTC(year, month - 1, digits % 100);
    const text = plainDay(at / 1000 / DAY_SECONDS);
    if (text === null || Number(text.replaceAll('-', '')) !== digits) return Number.NaN;
    dayNumbers.set(digits, at);
  }
  lastDigits = digits;
  lastNumber = at;
  return at;
}

const DASH = 45;
const COLON = 58;
const SPACE = 32;
const T = 84;

/**
 * What `YYYY-MM-DD HH:mm:ss` or `…T…` at the beginning of a text means as a wall
 * clock, in milliseconds; NaN where it is not plain.
 */
export function plainWall(text: string): number {
  if (
    text.charCodeAt(4) !== DASH ||
    text.charCodeAt(7) !== DASH ||
    text.charCodeAt(13) !== COLON ||
    text.charCodeAt(16) !== COLON
  )
    return Number.NaN;
  const between = text.charCodeAt(10);
  if (between !== SPACE && between !== T) return Number.NaN;
  const hour = pair(text, 11);
  const minute = pair(text, 14);
  const second = pair(text, 17);
  const valid = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (!valid) return Number.NaN;
  const digits =
    pair(text, 0) * 1_000_000 + pair(text, 2) * 10_000 + pair(text, 5) * 100 + pair(text, 8);
  return midnight(digits) + (hour * 3600 + minute * 60 + second) * 1000;
}

/** Milliseconds that `Z` or `+08:00` at a place of a text stands for; NaN where it is not plain. */
export function plainOffset(text: string, at: number): number {
  if (text.length === at + 1) return text.charCodeAt(at) === 90 ? 0 : Number.NaN;
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return Number.NaN;
  const sign = text.charCodeAt(at);
  const hours = pair(text, at + 1);
  const minutes = pair(text, at + 4);
  const valid = hours >= 0 && hours <= 18 && minutes >= 0 && minutes < 60;
  if (!valid || (sign !== 43 && sign !== DASH)) return Number.NaN;
  return (sign === DASH ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
