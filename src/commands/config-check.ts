import { checkAccount } from '../check/check.ts';
import type { AccountCheck, DayTotal, Finding } from '../check/report.ts';
import { type Language, mapText } from '../codes/entry.ts';
import { loadConfig } from '../config/config.ts';
import { makeLog } from '../log.ts';
import { cleanWords, type Redactor, redactor } from '../redact.ts';
import { formatDuration, isoSeconds, SECOND, zoneClock } from '../time.ts';
import { retentionFindings } from './retention-check.ts';
import { chooseAccounts, type GlobalOptions } from './session.ts';
import { count } from './table.ts';
import { wrap, wrapLines } from './wrap.ts';

export interface ConfigCheckOptions {
  readonly account: readonly string[];
  /** Ask no provider. */
  readonly offline?: boolean;
}

/** Reads the configuration and asks each account's provider a few things; writes nothing. */
export async function configCheckCommand(
  globals: GlobalOptions,
  { account: ids, offline = false }: ConfigCheckOptions,
  signal: AbortSignal,
): Promise<number> {
  const config = loadConfig(globals.config, process.env);
  const chosen = new Set(chooseAccounts(config, ids).map(({ settings }) => settings.id));
  const redact = redactor(config.secrets);
  const pretty = process.stderr.isTTY === true;
  const log = await makeLog({ level: globals.logLevel ?? 'error', pretty, redact });
  const settings = { offline, log, redact, signal };
  const accounts = await Promise.all(
    config.accounts.filter(({ id }) => chosen.has(id)).map((one) => checkAccount(one, settings)),
  );
  const older = await retentionFindings(config, Date.now());
  const shown = accounts
    .map((check) => ({
      ...check,
      findings: [...check.findings, ...(older.get(check.account) ?? [])],
    }))
    .map((check) => cleaned(check, redact));
  process.stdout.write(
    globals.json
      ? `${JSON.stringify({ accounts: shown.map(documentOf) })}\n`
      : shown.map((check) => blockOf(check, globals.language)).join('\n'),
  );
  return accounts.some(({ state }) => state === 'problem') ? 1 : 0;
}

/** Not the whole text: a secret that is a number would spoil the document. */
function cleaned(check: AccountCheck, redact: Redactor): AccountCheck {
  const findings = check.findings.map((finding) => ({
    ...finding,
    message: redact(finding.message),
    hint: mapText(finding.hint, redact),
  }));
  // A provider that repeats what it was sent may do so anywhere.
  const currencies = check.currencies.map((currency) => cleanWords(currency, redact));
  return { ...check, base_url: redact(check.base_url), currencies, findings };
}

/** Hints are English for machines, in every locale. */
function documentOf(check: AccountCheck) {
  const findings = check.findings.map((finding) => ({ ...finding, hint: finding.hint.en }));
  return { ...check, findings };
}

function blockOf(check: AccountCheck, language: Language): string {
  const { account, provider, base_url, state, login, requests, currencies, findings } = check;
  const lines: readonly (readonly [name: string, value: string | null])[] = [
    [
      'login',
      requests === 0 ? null : `${login} (${requests} ${requests === 1 ? 'request' : 'requests'})`,
    ],
    ['clock', clockText(check.clock_skew_seconds)],
    ['newest call', newestText(check)],
    ['today', dayText(check.today)],
    ['yesterday', dayText(check.yesterday)],
    ['currencies', currencies.length === 0 ? null : currencies.join(', ')],
    ['history', historyText(check)],
    ['requests', loadText(check)],
  ];
  const shown = lines.flatMap(([name, value]) =>
    value === null ? [] : [`${wrap(value, `  ${name.padEnd(11)}  `)}\n`],
  );
  const head = `${account} (${provider}, ${base_url}): ${state}\n`;
  const told = findings.map((finding) => findingText(finding, language));
  return wrapLines([head, ...shown, ...told].join(''));
}

const MARKS = { problem: '!', warning: '?', notice: '·' } as const;

function findingText({ level, code, message, hint }: Finding, language: Language): string {
  return `  ${MARKS[level]} ${message} [${code}]\n    → ${hint[language]}\n`;
}

function clockText(skew: number | null): string | null {
  if (skew === null) return null;
  if (Math.abs(skew) < 2) return "the provider's and this machine's agree";
  const apart = formatDuration(Math.abs(skew) * SECOND);
  return `the provider's is ${apart} ${skew > 0 ? 'ahead of' : 'behind'} this machine's`;
}

function newestText({ newest_call_at, time_zone }: AccountCheck): string | null {
  if (newest_call_at === null) return null;
  const at = Date.parse(newest_call_at);
  const age = Date.now() - at;
  const when = age < 0 ? `in ${formatDuration(-age)}` : `${formatDuration(age)} ago`;
  return `${zoneClock(time_zone).format(at)} by ${time_zone}, ${when}`;
}

function dayText(total: DayTotal | null): string | null {
  if (total === null) return null;
  const rows = `${total.exact ? '' : 'at least '}${count(total.rows)} rows`;
  return `${total.day}: ${rows}; compare with the provider's console`;
}

function historyText({ history_from }: AccountCheck): string {
  if (history_from === null) return 'the provider documents no limit';
  const back = formatDuration(Date.now() - Date.parse(history_from));
  return `back to ${isoSeconds(Date.parse(history_from))} (${back})`;
}

function loadText({ requests_per_day: load, yesterday }: AccountCheck): string {
  const least = yesterday === null ? ', reckoned with one page a window' : '';
  const parts = `${count(load.polls)} polls, ${count(load.audits)} audits, ${count(load.other)} other`;
  return `about ${count(load.total)} a day at these settings: ${parts} (an estimate${least})`;
}
