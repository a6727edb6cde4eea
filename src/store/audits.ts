import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import { sumDecimals } from '../decimal.ts';
import { takeSequence } from './change-seq.ts';
import type { AuditsTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** One audit of one day, as kept. */
export type Audit = Selectable<AuditsTable>;

export async function saveAudit(trx: StoreTransaction, audit: Audit): Promise<void> {
  await trx.insertInto('audits').values(audit).execute();
}

/** The audits of a day, the newest first. */
export async function auditsOf(
  store: Store,
  accountId: string,
  day: string,
): Promise<readonly Audit[]> {
  return store.db
    .selectFrom('audits')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('day', '=', day)
    .orderBy('audited_at', 'desc')
    .execute();
}

/** When each day of an account was audited last. */
export async function lastAudits(
  store: Store,
  accountId: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await store.db
    .selectFrom('audits')
    .select((eb) => ['day', eb.fn.max('audited_at').as('audited_at')])
    .where('account_id', '=', accountId)
    .groupBy('day')
    .execute();
  return new Map(rows.map(({ day, audited_at }) => [day, Number(audited_at)]));
}

/** The ids of the calls that were certainly first listed under a day, and are not marked as missing. */
export async function presentCalls(
  trx: StoreTransaction,
  accountId: string,
  day: string,
): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('calls')
    .select('call_id')
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('listed_exact', '=', 1)
    .where('missing_since', 'is', null)
    .execute();
  return rows.map(({ call_id }) => call_id);
}

/** Marks calls that the provider lists no more. They stay as they are otherwise. */
export async function markMissing(
  trx: StoreTransaction,
  accountId: string,
  callIds: readonly string[],
  since: string,
): Promise<void> {
  if (callIds.length === 0) return;
  const numbers = await takeSequence(trx, callIds.length);
  for (const [index, callId] of callIds.entries()) {
    await trx
      .updateTable('calls')
      .set({ missing_since: since, change_seq: numbers[index] })
      .where('account_id', '=', accountId)
      .where('call_id', '=', callId)
      .execute();
  }
}

export interface DaySums {
  readonly stored: number;
  readonly talkSeconds: number;
  /** Σ cost by currency; `unknown` where none is stated. */
  readonly cost: Readonly<Record<string, string>>;
  readonly digest: string;
}

/** What the store holds of a day, in sums that another copy can be compared with. */
export async function sumDay(
  trx: StoreTransaction,
  accountId: string,
  day: string,
): Promise<DaySums> {
  const rows = await trx
    .selectFrom('calls')
    .select(['call_id', 'content_hash', 'talk_seconds', 'cost', 'currency'])
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('missing_since', 'is', null)
    .execute();
  const hash = createHash('sha256');
  const lines = rows.map(({ call_id, content_hash }) => `${call_id}\0${content_hash}\n`);
  // By code unit and not by a database's collation, so that every store gives the same digest.
  for (const line of lines.sort()) hash.update(line);
  const { calls, ...sums } = sumCalls(rows);
  return { stored: calls, ...sums, digest: hash.digest('hex') };
}

export interface CallSums {
  readonly calls: number;
  /** Σ talk_seconds. */
  readonly talkSeconds: number;
  /** Σ cost by currency, exact; `unknown` where none is stated. */
  readonly cost: Readonly<Record<string, string>>;
}

/** What some calls are together. */
export function sumCalls(
  rows: readonly {
    readonly talk_seconds: number | null;
    readonly cost: string | null;
    readonly currency: string | null;
  }[],
): CallSums {
  const costs = Map.groupBy(
    rows.filter(({ cost }) => cost !== null),
    ({ currency }) => currency ?? 'unknown',
  );
  const sums = [...costs].map(([currency, priced]) => [
    currency,
    sumDecimals(priced.map(({ cost }) => cost ?? '0')),
  ]);
  return {
    calls: rows.length,
    talkSeconds: rows.reduce((sum, { talk_seconds }) => sum + (talk_seconds ?? 0), 0),
    cost: Object.fromEntries(sums),
  };
}
