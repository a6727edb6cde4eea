import { engineOf } from './engine.ts';
import type { Identity, StoredCall } from './identity.ts';
import type { StoreTransaction } from './store.ts';

/** The stored calls that the rows of one page may be, found by any of their names. */
export interface CallIndex {
  readonly byName: Map<string, StoredCall[]>;
}

/** The calls that carry one of these identities in any of the columns that hold one. */
export async function knownCalls(
  trx: StoreTransaction,
  accountId: string,
  identities: readonly { readonly call_id: string; readonly native_id: string | null }[],
): Promise<CallIndex> {
  const found = await engineOf(trx).knownCalls(
    trx,
    accountId,
    identities.map(({ call_id: key, native_id: nativeId }) => ({ key, nativeId })),
  );
  const index: CallIndex = { byName: new Map() };
  // In no order of the database's, which PostgreSQL makes anew for each size of a page.
  for (const call of found.toSorted(byId)) indexCall(index, call);
  return index;
}

function byId(one: StoredCall, other: StoredCall): number {
  return one.call_id < other.call_id ? -1 : 1;
}

export function indexCall({ byName }: CallIndex, call: StoredCall): void {
  for (const name of [call.call_id, call.identity_key, call.native_id]) {
    if (name !== null) addByName(byName, name, call);
  }
}

function addByName(byName: CallIndex['byName'], name: string, call: StoredCall): void {
  const others = byName.get(name);
  if (others === undefined) byName.set(name, [call]);
  else if (!others.includes(call)) others.push(call);
}

/**
 * The few calls that could be the one of this identity, the call of that id
 * first: of several that claim it always the same is chosen.
 */
export function likely({ byName }: CallIndex, { key, nativeId }: Identity): readonly StoredCall[] {
  const byKey = byName.get(key) ?? [];
  const byNative = nativeId === null || nativeId === key ? [] : (byName.get(nativeId) ?? []);
  const found = byNative.length === 0 ? byKey : [...new Set([...byKey, ...byNative])];
  if (found.length < 2) return found;
  const own = found.filter(({ call_id }) => call_id === key);
  return [...own, ...found.filter(({ call_id }) => call_id !== key)];
}
