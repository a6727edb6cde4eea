import type { Identity, StoredCall } from './identity.ts';
import type { StoreTransaction } from './store.ts';

/** The stored calls that the rows of one page may be, found by any of their names. */
export interface CallIndex {
  readonly byName: Map<string, StoredCall[]>;
}

const COLUMNS = [
  'call_id',
  'native_id',
  'identity_key',
  'content_hash',
  'missing_since',
  'listed_exact',
  'erasure_id',
] as const;

/** The calls that carry one of these identities in any of the columns that hold one. */
export async function knownCalls(
  trx: StoreTransaction,
  accountId: string,
  identities: readonly { readonly call_id: string; readonly native_id: string | null }[],
): Promise<CallIndex> {
  const keys = [...new Set(identities.map(({ call_id }) => call_id))];
  const natives = new Set<string>();
  for (const { native_id } of identities) if (native_id !== null) natives.add(native_id);

  const calls = trx.selectFrom('calls').select(COLUMNS).where('account_id', '=', accountId);
  const found = new Map<string, StoredCall>();
  const keep = (rows: readonly StoredCall[]): void => {
    for (const row of rows) if (!found.has(row.call_id)) found.set(row.call_id, row);
  };
  keep(await calls.where('call_id', 'in', keys).execute());
  keep(
    await calls
      .where('identity_key', 'in', keys)
      // As the partial index has it; without these words it would not be used.
      .whereRef('identity_key', '<>', 'call_id')
      .execute(),
  );
  if (natives.size > 0) keep(await calls.where('native_id', 'in', [...natives]).execute());

  const index: CallIndex = { byName: new Map() };
  for (const call of found.values()) indexCall(index, call);
  return index;
}

export function indexCall({ byName }: CallIndex, call: StoredCall): void {
  for (const name of new Set([call.call_id, call.identity_key, call.native_id])) {
    if (name === null) continue;
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [call]);
    else if (!others.includes(call)) others.push(call);
  }
}

/** The few calls that could be the one of this identity. */
export function likely({ byName }: CallIndex, { key, nativeId }: Identity): readonly StoredCall[] {
  const byKey = byName.get(key) ?? [];
  const byNative = nativeId === null || nativeId === key ? [] : (byName.get(nativeId) ?? []);
  return byNative.length === 0 ? byKey : [...new Set([...byKey, ...byNative])];
}
