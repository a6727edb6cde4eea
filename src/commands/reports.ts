import type { Language } from '../codes/entry.ts';
import { QUESTIONABLE } from '../day-state.ts';
import { failureText, reportError } from '../errors.ts';
import type { AccountReport } from '../sync/report.ts';
import { count, narrowTable } from './table.ts';
import { wrapLines } from './wrap.ts';

/** How the outcome of a run over accounts is told. */

export function reportJson(accounts: readonly AccountReport[]): string {
  const told = accounts.map((report) => {
    const { error } = report;
    return { ...report, error: error === null ? null : reportError(error) };
  });
  return `${JSON.stringify({ accounts: told })}\n`;
}

/** @param language of the hints. */
export function reportText(accounts: readonly AccountReport[], language: Language): string {
  const head = ['account', 'state', 'windows', 'requests', 'new', 'changed', 'unchanged'];
  const rows = accounts.map((report) => [
    report.account,
    report.state,
    ...[
      report.windows,
      report.requests,
      report.inserted,
      report.changed,
      report.unchanged + report.duplicates,
    ].map(count),
  ]);
  const remarked = accounts.flatMap((report) => remarks(report, language)).join('');
  return narrowTable(head, rows) + wrapLines(remarked);
}

function remarks(report: AccountReport, language: Language): readonly string[] {
  const { account, error, held_by, days, holes, quarantined } = report;
  const lines: string[] = [];
  // Rare and grave, so said in words and not by a column of zeros.
  if (holes + quarantined > 0) {
    const rows = `${count(quarantined)} rows in quarantine`;
    lines.push(`\n${account}: ${count(holes)} spans not proven, ${rows}\n`);
  }
  if (error !== null) lines.push(`\n${failureText(error, language)}`);
  if (held_by !== null) lines.push(`\n${account}: skipped, because ${held_by} works on it\n`);
  const unproven = days.filter(({ state }) => QUESTIONABLE.includes(state));
  for (const { day, state, quarantined: own } of unproven.slice(0, 10)) {
    const rows = own > 0 ? `, ${own} rows in quarantine` : '';
    lines.push(`\n${account}: ${day} is ${state}${rows}\n`);
  }
  if (unproven.length > 10)
    lines.push(`\n${account}: and ${unproven.length - 10} more such days\n`);
  return lines;
}

/** 1 where some account failed or some day of this run is not proven. */
export function reportExitCode(accounts: readonly AccountReport[]): 0 | 1 {
  return accounts.some(({ state }) => state === 'failed' || state === 'incomplete') ? 1 : 0;
}
