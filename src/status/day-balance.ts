import type { DayNumbers } from '../store/day-numbers.ts';
import { isoMillis } from '../time.ts';

/** What the provider says a day has, and how what is stored comes to it. */
export interface DayBalance {
  /** Null where it never said: no total is stated, and the day was not read as a whole. */
  readonly provider: ProviderNumber | null;
  /** What adds up to the provider's number, those of no rows left out; empty where there is none. */
  readonly terms: readonly BalanceTerm[];
  /** The provider's number minus the sum of the terms. */
  readonly unexplained: number;
}

export interface ProviderNumber {
  /** `stated`: the total of its response; `listed`: it states none, so the rows of its list. */
  readonly kind: 'stated' | 'listed';
  readonly rows: number;
  /** Milliseconds since 1970: when it was so, at the latest. */
  readonly at: number;
  /** Whether an audit or another read of the whole day heard it. */
  readonly source: 'audit' | 'read';
}

export type BalanceTermCode =
  /** Stored under the day, and not missing. */
  | 'listed'
  /** In quarantine when the provider gave its number. */
  | 'quarantined'
  /** Stored since the provider gave its number. */
  | 'arrived'
  /** Gone from the list, so many at once that the audit marked none. */
  | 'vanished'
  /** Listed under this day too, and kept under the one that listed them first. */
  | 'kept_elsewhere'
  /** Stored, not in the list that the audit read, and not marked: it was not proven, or their day is a guess. */
  | 'unlisted'
  /** In the total that the provider states, and not in the list that it gives. */
  | 'stated_only';

export interface BalanceTerm {
  readonly code: BalanceTermCode;
  /** Negative for rows that the provider's number does not have. */
  readonly rows: number;
}

/** Sets the provider's number of a day against what is stored of it. */
export function balanceDay(numbers: DayNumbers): DayBalance {
  const base = baseOf(numbers);
  if (base === null) return { provider: null, terms: [], unexplained: 0 };
  const { provider, terms } = base;
  const since = isoMillis(provider.at);
  const arrived = numbers.firstSeen.filter((at) => at > since).length;
  const all: readonly BalanceTerm[] = [
    { code: 'listed', rows: numbers.listed.calls },
    ...terms,
    { code: 'arrived', rows: -arrived },
  ];
  return {
    provider,
    terms: all.filter(({ rows, code }) => rows !== 0 || code === 'listed'),
    unexplained: all.reduce((left, { rows }) => left - rows, provider.rows),
  };
}

interface Base {
  readonly provider: ProviderNumber;
  readonly terms: readonly BalanceTerm[];
}

/** The last audit, unless a later read of the whole day was told another total. */
function baseOf({ audits, ledger, quarantined }: DayNumbers): Base | null {
  const audit = audits.at(-1);
  const total = ledger?.provider_total ?? null;
  if (audit !== undefined && (audit.provider_total === total || total === null)) {
    const { listed, vanished, stored, audited_at } = audit;
    const rows = audit.provider_total ?? listed + audit.quarantined;
    // What the audit listed stands in the store, and what is stored and was not listed has not vanished unseen.
    const beyond = listed - (stored - vanished);
    return {
      provider: { ...kindOf(audit.provider_total), rows, at: audited_at, source: 'audit' },
      terms: [
        { code: 'quarantined', rows: audit.quarantined },
        { code: 'kept_elsewhere', rows: Math.max(0, beyond) },
        { code: 'vanished', rows: -vanished },
        { code: 'unlisted', rows: Math.min(0, beyond) },
        { code: 'stated_only', rows: rows - listed - audit.quarantined },
      ],
    };
  }
  const rows = total ?? ledger?.listed ?? null;
  if (ledger === null || rows === null) return null;
  return {
    provider: { ...kindOf(total), rows, at: ledger.updated_at, source: 'read' },
    terms: [
      { code: 'quarantined', rows: quarantined },
      // Quarantined rows count among those that a read listed.
      { code: 'stated_only', rows: rows - (ledger.listed ?? rows) },
    ],
  };
}

function kindOf(total: number | null): Pick<ProviderNumber, 'kind'> {
  return { kind: total === null ? 'listed' : 'stated' };
}
