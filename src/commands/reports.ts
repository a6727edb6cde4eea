import { QUESTIONABLE } from '../day-state.ts';
import type { AccountReport } from '../sync/report.ts';
import { count, table } from './table.ts';

/** How the outcome of a run over accounts is told. */

export function reportJson(accounts: readonly AccountReport[]): string {
  return `${JSON.stringify({ accounts })}\n`;
}

export function reportText(accounts: readonly AccountReport[]): string {
  const head = [
    'account',
    'state',
    'windows',
    'requests',
    'new',
    'changed',
    'unchanged',
    'quarantined',
    'holes',
  ];
  const rows = accounts.map((report) => [
    report.account,
    report.state,
    ...[
      report.windows,
      report.requests,
      report.inserted,
      report.changed,
      report.unchanged + report.duplicates,
      report.quarantined,
      report.holes,
    ].map(count),
  ]);
  return table(head, rows) + accounts.flatMap(remarks).join('');
}

function remarks(report: AccountReport): readonly string[] {
  const { account, error, held_by, days } = report;
  const lines: string[] = [];
  if (error !== null) lines.push(`\n${error.message} [${error.code}]\n  → ${error.hint}\n`);
  if (held_by !== null) lines.push(`\n${account}: skipped, because ${held_by} works on it\n`);
  const unproven = days.filter(({ state }) => QUESTIONABLE.includes(state));
  for (const { day, state, quarantined } of unproven.slice(0, 10)) {
    const rows = quarantined > 0 ? `, ${quarantined} rows in quarantine` : '';
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
