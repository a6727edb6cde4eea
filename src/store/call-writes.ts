import type { Insertable, Selectable } from 'kysely';
import type { CallFlag } from '../call.ts';
import { takeSequence } from './change-seq.ts';
import { eraseCalls } from './erase-calls.ts';
import type { ListedCall, WriteContext } from './listed-call.ts';
import { mappedColumns, storeFlags } from './mapped-columns.ts';
import { setBackErasedTo } from './retentions.ts';
import type { CallsTable } from './schema.ts';
import type { StoreTransaction } from './store.ts';
import { keepVersion } from './versions.ts';

/** What is to be done with a listed row, once it is known which call it is. */
export type CallWrite =
  | {
      readonly kind: 'insert';
      readonly listed: ListedCall;
      readonly callId: string;
      readonly flags: readonly CallFlag[];
    }
  | { readonly kind: 'change'; readonly listed: ListedCall; readonly callId: string }
  /** Its content is stored already; it was marked as missing, or its day was a guess. */
  | { readonly kind: 'settle'; readonly listed: ListedCall; readonly callId: string }
  | { readonly kind: 'none'; readonly listed: ListedCall; readonly callId: string };

/** What became of a listed row. */
export interface Written {
  readonly listed: ListedCall;
  /** Of the stored call that the row is. */
  readonly callId: string;
  readonly outcome: 'inserted' | 'changed' | 'unchanged';
}

export function writtenBy({ kind, listed, callId }: CallWrite): Written {
  const outcome = kind === 'insert' ? 'inserted' : kind === 'change' ? 'changed' : 'unchanged';
  return { listed, callId, outcome };
}

/** Writes what was planned, in order. */
export async function applyWrites(
  trx: StoreTransaction,
  context: WriteContext,
  writes: readonly CallWrite[],
): Promise<void> {
  const due = writes.filter(({ kind }) => kind !== 'none');
  if (due.length === 0) return;
  let sequence = await takeSequence(trx, due.length);
  const inserts: Insertable<CallsTable>[] = [];
  for (const write of due) {
    if (write.kind !== 'insert') continue;
    inserts.push(newRow(context, write.listed, write.callId, write.flags, sequence));
    sequence += 1;
  }
  await insertRows(trx, inserts);
  for (const write of due) {
    if (write.kind === 'change')
      await replace(trx, context, write.listed, write.callId, sequence++);
    if (write.kind === 'settle') await settle(trx, context, write.listed, write.callId, sequence++);
    else if (write.kind === 'change' && write.listed.listedExactly) {
      await placeOn(trx, context.accountId, write.callId, write.listed.listedOn);
    }
  }
  await setBackErasedTo(trx, context.accountId, due.flatMap(startInClear));
}

function startInClear({ kind, listed }: CallWrite): readonly string[] {
  return kind === 'settle' || listed.erasureId !== null ? [] : [listed.call.started_at];
}

/** SQLite takes 32,766 parameters a statement, PostgreSQL 65,535; a row has about forty. */
const ROWS_A_STATEMENT = 100;

async function insertRows(
  trx: StoreTransaction,
  rows: readonly Insertable<CallsTable>[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    await trx
      .insertInto('calls')
      .values(rows.slice(start, start + ROWS_A_STATEMENT))
      .execute();
  }
}

function newRow(
  context: WriteContext,
  listed: ListedCall,
  callId: string,
  flags: readonly CallFlag[],
  sequence: number,
): Insertable<CallsTable> {
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

async function replace(
  trx: StoreTransaction,
  context: WriteContext,
  listed: ListedCall,
  callId: string,
  sequence: number,
): Promise<void> {
  let old = await readCall(trx, context, callId);
  if (listed.erasureId !== null && old.erasure_id === null) {
    // In clear until now, such as a call whose number became an erased one: its versions, too.
    await eraseCalls(trx, [old], { id: listed.erasureId, now: context.now });
    old = await readCall(trx, context, callId);
    if (old.content_hash === listed.hash) return;
  }
  await keepVersion(trx, old, context.source === 'push' ? 'push' : 'provider', context.now);
  const mapped = mappedColumns(listed.call, storeFlags(old.flags));
  await trx
    .updateTable('calls')
    .set({
      ...mapped,
      // A listing without the native id, or with nothing but it, does not unlearn what is known.
      native_id: mapped.native_id ?? old.native_id,
      identity_key:
        mapped.identity_key === mapped.native_id ? old.identity_key : mapped.identity_key,
      source: context.source,
      version: old.version + 1,
      change_seq: sequence,
      changed_at: context.now,
      missing_since: null,
      mapping_version: context.mappingVersion,
      raw: listed.raw,
      content_hash: listed.hash,
      erasure_id: listed.erasureId,
    })
    .where('account_id', '=', context.accountId)
    .where('call_id', '=', callId)
    .execute();
}

function readCall(
  trx: StoreTransaction,
  { accountId }: WriteContext,
  callId: string,
): Promise<Selectable<CallsTable>> {
  return trx
    .selectFrom('calls')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('call_id', '=', callId)
    .executeTakeFirstOrThrow();
}

/** A call whose content is as stored: it is listed (again), and by now perhaps under one certain day. */
async function settle(
  trx: StoreTransaction,
  { accountId }: WriteContext,
  { listedOn, listedExactly }: ListedCall,
  callId: string,
  sequence: number,
): Promise<void> {
  await trx
    .updateTable('calls')
    .set({ missing_since: null, change_seq: sequence })
    .where('account_id', '=', accountId)
    .where('call_id', '=', callId)
    .execute();
  if (listedExactly) await placeOn(trx, accountId, callId, listedOn);
}

/** The first read of one day that lists a call settles under which day it stands; later ones do not move it. */
async function placeOn(
  trx: StoreTransaction,
  accountId: string,
  callId: string,
  day: string,
): Promise<void> {
  await trx
    .updateTable('calls')
    .set({ listed_on: day, listed_exact: 1 })
    .where('account_id', '=', accountId)
    .where('call_id', '=', callId)
    .where('listed_exact', '=', 0)
    .execute();
}

/** Flags the calls whose identity another native record claims too. */
export async function flagConflicts(
  trx: StoreTransaction,
  accountId: string,
  callIds: readonly string[],
): Promise<void> {
  for (const callId of callIds) {
    const { flags } = await trx
      .selectFrom('calls')
      .select('flags')
      .where('account_id', '=', accountId)
      .where('call_id', '=', callId)
      .executeTakeFirstOrThrow();
    const list: readonly string[] = JSON.parse(flags);
    if (list.includes('identity_conflict')) continue;
    await trx
      .updateTable('calls')
      .set({
        flags: JSON.stringify([...list, 'identity_conflict'].sort()),
        change_seq: await takeSequence(trx, 1),
      })
      .where('account_id', '=', accountId)
      .where('call_id', '=', callId)
      .execute();
  }
}
