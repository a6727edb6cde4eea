import type { StoreTransaction } from './store.ts';

/** A row that cannot be a call record, kept as received. */
export interface QuarantinedRow {
  /** sha256 of the raw text. */
  readonly digest: string;
  readonly listedOn: string;
  readonly reason: string;
  readonly raw: string;
}

export async function quarantineRows(
  trx: StoreTransaction,
  accountId: string,
  rows: readonly QuarantinedRow[],
  now: number,
): Promise<void> {
  for (const { digest, listedOn, reason, raw } of rows) {
    await trx
      .insertInto('quarantine')
      .values({
        account_id: accountId,
        digest,
        listed_on: listedOn,
        reason,
        raw,
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'listed_on', 'digest'])
          .doUpdateSet({ reason, last_seen_at: now, resolved_at: null }),
      )
      .execute();
  }
}

/** A proven read of a whole day that began at `since` listed these rows no more: they are mended or gone. */
export async function resolveRows(
  trx: StoreTransaction,
  accountId: string,
  day: string,
  since: number,
): Promise<void> {
  await trx
    .updateTable('quarantine')
    .set({ resolved_at: Date.now() })
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('last_seen_at', '<', since)
    .where('resolved_at', 'is', null)
    .execute();
}
