import { z } from 'zod';
import { printableLine } from '../redact.ts';
import type { Audit } from '../store/audits.ts';
import { formatDuration, isoMillis, SECOND, type ZoneClock } from '../time.ts';
import { count, table } from './table.ts';
import { wrapLines } from './wrap.ts';

/** How the audits of a day are told. */

/** What the JSON says of one audit: the columns as kept, the time ISO 8601 UTC, `cost` by currency. */
export function auditReport({ account_id: _account, audited_at, cost, ...numbers }: Audit) {
  return { ...numbers, audited_at: isoMillis(audited_at), cost: costOf(cost) };
}

const Costs = z.record(z.string(), z.string());

function costOf(json: string): Readonly<Record<string, string>> {
  return Costs.parse(JSON.parse(json));
}

/** A line for each audit, in the order given, and below it its sums; times on the account's clock. */
export function auditsText(audits: readonly Audit[], clock: ZoneClock): string {
  const head = ['audited', 'state', 'total', 'listed', 'stored', 'new', 'changed', 'missing'];
  const rows = audits.map((audit) => [
    clock.format(audit.audited_at).slice(0, 16),
    audit.state,
    audit.provider_total === null ? '-' : count(audit.provider_total),
    ...[audit.listed, audit.stored, audit.new, audit.changed, audit.missing].map(count),
  ]);
  const [first = '', ...lines] = table(head, rows).trimEnd().split('\n');
  const told = audits.flatMap((audit, index) => [lines[index] ?? '', ...sumLines(audit)]);
  return wrapLines(`${[first, ...told].join('\n')}\n`);
}

function sumLines({ talk_seconds, cost, digest, ...audit }: Audit): readonly string[] {
  const further = [
    ...(audit.vanished > 0 ? [`${count(audit.vanished)} gone, none marked`] : []),
    ...(audit.quarantined > 0 ? [`${count(audit.quarantined)} quarantined`] : []),
    ...(audit.duplicates > 0 ? [`${count(audit.duplicates)} listed twice`] : []),
    ...(audit.latest_seconds === null
      ? []
      : [`the latest new one ${formatDuration(audit.latest_seconds * SECOND)} late`]),
  ];
  return [
    `  talk ${count(talk_seconds)} s, cost ${costText(costOf(cost))}`,
    ...(further.length === 0 ? [] : [`  ${further.join(', ')}`]),
    `  sha256 ${digest}`,
  ];
}

/** `12.30 CNY, 0.5 USD`; `none` where nothing costs anything. */
export function costText(cost: Readonly<Record<string, string>>): string {
  const parts = Object.entries(cost).map(([currency, sum]) =>
    currency === 'unknown' ? `${sum} (no currency stated)` : `${sum} ${printableLine(currency)}`,
  );
  return parts.length === 0 ? 'none' : parts.sort().join(', ');
}
