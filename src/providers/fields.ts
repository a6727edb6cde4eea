import { z } from 'zod';
import type { CallFlag } from '../call.ts';
import { isRawNumber, type Json, type JsonObject, type RawNumber } from '../json.ts';
import { isoSeconds, SECOND, type ZoneClock } from '../time.ts';

/**
 * The field types that all providers share. Their documents and their servers
 * disagree about types (an id is a number here and a string there), so each
 * reads both; an empty string is absent.
 */

/** A row that cannot be a call record. The message names the field and repeats no value. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem';
}

const rawNumber = z.custom<RawNumber>(isRawNumber, 'not a number');
const scalar = z.union([z.string(), z.number(), z.boolean(), rawNumber], 'neither text nor number');

function scalarText(value: string | number | boolean | RawNumber): string {
  return (isRawNumber(value) ? value.rawJSON : String(value)).trim();
}

/** Text or a number, as trimmed text; null where absent. */
export const text = scalar.nullish().transform((value): string | null => {
  const trimmed = value === null || value === undefined ? '' : scalarText(value);
  return trimmed === '' ? null : trimmed;
});

/** Text that must be there. */
export const requiredText = text.refine((value): value is string => value !== null, 'is missing');

/** A whole number; null where absent. Negative ones are for the mapping to judge. */
export const whole = text.transform((value, context): number | null => {
  if (value === null) return null;
  if (/^[+-]?\d{1,15}(?:\.0+)?$/.test(value)) return Number(value);
  context.addIssue('not a whole number');
  return z.NEVER;
});

/**
 * Money as a plain decimal string, digits as written but for zeros before them
 * and the sign of nothing, which no database's decimals keep; null where absent.
 * What has more than 99 digits before or behind its point is no money.
 */
export const money = text.transform((value, context): string | null => {
  if (value === null) return null;
  if (/^-?\d{1,99}(?:\.\d{1,99})?$/.test(value)) return canonicalDecimal(value);
  const plain = /^-?\d{0,99}\.?\d{1,99}(?:[eE][+-]?\d{1,2})?$/.test(value)
    ? plainDecimal(value)
    : null;
  if (plain !== null) return canonicalDecimal(plain);
  context.addIssue('not an amount of money');
  return z.NEVER;
});

/** `007.50` → `7.50`, `-0.00` → `0.00`. */
function canonicalDecimal(value: string): string {
  const trimmed = value.replace(/^(-?)0+(?=\d)/, '$1');
  return /^-[0.]+$/.test(trimmed) ? trimmed.slice(1) : trimmed;
}

/** `1e-7` → `0.0000001`, digit for digit. */
function plainDecimal(value: string): string {
  const [mantissa = '0', exponent = '0'] = value.toLowerCase().split('e');
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [units = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const point = units.length + Number(exponent);
  const digits = units + fraction;
  const padded =
    point <= 0 ? `${'0'.repeat(1 - point)}${digits}` : digits.padEnd(Math.max(point, 0), '0');
  const cut = point <= 0 ? 1 : point;
  const rest = padded.slice(cut);
  return sign + padded.slice(0, cut) + (rest === '' ? '' : `.${rest}`);
}

/** How what is read once, or once a page, is parsed: zod would compile a function for the schema first, which costs more. */
export const UNCOMPILED = { jitless: true } as const;

/**
 * The plain case of the field types above, without the schema: three quarters of
 * the time a row took went into that. What is not plain throws `NOT_PLAIN`, and
 * the schema, which stays the authority, has the word.
 */
export const NOT_PLAIN = new Error('not plain');

export function plainText(value: Json | undefined): string | null {
  if (typeof value === 'string') {
    const trimmed = value.trim();
    return trimmed === '' ? null : trimmed;
  }
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw NOT_PLAIN;
}

export function plainRequired(value: Json | undefined): string {
  const known = plainText(value);
  if (known === null) throw NOT_PLAIN;
  return known;
}

export function plainWhole(value: Json | undefined): number | null {
  // Minus zero is zero.
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e15)
    return value + 0;
  const known = plainText(value);
  if (known === null) return null;
  if (/^\d{1,15}$/.test(known)) return Number(known);
  throw NOT_PLAIN;
}

export function plainMoney(value: Json | undefined): string | null {
  const known = plainText(value);
  // As it is kept: no zero too many, and no sign, which may be that of nothing.
  if (known === null || /^(?:0|[1-9]\d{0,98})(?:\.\d{1,99})?$/.test(known)) return known;
  throw NOT_PLAIN;
}

/** For `catchall`: a field that the schema does not name, as received. */
export const received = z.custom<Json>();

/** The named business fields of a row as received, without those that say nothing. */
export function customFields(row: JsonObject, names: readonly string[]): JsonObject {
  const custom: Record<string, Json> = {};
  for (const name of names) {
    const value = row[name];
    if (value !== undefined && value !== null && value !== '') custom[name] = value;
  }
  return custom;
}

/**
 * The instant a time field names; null where it is absent.
 *
 * @throws RowProblem where it is there and names no time.
 */
export function readTime(
  clock: ZoneClock,
  field: string,
  value: string | null,
  flags: Set<CallFlag>,
): number | null {
  if (value === null) return null;
  const time = clock.parse(value);
  if (time === null) throw new RowProblem(`${field}: not a time`);
  if (time.ambiguous) flags.add('ambiguous_time');
  return time.at;
}

/** The same for the field without which there is no call. */
export function readStart(
  clock: ZoneClock,
  field: string,
  value: string | null,
  flags: Set<CallFlag>,
): number {
  const at = readTime(clock, field, value, flags);
  if (at === null) throw new RowProblem(`${field}: is missing`);
  return at;
}

/** Whole seconds from one instant to another; null, with the flag, where that is negative. */
export function secondsBetween(
  from: number | null,
  to: number | null,
  flags: Set<CallFlag>,
): number | null {
  if (from === null || to === null) return null;
  if (to >= from) return Math.round((to - from) / SECOND);
  flags.add('time_order');
  return null;
}

/** A duration as the provider states it; null, with the flag, where it is negative. */
export function statedSeconds(value: number | null, flags: Set<CallFlag>): number | null {
  if (value === null || value >= 0) return value;
  flags.add('time_order');
  return null;
}

/** A record's time, from an instant. */
export function timeText(at: number | null): string | null {
  return at === null ? null : isoSeconds(at);
}

/** The flags in one order, so that equal records are equal texts. */
export function flagList(flags: ReadonlySet<CallFlag>): readonly CallFlag[] {
  return flags.size === 0 ? NO_FLAGS : [...flags].sort();
}

const NO_FLAGS: readonly CallFlag[] = [];
