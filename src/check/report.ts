import { type ErrorCode, type FindingCode, findingEntry } from '../codes/catalogue.ts';
import type { Level, Text } from '../codes/entry.ts';

/** What a check of one account tells: the elements of `accounts` in `config check --json`. */
export interface AccountCheck {
  readonly account: string;
  readonly provider: string;
  readonly base_url: string;
  /** `problem` where a finding of that level is among the findings. */
  readonly state: 'ok' | 'problem';
  /** `unknown` where no answer shows it, and with `--offline`. */
  readonly login: 'accepted' | 'refused' | 'unknown';
  /** Sent by this check. */
  readonly requests: number;
  /** The provider's clock minus ours; null where it sent none. */
  readonly clock_skew_seconds: number | null;
  readonly time_zone: string;
  /** ISO 8601 UTC, read by `time_zone`; null where no call was seen. */
  readonly newest_call_at: string | null;
  readonly today: DayTotal | null;
  readonly yesterday: DayTotal | null;
  /** Of the fees that were seen. */
  readonly currencies: readonly string[];
  /** The oldest instant that the provider still serves; null where it documents no limit. */
  readonly history_from: string | null;
  /** An estimate. */
  readonly requests_per_day: Load;
  readonly findings: readonly Finding[];
}

/** How many rows a provider-local day has, to compare with the provider's console. */
export interface DayTotal {
  readonly day: string;
  readonly rows: number;
  /** False: at least so many; the rest was not counted. */
  readonly exact: boolean;
}

/** Requests a day, whole numbers. */
export interface Load {
  readonly total: number;
  readonly polls: number;
  readonly audits: number;
  /** Logins, lists of names, and closing a day. */
  readonly other: number;
}

export interface Finding {
  readonly level: Level;
  /** That of a fault (`auth.rejected`), or of the check (`time_zone.future`). */
  readonly code: ErrorCode | FindingCode;
  readonly message: string;
  /** English in JSON. */
  readonly hint: Text;
}

/** @param hint more exact than that of the catalogue. */
export function finding(code: FindingCode, message: string, hint?: Text): Finding {
  const entry = findingEntry(code);
  return { level: entry.level, code, message, hint: hint ?? entry.hint };
}
