import type { Row } from './messages.ts';

export interface Comparison {
  /** Rows that the providers list before each account's watermark. */
  readonly listed: number;
  readonly stored: number;
  readonly lacking: number;
  readonly surplus: number;
  /** Accounts that hold something else than their provider lists. */
  readonly wrong: readonly string[];
}

/**
 * Compares, by account, what the store holds with what the providers list, as
 * multisets of raw payloads: where a provider gives no ids, equal rows are
 * different calls. What is listed before the watermark must be stored; what is
 * stored must be listed somewhere, since a provider that answers with whole
 * days hands over calls that have not settled too.
 */
export function compare(
  rows: readonly Row[],
  stored: readonly Pick<Row, 'account' | 'raw'>[],
  watermarks: ReadonlyMap<string, number>,
  accounts: readonly string[],
): Comparison {
  const listedBy = Map.groupBy(rows, ({ account }) => account);
  const storedBy = Map.groupBy(stored, ({ account }) => account);
  const each = accounts.map((account) => {
    const all = listedBy.get(account) ?? [];
    const own = storedBy.get(account) ?? [];
    const settled = all.filter(({ at }) => at < (watermarks.get(account) ?? 0));
    const [lacking, surplus] = [without(settled, own), without(own, all)];
    // A world in which nothing is listed would prove nothing.
    const wrong = lacking > 0 || surplus > 0 || settled.length === 0;
    return { account, listed: settled.length, lacking, surplus, wrong };
  });
  const sum = (of: 'listed' | 'lacking' | 'surplus'): number =>
    each.reduce((total, one) => total + one[of], 0);
  return {
    listed: sum('listed'),
    stored: stored.length,
    lacking: sum('lacking'),
    surplus: sum('surplus'),
    wrong: each.filter(({ wrong }) => wrong).map(({ account }) => account),
  };
}

type Payload = Pick<Row, 'raw'>;

/** How many of the first rows have no partner among the second. */
function without(rows: readonly Payload[], others: readonly Payload[]): number {
  const left = new Map<string, number>();
  for (const { raw } of others) left.set(raw, (left.get(raw) ?? 0) + 1);
  return rows.filter(({ raw }) => {
    const count = left.get(raw) ?? 0;
    left.set(raw, count - 1);
    return count <= 0;
  }).length;
}
