import type { CallFlag } from '../call.ts';
import {
  applyWrites,
  type CallWrite,
  flagConflicts,
  type Written,
  writtenBy,
} from './call-writes.ts';
import { eraseListing } from './erased.ts';
import { type Identity, occurrenceId, recognise, type StoredCall } from './identity.ts';
import { type CallIndex, indexCall, knownCalls, likely } from './known-calls.ts';
import type { ListedCall, WriteContext } from './listed-call.ts';
import type { StoreTransaction } from './store.ts';

/**
 * Upserts rows by the provider's identity of the call. A row whose content is
 * stored already costs no write.
 *
 * @returns what became of each row, in order.
 */
export async function writeCalls(
  trx: StoreTransaction,
  context: WriteContext,
  rows: readonly ListedCall[],
): Promise<readonly Written[]> {
  if (rows.length === 0) return [];
  const index = await knownCalls(
    trx,
    context.accountId,
    rows.map(({ call }) => call),
  );
  const rivals = new Set<string>();
  const planned = rows.map((listed) => ({ listed, write: planWrite(listed, index, rivals) }));
  await applyWrites(
    trx,
    context,
    planned.map(({ write }) => write),
  );
  await flagConflicts(trx, context.accountId, [...rivals]);
  // By the row as it came: what an erasure makes of it is another object.
  return planned.map(({ listed, write }) => ({ ...writtenBy(write), listed }));
}

/**
 * Stores a row only if its call is not stored: what was listed once, and could
 * not be read then, is older than what has been stored since.
 *
 * @returns false where that cannot be told: a row without an id may be a stored
 * call in an older form, or one more.
 */
export async function writeIfNew(
  trx: StoreTransaction,
  context: WriteContext,
  row: ListedCall,
  identity: 'native' | 'derived',
): Promise<boolean> {
  const index = await knownCalls(trx, context.accountId, [row.call]);
  if (identity === 'derived') {
    const known = index.byName.get(row.call.call_id) ?? [];
    if (known.length > 0) {
      return known.some((call) => call.content_hash === likeStored(row, [call]).hash);
    }
    const callId = occurrenceId(row.call.call_id, 1);
    await applyWrites(trx, context, [{ kind: 'insert', listed: row, callId, flags: [] }]);
    return true;
  }
  const rivals = new Set<string>();
  const write = planWrite(row, index, rivals);
  if (write.kind !== 'insert') return true;
  await applyWrites(trx, context, [write]);
  await flagConflicts(trx, context.accountId, [...rivals]);
  return true;
}

function planWrite(listed: ListedCall, index: CallIndex, rivals: Set<string>): CallWrite {
  const { call, hash } = listed;
  const identity = { key: call.call_id, nativeId: call.native_id };
  const found = recognise(identity, likely(index, identity));
  if (found.kind === 'known') {
    const write = planKnown(likeStored(listed, [found.call]), found.call);
    // What this row taught of the call's identity counts for the next row of the page already.
    if (write.kind === 'change') learn(index, found.call, identity);
    return write;
  }
  for (const rival of found.rivals) rivals.add(rival.call_id);
  indexCall(index, {
    call_id: found.callId,
    native_id: call.native_id,
    identity_key: call.call_id,
    content_hash: hash,
    missing_since: null,
    listed_exact: listed.listedExactly ? 1 : 0,
    erasure_id: listed.erasureId,
  });
  const flags: CallFlag[] = found.rivals.length > 0 ? ['identity_conflict'] : [];
  return { kind: 'insert', listed, callId: found.callId, flags };
}

function learn(index: CallIndex, stored: StoredCall, { key, nativeId }: Identity): void {
  stored.native_id ??= nativeId;
  if (key !== nativeId) stored.identity_key = key;
  indexCall(index, stored);
}

/**
 * The row as it compares with the stored calls that it may be: what was erased
 * is not restored by reading it again. Of equal rows of a provider that gives no
 * id, a payload may have put one alone under an erasure: only where all of them
 * are erased, it is certain that the row is.
 */
export function likeStored(listed: ListedCall, stored: readonly StoredCall[]): ListedCall {
  const all = stored.every(({ erasure_id }) => erasure_id !== null);
  const erasureId = listed.erasureId ?? (all ? (stored[0]?.erasure_id ?? null) : null);
  return erasureId === null ? listed : eraseListing(listed, erasureId, stored[0] ?? null);
}

/** The write for a row whose stored call is known; `stored` then says what it will be. */
export function planKnown(listed: ListedCall, stored: StoredCall): CallWrite {
  const changed = stored.content_hash !== listed.hash;
  const unsettled =
    stored.missing_since !== null || (stored.listed_exact === 0 && listed.listedExactly);
  stored.content_hash = listed.hash;
  stored.missing_since = null;
  stored.erasure_id = listed.erasureId;
  if (listed.listedExactly) stored.listed_exact = 1;
  if (changed) return { kind: 'change', listed, callId: stored.call_id };
  return { kind: unsettled ? 'settle' : 'none', listed, callId: stored.call_id };
}
