import { formatBytes } from '../bytes.ts';
import { alarmHint } from '../codes/catalogue.ts';
import type { Language } from '../codes/entry.ts';
import { hintNames } from '../status/alarm.ts';
import type {
  AccountStatus,
  Alarm,
  BackfillStatus,
  StatusDocument,
  StoreStatus,
} from '../status/document.ts';
import { formatDuration, isoSeconds, SECOND, type ZoneClock, zoneClock } from '../time.ts';
import { count, narrowTable } from './table.ts';
import { wrapLines } from './wrap.ts';

/**
 * How everything stands, for somebody who was woken by it: a line an account,
 * what needs a person, what goes on, and the sum of it. Times are on the
 * account's wall clock, with their offset: its days are cut by it, and the
 * provider's console shows it. Logs and JSON have UTC.
 *
 * @param language of the hints.
 */
export function statusText(
  { generated_at, store, accounts }: StatusDocument,
  language: Language = 'en',
): string {
  const now = Date.parse(generated_at);
  const alarms = [
    ...store.alarms.map((alarm) =>
      alarmText({ account: null, alarm, clock: zoneClock('UTC'), now, language }),
    ),
    ...accounts.flatMap((account) =>
      account.alarms.map((alarm) =>
        alarmText({ account: account.account, alarm, clock: clockOf(account), now, language }),
      ),
    ),
  ];
  const remarks = accounts.flatMap((account) => remarksOf(account, now));
  return wrapLines(
    [
      `${headText(accounts, now)}\n${storeText(store)}\n`,
      accountsTable(accounts, now),
      ...(alarms.length === 0 ? [] : [`${alarms.length === 1 ? 'Alarm' : 'Alarms'}\n`, ...alarms]),
      ...(remarks.length === 0 ? [] : [remarks.join('')]),
      `${summary(accounts, store)}\n`,
    ].join('\n'),
  );
}

function clockOf({ time_zone }: AccountStatus): ZoneClock {
  return zoneClock(time_zone);
}

function headText(accounts: readonly AccountStatus[], now: number): string {
  const [zone, ...others] = new Set(accounts.map(({ time_zone }) => time_zone));
  if (zone === undefined || others.length > 0)
    return `Now ${isoSeconds(now)}; the times of each account are its own, with their offset.`;
  return `Now ${timeText(now, zoneClock(zone))}; all times are those of ${zone}.`;
}

function storeText({ path, bytes, disk }: StoreStatus): string {
  const { free_bytes, growth_bytes_per_day: growth } = disk;
  const parts = [
    bytes === null ? 'none yet' : formatBytes(bytes),
    ...(free_bytes === null ? [] : [`${formatBytes(free_bytes)} free on its disk`]),
    ...(growth === null ? [] : [`grows by ${formatBytes(growth)} a day`]),
    ...(disk.days_left === null || disk.days_left > 1000 ? [] : [`${disk.days_left} days left`]),
  ];
  return `Store ${path}: ${parts.join(', ')}.`;
}

function accountsTable(accounts: readonly AccountStatus[], now: number): string {
  const head = ['account', 'provider', 'behind', 'last run', 'in question', 'next poll'];
  const rows = accounts.map((status) => [
    status.account,
    status.provider,
    status.lag_seconds === null ? '-' : briefly(status.lag_seconds * SECOND),
    lastRunText(status, now),
    daysText(status),
    nextPollText(status, now),
  ]);
  return narrowTable(head, rows, 'provider');
}

function lastRunText({ running, last_run }: AccountStatus, now: number): string {
  if (last_run === null) return running ? 'running' : 'never';
  const { state, started_at, ended_at } = last_run;
  // Between two runs that a lease is held for, the last one has ended.
  if (running) return `running ${ended_at === null ? ago(started_at, now) : ''}`.trim();
  return `${state ?? 'unfinished'} ${ago(ended_at ?? started_at, now)} ago`;
}

function daysText({ days, days_in_question }: AccountStatus): string {
  const all = Object.values(days).reduce((sum, number) => sum + number, 0);
  return all === 0 ? '-' : `${days_in_question} of ${all} days`;
}

function nextPollText({ next_poll, running }: AccountStatus, now: number): string {
  if (running) return 'now';
  if (next_poll === null) return '-';
  const left = Date.parse(next_poll) - now;
  return left > 0 ? `in ${briefly(left)}` : `${briefly(-left)} late`;
}

