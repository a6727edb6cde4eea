import type { CallsTable } from './schema.ts';
import type { StoreTransaction } from './store.ts';

/** What a call was before a change, with the reason of the change. */
export interface KeptVersion {
  readonly old: CallsTable;
  readonly reason: 'provider' | 'push' | 'erasure';
}

/** SQLite takes 32,766 parameters a statement; a version has seven. */
const A_STATEMENT = 1000;

/** @param now ISO 8601 UTC, to the millisecond: when they were replaced. */
export async function keepVersions(
  trx: StoreTransaction,
  versions: readonly KeptVersion[],
  now: string,
): Promise<void> {
  for (let start = 0; start < versions.length; start += A_STATEMENT) {
    const rows = versions.slice(start, start + A_STATEMENT).map(({ old, reason }) => {
      const { raw, account_id, call_id, version, ...record } = old;
      return {
        ...{ account_id, call_id, version, change_reason: reason, replaced_at: now },
        ...{ record: JSON.stringify(record), raw },
      };
    });
    await trx.insertInto('call_versions').values(rows).execute();
  }
}
