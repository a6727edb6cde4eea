import { alarmHint, type PastFailure } from '../codes/catalogue.ts';
import type { HintNames } from '../codes/fill.ts';
import type { AccountConfig } from '../config/config.ts';
import type { AccountOverview } from '../store/overview.ts';
import type { Pause } from '../store/pauses.ts';
import { addDays, isoSeconds, type Span, type ZoneClock } from '../time.ts';
import type { AlarmCode } from './alarm-codes.ts';
import type { Alarm } from './document.ts';

/** What the alarms of an account are made of. */
export interface Subject {
  readonly config: AccountConfig;
  readonly known: AccountOverview;
  /** That of the login as it is configured now. */
  readonly pause: Pause | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface AlarmWords {
  readonly message: string;
  /** Null for an alarm of the store. */
  readonly account: string | null;
  /** Milliseconds since 1970; null where nothing tells. */
  readonly since: number | null;
  /** The oldest of the days that it is about. */
  readonly day?: string | null;
  /** That of the run behind it. */
  readonly failure?: PastFailure | null;
}

export function alarm(code: AlarmCode, words: AlarmWords): Alarm {
  const { message, account, since, day = null, failure = null } = words;
  return {
    code,
    message,
    // In the document it is English; other languages are made of the same values.
    hint: alarmHint(code, hintNames(account, day), failure).en,
    since: since === null ? null : isoSeconds(since),
    day,
    error: failure?.code ?? null,
  };
}

/** What the placeholders in the hint of an alarm stand for. */
export function hintNames(account: string | null, day: string | null): HintNames {
  return {
    ...(account === null ? {} : { ID: account }),
    ...(day === null ? {} : { DAY: day, NEXT: addDays(day, 1) }),
  };
}

/** `2026-11-03 10:00:00 to 10:05:00 +08:00`, on the account's wall clock. */
export function localSpan(clock: ZoneClock, { from, to }: Span): string {
  const [begin, end] = [clock.format(from), clock.format(to)];
  const same = clock.dayOf(from) === clock.dayOf(to);
  return `${begin} to ${same ? end.slice(11) : end} ${clock.formatWithOffset(to).slice(19)}`;
}

/** `1 row`, `3 rows`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`;
}
