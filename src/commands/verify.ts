import type { Language } from '../codes/entry.ts';
import type { Config } from '../config/config.ts';
import { configError } from '../errors.ts';
import type { Surroundings, SyncAccount } from '../sync/account.ts';
import type { AccountReport, DayReport } from '../sync/report.ts';
import { leftAlone } from '../sync/unattended.ts';
import { type AuditWish, acceptDay, checkAcceptable, verifyAccount } from '../sync/verify.ts';
import { isDay, type ZoneClock } from '../time.ts';
import { explainCommand } from './explain.ts';
import { showProgress } from './progress.ts';
import { readInstant } from './ranges.ts';
import { reportExitCode, reportJson, reportText } from './reports.ts';
import { chooseAccounts, type GlobalOptions, openSession, openSessionStore } from './session.ts';
import { count, table } from './table.ts';

export interface VerifyOptions {
  readonly account: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly accept?: string;
  readonly reason?: string;
  /** A day to be explained from the store, without asking the provider. */
  readonly explain?: string;
}

/** Audits days against the provider, closes one as it is, or explains one. An audit without names keeps to pauses. */
export async function verifyCommand(
  globals: GlobalOptions,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<number> {
  const { explain, account, ...others } = options;
  if (explain !== undefined) {
    const alone = Object.values(others).every((value) => value === undefined);
    return explainCommand(globals, { day: explain, account, alone }, signal);
  }
  const session = await openSession(globals, signal);
  const accounts = chooseAccounts(session.config, account);
  const work = workOf(session.config, accounts, options);
  const store = await openSessionStore(session, 'existing');
  const progress = showProgress('verify', globals);
  let reports: readonly AccountReport[];
  try {
    if (options.accept !== undefined) {
      for (const { settings } of accounts)
        await checkAcceptable(store, settings.id, options.accept);
    }
    const around = { ...session, store, onProgress: progress.update };
    // Accepting a day asks nobody.
    const unattended = account.length === 0 && options.accept === undefined;
    const paused = unattended ? await leftAlone(accounts, around) : null;
    reports = await Promise.all(
      accounts.map((one) => paused?.get(one.settings.id) ?? work(one, around)),
    );
  } finally {
    progress.stop();
    await store.close();
  }
  const { json, language } = globals;
  process.stdout.write(json ? reportJson(reports) : verifyText(reports, language));
  // A day that somebody else's run kept from being accepted is not accepted.
  const skipped = options.accept !== undefined && reports.some(({ state }) => state === 'skipped');
  return skipped ? 1 : reportExitCode(reports);
}

type Work = (account: SyncAccount, around: Surroundings) => Promise<AccountReport>;

function workOf(config: Config, accounts: readonly SyncAccount[], options: VerifyOptions): Work {
  const { accept, reason } = options;
  if (accept === undefined) {
    if (reason !== undefined) throw configError('usage.accept', '--reason goes with --accept DAY');
    return (account, around) => verifyAccount(account, around, wishOf(config, account, options));
  }
  if (!isDay(accept) || reason === undefined || reason.trim() === '') {
    throw configError('usage.accept', '--accept takes a day, and --reason the reason');
  }
  if (accounts.length !== 1) {
    throw configError('usage.accept', '--accept closes a day of one account');
  }
  return (account, around) => acceptDay(account, around, { day: accept, reason });
}

function wishOf(
  config: Config,
  { settings, rules }: SyncAccount,
  { from, to }: VerifyOptions,
): AuditWish {
  if (from === undefined && to === undefined) {
    const ages = config.accounts.find(({ id }) => id === settings.id)?.audit ?? [];
    return { kind: 'due', ages };
  }
  const span = { from: bound(from, '--from', rules.clock), to: bound(to, '--to', rules.clock) };
  if (span.from >= span.to) throw configError('usage.range', '--from is not before --to');
  return { kind: 'range', span };
}

function bound(text: string | undefined, option: string, clock: ZoneClock): number {
  if (text !== undefined) return readInstant(option, text, clock);
  throw configError('usage.range', `${option} is missing`, {
    en: 'Give both --from and --to, or neither for the days that are due.',
    zh: '请同时给出 `--from` 和 `--to`；都不给则对账到期的日期。',
  });
}

function verifyText(reports: readonly AccountReport[], language: Language): string {
  const audited = reports.filter(({ days }) => days.length > 0);
  const nothing = audited.length === 0 && reportExitCode(reports) === 0;
  const days = nothing ? '\nNo day was due.\n' : audited.map(daysText).join('');
  return reportText(reports, language) + days;
}

/** A line for each day of an account, and below it what is rare. */
function daysText({ account, days }: AccountReport): string {
  const head = ['day', 'state', 'total', 'listed', 'stored', 'new', 'changed', 'missing'];
  const rows = table(head, days.map(dayRow)).trimEnd().split('\n');
  const [first = '', ...lines] = rows;
  const told = days.flatMap(({ quarantined }, index) => [
    lines[index] ?? '',
    ...(quarantined === 0 ? [] : [`  ${count(quarantined)} quarantined`]),
  ]);
  return `\n${account}\n${[first, ...told].join('\n')}\n`;
}

function dayRow(day: DayReport): readonly string[] {
  const known = (value: number | null): string => (value === null ? '-' : count(value));
  return [
    day.day,
    day.state,
    known(day.provider_total),
    known(day.listed),
    ...[day.stored, day.new, day.changed, day.missing].map(count),
  ];
}
