import type { Selectable } from 'kysely';
import type { CallsTable } from './schema.ts';
import type { StoreTransaction } from './store.ts';

/** Keeps what a call was before a change, with the reason of the change. */
export async function keepVersion(
  trx: StoreTransaction,
  old: Selectable<CallsTable>,
  reason: 'provider' | 'push' | 'erasure',
  now: string,
): Promise<void> {
  const { raw, account_id, call_id, version, ...record } = old;
  await trx
    .insertInto('call_versions')
    .values({
      account_id,
      call_id,
      version,
      change_reason: reason,
      replaced_at: now,
      record: JSON.stringify(record),
      raw,
    })
    .execute();
}
