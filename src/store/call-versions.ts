import type { Selectable } from 'kysely';
import type { StoredRecord } from './record-columns.ts';
import type { CallVersionsTable } from './schema.ts';
import type { Store } from './store.ts';

/** What a call was before a change. */
export interface CallVersion {
  readonly record: StoredRecord;
  /** Why it was replaced. */
  readonly change_reason: string;
  /** ISO 8601 UTC, to the millisecond. */
  readonly replaced_at: string;
}

/** What a call was before each of its changes, the oldest first. */
export async function readVersions(
  store: Store,
  current: VersionKey,
): Promise<readonly CallVersion[]> {
  const [versions = []] = await readVersionsOf(store, [current]);
  return versions;
}

/** The same for some calls, in their order. */
export async function readVersionsOf(
  store: Store,
  calls: readonly VersionKey[],
): Promise<readonly (readonly CallVersion[])[]> {
  const changed = Map.groupBy(
    calls.filter(({ version }) => version > 1),
    ({ account_id }) => account_id,
  );
  const found = new Map<string, Map<string, CallVersion[]>>();
  for (const [accountId, some] of changed) {
    const ids = some.map(({ call_id }) => call_id);
    const versions = (await versionsQuery(store, accountId, ids).execute()).map(versionOf);
    found.set(
      accountId,
      Map.groupBy(versions, ({ record }) => record.call_id),
    );
  }
  return calls.map(({ account_id, call_id, version }) =>
    // The call may have been read before these, and have changed in between.
    (found.get(account_id)?.get(call_id) ?? []).filter(({ record }) => record.version < version),
  );
}

function versionOf(stored: Selectable<CallVersionsTable>): CallVersion {
  const { account_id, call_id, version, record, raw, change_reason, replaced_at } = stored;
  const columns: Omit<StoredRecord, 'account_id' | 'call_id' | 'version' | 'raw'> =
    JSON.parse(record);
  return {
    record: { ...columns, account_id, call_id, version, raw },
    change_reason,
    replaced_at,
  };
}

type VersionKey = Pick<StoredRecord, 'account_id' | 'call_id' | 'version'>;

export function versionsQuery({ db }: Store, accountId: string, callIds: readonly string[]) {
  return db
    .selectFrom('call_versions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('call_id', 'in', callIds)
    .orderBy('call_id')
    .orderBy('version');
}
