import type { CallFlag } from '../call.ts';
import type { CallWrite } from './call-writes.ts';
import { erasedColumns, NO_PAYLOAD } from './erased.ts';
import type { ListedCall, WriteContext } from './listed-call.ts';
import { mappedColumns, storeFlags } from './mapped-columns.ts';
import type { CallsTable } from './schema.ts';
import type { KeptVersion } from './versions.ts';

export interface Composed {
  /** As they are to be stored: each call once. */
  readonly rows: readonly CallsTable[];
  /** What calls were before the changes. */
  readonly versions: readonly KeptVersion[];
}

/**
 * Makes of writes, in their order, the rows that they leave behind. A page may
 * list a call twice, so that a write may change what one before it has made.
 *
 * @param stored the rows that are changed or settled, by `call_id`.
 * @param numbers of the change sequence, one for each write.
 */
export function composeRows(
  context: WriteContext,
  writes: readonly CallWrite[],
  stored: ReadonlyMap<string, CallsTable>,
  numbers: readonly number[],
): Composed {
  const rows = new Map<string, CallsTable>();
  const versions: KeptVersion[] = [];
  for (const [index, write] of writes.entries()) {
    const sequence = numbers[index] ?? 0;
    const { listed, callId } = write;
    if (write.kind === 'insert') {
      rows.set(callId, newRow(context, listed, callId, write.flags, sequence));
      continue;
    }
    const old = rows.get(callId) ?? stored.get(callId);
    if (old === undefined) throw new TypeError('a change of a call that is not stored');
    if (write.kind === 'settle') {
      rows.set(callId, placed({ ...old, missing_since: null, change_seq: sequence }, listed));
      continue;
    }
    const before = inTheSameState(old, listed);
    if (before.content_hash === listed.hash) {
      rows.set(callId, before);
      continue;
    }
    versions.push({ old: before, reason: context.source === 'push' ? 'push' : 'provider' });
    rows.set(callId, placed(changed(context, before, listed, sequence), listed));
  }
  return { rows: [...rows.values()], versions };
}

/** What a page lists in clear and then under an erasure never stood in the store in clear. */
function inTheSameState(old: CallsTable, { erasureId }: ListedCall): CallsTable {
  if (erasureId === null || old.erasure_id !== null) return old;
  return { ...old, ...erasedColumns(old, erasureId), raw: NO_PAYLOAD };
}

function newRow(
  context: WriteContext,
  listed: ListedCall,
  callId: string,
  flags: readonly CallFlag[],
  sequence: number,
): CallsTable {
  return {
    ...mappedColumns(listed.call, flags),
    account_id: context.accountId,
    provider: context.provider,
    call_id: callId,
    source: context.source,
    listed_on: listed.listedOn,
    listed_exact: listed.listedExactly ? 1 : 0,
    version: 1,
    change_seq: sequence,
    first_seen_at: context.now,
    changed_at: context.now,
    missing_since: null,
    mapping_version: context.mappingVersion,
    raw: listed.raw,
    content_hash: listed.hash,
    erasure_id: listed.erasureId,
  };
}

function changed(
  context: WriteContext,
  old: CallsTable,
  listed: ListedCall,
  sequence: number,
): CallsTable {
  const mapped = mappedColumns(listed.call, storeFlags(old.flags));
  return {
    ...old,
    ...mapped,
    call_id: old.call_id,
    // A listing without the native id, or with nothing but it, does not unlearn what is known.
    native_id: mapped.native_id ?? old.native_id,
    identity_key: mapped.identity_key === mapped.native_id ? old.identity_key : mapped.identity_key,
    source: context.source,
    version: old.version + 1,
    change_seq: sequence,
    changed_at: context.now,
    missing_since: null,
    mapping_version: context.mappingVersion,
    raw: listed.raw,
    content_hash: listed.hash,
    erasure_id: listed.erasureId,
  };
}

/** The first read of one day that lists a call settles under which day it stands; later ones do not move it. */
function placed(row: CallsTable, { listedExactly, listedOn }: ListedCall): CallsTable {
  if (!listedExactly || row.listed_exact === 1) return row;
  return { ...row, listed_on: listedOn, listed_exact: 1 };
}
