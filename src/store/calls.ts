import type { CallFlag } from '../call.ts';
import {
  applyWrites,
  type CallWrite,
  flagConflicts,
  type ListedCall,
  type WriteContext,
  type Written,
  writtenBy,
} from './call-writes.ts';
import { recognise, type StoredCall } from './identity.ts';
import { type CallIndex, indexCall, knownCalls, likely } from './known-calls.ts';
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
  const writes = rows.map((listed) => planWrite(listed, index, rivals));
  await applyWrites(trx, context, writes);
  await flagConflicts(trx, context.accountId, [...rivals]);
  return writes.map(writtenBy);
}

function planWrite(listed: ListedCall, index: CallIndex, rivals: Set<string>): CallWrite {
  const { call, hash } = listed;
  const identity = { key: call.call_id, nativeId: call.native_id };
  const found = recognise(identity, likely(index, identity));
  if (found.kind === 'known') return planKnown(listed, found.call);
  for (const rival of found.rivals) rivals.add(rival.call_id);
  indexCall(index, {
    call_id: found.callId,
    native_id: call.native_id,
    identity_key: call.call_id,
    content_hash: hash,
    missing_since: null,
  });
  const flags: CallFlag[] = found.rivals.length > 0 ? ['identity_conflict'] : [];
  return { kind: 'insert', listed, callId: found.callId, flags };
}

/** The write for a row whose stored call is known; `stored` then says what it will be. */
export function planKnown(listed: ListedCall, stored: StoredCall): CallWrite {
  const changed = stored.content_hash !== listed.hash;
  const returned = stored.missing_since !== null;
  stored.content_hash = listed.hash;
  stored.missing_since = null;
  if (changed) return { kind: 'change', listed, callId: stored.call_id };
  return { kind: returned ? 'return' : 'none', listed, callId: stored.call_id };
}
