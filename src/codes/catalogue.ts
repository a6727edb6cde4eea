import { ALARMS } from './alarms.ts';
import type { ANSWERS } from './answers.ts';
import { CONFIG_ERRORS } from './config.ts';
import { COPY_ERRORS } from './copy.ts';
import type { Entry, ErrorEntry, Family, FindingEntry, Text } from './entry.ts';
import { ERASE_ERRORS } from './erase.ts';
import { fillHint, type HintNames } from './fill.ts';
import { FINDINGS } from './findings.ts';
import { HTTP_ERRORS } from './http.ts';
import { PROVIDER_ERRORS, RESPONSE_ERRORS } from './provider.ts';
import { SETUP_ERRORS } from './setup.ts';
import { STORE_ERRORS } from './store.ts';
import { USAGE_ERRORS } from './usage.ts';

/**
 * Every code that cdrsync prints. They are stable: `--json`, logs, metrics and
 * the store hold them. A code without an entry does not compile.
 */

const ERRORS = {
  ...HTTP_ERRORS,
  ...PROVIDER_ERRORS,
  ...RESPONSE_ERRORS,
  ...STORE_ERRORS,
  ...COPY_ERRORS,
  ...ERASE_ERRORS,
  ...CONFIG_ERRORS,
  ...SETUP_ERRORS,
  ...USAGE_ERRORS,
};

/** The code of a failure. */
export type ErrorCode = keyof typeof ERRORS;
/** The code of a failure of class `config`. */
export type ConfigErrorCode = {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['class'] extends 'config' ? Code : never;
}[ErrorCode];
/** The code of an alarm; that of a failed run has its `ErrorCode` beside it. */
export type AlarmCode = keyof typeof ALARMS;
/** The code of a finding of its own; a request that fails is a finding under its `ErrorCode`. */
export type FindingCode = keyof typeof FINDINGS;
/** The code with which the worker's HTTP server refuses a request. */
export type AnswerCode = keyof typeof ANSWERS | 'http.token';

export function errorEntry(code: ErrorCode): ErrorEntry {
  return ERRORS[code];
}

export function findingEntry(code: FindingCode): FindingEntry {
  return FINDINGS[code];
}

/** What a failed run left of its error. */
export interface PastFailure {
  readonly code: string;
  /** What it said itself, in English: more exact than its code's. */
  readonly hint?: string;
}

/**
 * What an alarm asks of the operator, of what `names` tell.
 *
 * @param failure the one behind it, which asks first; a pause says all by itself.
 */
export function alarmHint(code: AlarmCode, names: HintNames, failure: PastFailure | null): Text {
  const { hint } = ALARMS[code];
  const first = failure === null || code === 'paused' ? null : pastHint(failure);
  const whole =
    first === null ? hint : { en: `${first.en} ${hint.en}`.trimStart(), zh: first.zh + hint.zh };
  return fillHint(whole, names);
}

function pastHint({ code, hint }: PastFailure): Text {
  const known = hintOf(code);
  return { en: hint ?? known?.en ?? '', zh: known?.zh ?? '' };
}

/** Errors, alarms and findings by their codes. */
export const ENTRIES: Family<Entry> = { ...FINDINGS, ...ALARMS, ...ERRORS };

/**
 * What a code that was stored, perhaps by another version, asks of the operator.
 *
 * @returns null for a code that this version does not know.
 */
export function hintOf(code: string): Text | null {
  return ENTRIES[code]?.hint ?? null;
}
