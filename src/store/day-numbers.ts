import { isoSeconds, type Span } from '../time.ts';
import { type Audit, auditsOf, type CallSums, sumCalls } from './audits.ts';
import { countQuarantined, type LedgerDay, readDay } from './days.ts';
import { engineOf } from './engine.ts';
import { type Hole, holesWithin } from './holes.ts';
import type { Store } from './store.ts';

/**
 * What the store holds of one provider-local day of an account, told apart by
 * all that makes one count of a day differ from another.
 */
export interface DayNumbers {
  /** First listed under the day, and not missing. */
  readonly listed: CallSums;
  /** Of the listed: fee rows (`is_call` false). */
  readonly fees: CallSums;
  /** Of the listed: how many started on an earlier and on a later day. */
  readonly startedBefore: number;
  readonly startedAfter: number;
  /** Of the listed: flagged `identity_conflict`, and how many of these go beyond one for each identity. */
  readonly conflicts: number;
  readonly conflictsBeyond: number;
  /** Of the listed: equal rows of a provider that gives no id, beyond the first of each. */
  readonly equalBeyond: number;
  /** Of the listed: listed by a window of several days alone, so that the day is a guess. */
  readonly guessed: number;
  /** Of the listed: when each was first seen, ISO 8601 UTC. */
  readonly firstSeen: readonly string[];
  /** Started on the day whatever day they are listed under: not missing, fee rows left out. */
  readonly started: CallSums;
  /** Started on the day, and listed under an earlier or a later one: fee rows included. */
  readonly listedBefore: number;
  readonly listedAfter: number;
  /** First listed under the day, and no longer listed by the provider. */
  readonly missing: number;
  /** Rows that do not parse, listed under the day and not resolved. */
  readonly quarantined: number;
  readonly holes: readonly Hole[];
  /** Null where the day was never read. */
  readonly ledger: LedgerDay | null;
  /** The oldest first. */
  readonly audits: readonly Audit[];
}

/** @param bounds the instants at which the day begins and ends by the account's zone. */
export async function readDayNumbers(
  store: Store,
  accountId: string,
  day: string,
  bounds: Span,
): Promise<DayNumbers> {
  const span = { from: isoSeconds(bounds.from), to: isoSeconds(bounds.to) };
  const rows = await store.db
    .selectFrom('calls')
    .select(DAY_COLUMNS)
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .execute();
  const others = await strayQuery(store, accountId, day, span).execute();
  const listed = rows.filter(({ missing_since }) => missing_since === null);
  const [conflicts, plain] = [listed.filter(isConflict), listed.filter((row) => !isConflict(row))];
  const onDay = listed.filter(({ started_at }) => started_at >= span.from && started_at < span.to);
  const audits = await auditsOf(store, accountId, day);
  return {
    listed: sumCalls(listed),
    fees: sumCalls(listed.filter(({ is_call }) => is_call === 0)),
    startedBefore: listed.filter(({ started_at }) => started_at < span.from).length,
    startedAfter: listed.filter(({ started_at }) => started_at >= span.to).length,
    conflicts: conflicts.length,
    conflictsBeyond: beyondFirst(conflicts),
    equalBeyond: beyondFirst(plain),
    guessed: listed.filter(({ listed_exact }) => listed_exact === 0).length,
    firstSeen: listed.map(({ first_seen_at }) => first_seen_at),
    started: sumCalls([...onDay, ...others].filter(({ is_call }) => is_call === 1)),
    listedBefore: others.filter(({ listed_on }) => listed_on < day).length,
    listedAfter: others.filter(({ listed_on }) => listed_on > day).length,
    missing: rows.length - listed.length,
    quarantined: await countQuarantined(store.db, accountId, day),
    holes: await holesWithin(store.db, accountId, bounds),
    ledger: await readDay(store.db, accountId, day),
    audits: audits.toReversed(),
  };
}

const DAY_COLUMNS = [
  'started_at',
  'listed_on',
  'listed_exact',
  'missing_since',
  'first_seen_at',
  'identity_key',
  'is_call',
  'flags',
  'talk_seconds',
  'cost',
  'currency',
] as const;

/** The calls that started in a span (ISO 8601 UTC) and are listed under another day. */
export function strayQuery(
  store: Store,
  accountId: string,
  day: string,
  { from, to }: { readonly from: string; readonly to: string },
) {
  return store.db
    .selectFrom('calls')
    .select(DAY_COLUMNS)
    .where('started_at', '>=', from)
    .where('started_at', '<', to)
    .where(engineOf(store.db).passedBy('account_id'), '=', accountId)
    .where('listed_on', '<>', day)
    .where('missing_since', 'is', null);
}

function isConflict({ flags }: { readonly flags: string }): boolean {
  return flags.includes('"identity_conflict"');
}

/** How many rows there are beyond one for each identity. */
function beyondFirst(rows: readonly { readonly identity_key: string }[]): number {
  return rows.length - new Set(rows.map(({ identity_key }) => identity_key)).size;
}
