import type { BalanceTerm, DayBalance, ProviderNumber } from '../status/day-balance.ts';
import type { CallSums } from '../store/audits.ts';
import type { DayNumbers } from '../store/day-numbers.ts';
import { addDays, isoSeconds, type ZoneClock } from '../time.ts';
import { auditsText, costText } from './audits.ts';
import { count, table } from './table.ts';
import { COLUMNS, width, wrapLines } from './wrap.ts';

/** A day set against the provider's number, for a person. */

export interface ExplainedDay {
  readonly account: string;
  readonly provider: string;
  readonly day: string;
  readonly clock: ZoneClock;
  readonly numbers: DayNumbers;
  readonly balance: DayBalance;
}

export function explainText(explained: ExplainedDay): string {
  const { account, provider, day, clock, numbers } = explained;
  const { ledger, audits } = numbers;
  const state = ledger === null ? 'never read' : ledger.state;
  const accepted = ledger?.accepted_reason ?? null;
  return wrapLines(
    [
      `${account} (${provider}) on ${day}, ${clock.zone}: ${state}\n`,
      ...(accepted === null ? [] : [`accepted as it is: ${accepted}\n`]),
      `\n${sumsTable(numbers)}`,
      `\n${countsTable(numbers)}`,
      ...numbers.holes.map(
        ({ from_at, to_at, reason }) =>
          `\nhole ${isoSeconds(from_at)} to ${isoSeconds(to_at)}: ${reason}\n`,
      ),
      audits.length === 0 ? '\nno audit of the day is kept\n' : `\n${auditsText(audits, clock)}`,
      `\n${balanceText(explained)}`,
    ].join(''),
  );
}

function sumsTable({ listed, fees, started }: DayNumbers): string {
  const row = (name: string, { calls, talkSeconds, cost }: CallSums): readonly string[] => [
    name,
    count(calls),
    count(talkSeconds),
    costText(cost),
  ];
  return table(
    ['', 'rows', 'talk s', 'cost'],
    [
      row('listed under the day', listed),
      row('  of them fee rows (no calls)', fees),
      row('calls that started on the day', started),
    ],
  );
}

function countsTable(numbers: DayNumbers): string {
  const rows: readonly (readonly [string, number])[] = [
    ['listed under the day, started on an earlier one', numbers.startedBefore],
    ['listed under the day, started on a later one', numbers.startedAfter],
    ['started on the day, listed under an earlier one', numbers.listedBefore],
    ['started on the day, listed under a later one', numbers.listedAfter],
    ['listed under the day by a window of several (a guess)', numbers.guessed],
    ['in conflict over one identity (identity_conflict)', numbers.conflicts],
    ['  of them beyond one for each identity', numbers.conflictsBeyond],
    ['equal rows without an id, beyond the first of each', numbers.equalBeyond],
    ['missing: stored, no longer listed by the provider', numbers.missing],
    ['quarantined: listed, and not readable as calls', numbers.quarantined],
    ['repeats in the list that the last audit read', numbers.audits.at(-1)?.duplicates ?? 0],
  ];
  return table(
    ['what makes counts differ', 'rows'],
    rows.map(([name, number]) => [name, count(number)]),
  );
}

function balanceText({ account, day, clock, numbers, balance }: ExplainedDay): string {
  const { provider, terms, unexplained } = balance;
  const ask = `cdrsync verify --account ${account} --from ${day} --to ${addDays(day, 1)}`;
  if (provider === null) {
    return `The provider's number of the day is not known: it stated no total for the whole day.\n  → ${ask}\n`;
  }
  const told = provider.source === 'audit' ? 'by the audit of' : 'by a read no later than';
  const lines = [`The provider's number was told ${told} ${clock.format(provider.at)}.\n`];
  if (terms.some(({ code }) => code === 'stated_only') && numbers.holes.length > 0) {
    lines.push('What is stated and not listed may lie in the holes above.\n');
  }
  const repeats = numbers.audits.at(-1)?.duplicates ?? 0;
  if (terms.some(({ code, rows }) => code === 'stated_only' && rows > 0) && repeats > 0) {
    lines.push(`The list repeats ${count(repeats)} rows: the total may count them twice.\n`);
  }
  if (unexplained !== 0) {
    const few = unexplained > 0 ? 'fewer' : 'more';
    lines.push(
      `The store holds ${count(Math.abs(unexplained))} ${few} than what is known explains.\n  → ${ask}\n`,
    );
  }
  return `${lines.join('')}${sumText(balance, provider)}\n`;
}

/** The sum in one line, or a line for each term where that gets too long. */
function sumText({ terms, unexplained }: DayBalance, { kind, rows }: ProviderNumber): string {
  const number = kind === 'stated' ? 'provider total' : 'provider lists';
  const rest = unexplained === 0 ? [] : [`${signed(unexplained)} not explained`];
  const parts = [`${number} ${count(rows)} =`, ...terms.map(termText), ...rest];
  const line = parts.join(' ');
  return width(line) <= COLUMNS ? line : parts.join('\n  ');
}

function termText({ code, rows }: BalanceTerm): string {
  const words = {
    listed: 'stored under the day',
    quarantined: 'quarantined by then',
    arrived: 'stored since then',
    vanished: 'gone at once, none marked as missing yet',
    kept_elsewhere: 'listed here too, kept under the day that listed them first',
    unlisted: 'stored, not listed to the audit, which could not mark them',
    stated_only: rows > 0 ? 'stated by the provider, not in its list' : 'listed beyond the total',
  };
  return code === 'listed' ? `${count(rows)} ${words[code]}` : `${signed(rows)} ${words[code]}`;
}

function signed(rows: number): string {
  return rows < 0 ? `- ${count(-rows)}` : `+ ${count(rows)}`;
}