interface Told {
  /** Null for an alarm of the store. */
  readonly account: string | null;
  readonly alarm: Alarm;
  readonly clock: ZoneClock;
  readonly now: number;
  readonly language: Language;
}

function alarmText({ account, alarm, clock, now, language }: Told): string {
  const { code, since, message, error } = alarm;
  const begun =
    since === null
      ? ''
      : `, since ${timeText(Date.parse(since), clock)} (${formatDuration(now - Date.parse(since))} ago)`;
  const told = error === null ? message : `${message} [${error}]`;
  const hint = hintText(account, alarm, language);
  return `! ${account ?? 'the store'}: ${code}${begun}\n  ${told}\n  → ${hint}\n`;
}

/** The document holds the English one, in which a failure speaks for itself; others are made by the codes. */
function hintText(account: string | null, alarm: Alarm, language: Language): string {
  const { code, day, error, hint } = alarm;
  if (language === 'en') return hint;
  const failure = error === null ? null : { code: error };
  return alarmHint(code, hintNames(account, day), failure)[language];
}

/** What goes on, and what a person has decided. */
function remarksOf(status: AccountStatus, now: number): readonly string[] {
  const { account, first_sync, running, watermark, pending_windows, backfills, accepted } = status;
  const clock = clockOf(status);
  const left = `${count(pending_windows)} windows left`;
  return [
    ...(first_sync && running && watermark !== null
      ? [`${account}: first sync, at ${timeText(Date.parse(watermark), clock)}, ${left}\n`]
      : []),
    ...retentionRemarks(status, clock),
    ...backfills.map((backfill) => `${account}: ${backfillText(backfill, clock, now)}\n`),
    ...accepted.map(({ day, reason }) => `${account}: ${day} was accepted as it is: ${reason}\n`),
  ];
}

/** Until it acts: then nothing can be taken back. */
function retentionRemarks(
  { account, retention_seconds, retention_state, retention_from }: AccountStatus,
  clock: ZoneClock,
): readonly string[] {
  if (retention_seconds === null || retention_state !== 'announced') return [];
  const when =
    retention_from === null
      ? '24 hours after the next poll'
      : `from ${timeText(Date.parse(retention_from), clock)} on`;
  const kept = formatDuration(retention_seconds * SECOND);
  return [
    `${account}: ${when}, calls older than ${kept} are overwritten; \`config check\` counts them\n`,
  ];
}

function backfillText(
  { from, to, state, finished_at, windows, windows_left }: BackfillStatus,
  clock: ZoneClock,
  now: number,
): string {
  const range = `backfill ${boundText(from, clock)} to ${boundText(to, clock)}`;
  if (finished_at !== null) return `${range} ended ${state} ${ago(finished_at, now)} ago`;
  if (windows_left === null) return `${range} waits for a worker (${count(windows)} windows)`;
  return `${range} has ${count(windows_left)} of ${count(Math.max(windows, windows_left))} windows left`;
}

/** A day, where it begins there. */
function boundText(iso: string, clock: ZoneClock): string {
  const at = Date.parse(iso);
  const day = clock.dayOf(at);
  return clock.startOfDay(day) === at ? day : timeText(at, clock);
}

function summary(accounts: readonly AccountStatus[], store: StoreStatus): string {
  const bad = accounts.filter(({ alarms }) => alarms.length > 0).length;
  const own =
    store.alarms.length === 0
      ? ''
      : bad === 0
        ? ', but the store needs you'
        : ', and the store needs you';
  const all = `${count(accounts.length)} account${accounts.length === 1 ? '' : 's'}`;
  if (bad === 0) return `${all}, all well${own}`;
  return `${count(bad)} of ${all} need${bad === 1 ? 's' : ''} you${own}`;
}

/** `2026-11-03 10:00 +08:00`. */
function timeText(at: number, clock: ZoneClock): string {
  return `${clock.format(at).slice(0, 16)} ${clock.formatWithOffset(at).slice(19)}`;
}

function ago(iso: string, now: number): string {
  return briefly(Math.max(0, now - Date.parse(iso)));
}

/** `9m 59s`, `12m`, `3h 5m`, `40d`: the second unit only while the first is small. */
function briefly(ms: number): string {
  const [first = '', ...rest] = formatDuration(ms).split(' ');
  return Number.parseInt(first, 10) >= 10 ? first : [first, ...rest].join(' ');
}
