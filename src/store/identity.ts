import { hash } from 'node:crypto';

/**
 * Which stored call a listed row is. Two calls are never folded into one, and a
 * stored `call_id` never changes, whatever a provider later calls the call.
 */

/** What the store keeps to recognise a call. */
export interface KnownCall {
  readonly call_id: string;
  native_id: string | null;
  identity_key: string;
}

/** A stored call as far as a write has to know it. */
export interface StoredCall extends KnownCall {
  content_hash: string;
  missing_since: string | null;
  listed_exact: number;
  /** Not null where the call was overwritten: what is listed of it again is not restored. */
  erasure_id: string | null;
}

export interface Identity {
  /** The provider's identity of the call (uuid, session, callId), else its native id. */
  readonly key: string;
  readonly nativeId: string | null;
}

export type Recognised<Known extends KnownCall> =
  | { readonly kind: 'known'; readonly call: Known }
  /** `rivals` are calls that claim the same identity with another native id, or the reverse. */
  | { readonly kind: 'new'; readonly callId: string; readonly rivals: readonly Known[] };

/**
 * Looks a row up by its native id first, then by its key among the calls that
 * have no native id or the same. A row that contradicts both is a call of its
 * own: `<key>#<native id>` where the key is taken.
 */
export function recognise<Known extends KnownCall>(
  { key, nativeId }: Identity,
  known: readonly Known[],
): Recognised<Known> {
  const sameNative = nativeId === null ? [] : known.filter((call) => call.native_id === nativeId);
  const byNative = sameNative.find(
    // A row listed before its uuid was known carries its native id as its key, and the reverse.
    (call) => call.identity_key === key || call.identity_key === nativeId || key === nativeId,
  );
  if (byNative !== undefined) return { kind: 'known', call: byNative };

  const sameKey = known.filter((call) => call.identity_key === key);
  const byKey = sameKey.find(
    (call) => call.native_id === null || nativeId === null || call.native_id === nativeId,
  );
  if (byKey !== undefined) return { kind: 'known', call: byKey };

  const taken = known.some((call) => call.call_id === key);
  return {
    kind: 'new',
    callId: taken ? `${key}#${nativeId}` : key,
    rivals: [...sameNative, ...sameKey],
  };
}

/** A stored occurrence of a row that has no id of its own. */
export interface Occurrence {
  readonly call_id: string;
  readonly content_hash: string;
}

export interface Matched<Row, Known> {
  readonly row: Row;
  /** Null for a call that is new. */
  readonly call: Known | null;
}

/**
 * Which stored occurrences the listed rows of one derived identity are: rows of
 * equal content keep theirs, whatever order the provider lists them in; the
 * others take what is left, in order; the rest is new.
 *
 * @param likeness in what a row and a stored occurrence may be alike otherwise, the surest first.
 */
export function matchOccurrences<Row extends { readonly hash: string }, Known extends Occurrence>(
  rows: readonly Row[],
  known: readonly Known[],
  likeness: readonly ((row: Row, known: Known) => boolean)[] = [],
): readonly Matched<Row, Known>[] {
  const left = [...known];
  const equal = (row: Row, { content_hash }: Known): boolean => content_hash === row.hash;
  let matched: readonly Matched<Row, Known>[] = rows.map((row) => ({ row, call: null }));
  for (const alike of [equal, ...likeness, () => true]) {
    matched = matched.map(({ row, call }) => {
      const index = call === null ? left.findIndex((one) => alike(row, one)) : -1;
      return index < 0 ? { row, call } : { row, call: left.splice(index, 1)[0] ?? null };
    });
  }
  return matched;
}

/** The id of the n-th occurrence; the first has the derived identity itself. */
export function occurrenceId(id: string, number: number): string {
  if (number === 1) return id;
  return hash('sha256', `${id}#${number}`).slice(0, 32);
}
