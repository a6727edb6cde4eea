import type { AccountConfig } from '../config/config.ts';
import { planSpan, type WindowRules } from '../sync/windows.ts';
import { addDays, DAY, HOUR } from '../time.ts';
import type { Load } from './report.ts';
import type { Tally } from './survey.ts';

export type LoadSettings = Pick<
  AccountConfig,
  'connector' | 'clock' | 'every' | 'lookback' | 'windowDays' | 'audit'
>;

/**
 * About how many requests a day these settings come to: polls × their windows ×
 * pages, and audits × the pages of a day.
 *
 * @param day a whole day of the account; null where none was seen: then a window
 *   is reckoned with one page, which is the least.
 */
export function expectedLoad(settings: LoadSettings, day: Tally | null, now: number): Load {
  const { connector, clock, every, lookback, windowDays, audit } = settings;
  const { reach, login, dimensions } = connector;
  const rules = { clock, reach, days: windowDays };
  const daily = day?.rows ?? 0;
  const pages = (rows: number): number =>
    Math.max(1, Math.ceil(rows / (day?.pageSize ?? Infinity)));

  const polls = DAY / every;
  const span = lookback + every;
  const windows = meanWindows(span, rules, now);
  // A whole day is asked for whatever part of it is wanted.
  const each = reach.wholeDays ? daily : (daily * span) / DAY / windows;
  const signing = { now, nonce: '0', token: null };
  const logsIn = (login?.request(signing) ?? null) !== null;
  const logins = logsIn ? polls + audit.length : 0;

  const load = {
    polls: Math.round(polls * windows * pages(each)),
    audits: audit.length * pages(daily),
    other: Math.round(logins) + dimensions.length + 1,
  };
  return { total: load.polls + load.audits + load.other, ...load };
}

/** How many windows a poll has, on the mean over a day: more near midnight. */
function meanWindows(span: number, rules: WindowRules, now: number): number {
  const { clock } = rules;
  const midnight = clock.startOfDay(addDays(clock.dayOf(now), -1));
  const hours = Array.from({ length: 24 }, (_, hour) => midnight + hour * HOUR + HOUR / 2);
  const counts = hours.map((to) => planSpan({ from: to - span, to }, now, rules).windows.length);
  return Math.max(1, counts.reduce((sum, count) => sum + count, 0) / counts.length);
}
