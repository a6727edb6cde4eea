import type { CallFlag } from '../call.ts';
import { nextSequence, takeSequence } from './change-seq.ts';
import { composeRows } from './compose-rows.ts';
import { engineOf } from './engine.ts';
import { eraseCalls, readCalls } from './erase-calls.ts';
import type { ListedCall, WriteContext } from './listed-call.ts';
import { setBackErasedTo } from './retentions.ts';
import type { CallsTable } from './schema.ts';
import type { StoreTransaction } from './store.ts';
import { keepVersions } from './versions.ts';

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

/**
 * Writes what was planned: each call that is touched is read at most once, and
 * written once, whatever several rows of the page say of it.
 */
export async function applyWrites(
  trx: StoreTransaction,
  context: WriteContext,
  writes: readonly CallWrite[],
): Promise<void> {
  const due = writes.filter(({ kind }) => kind !== 'none');
  if (due.length === 0) return;
  const stored = await storedRows(trx, context, due);
  const numbers = await takeSequence(trx, due.length);
  const { rows, versions } = composeRows(context, due, stored, numbers);
  await keepVersions(trx, versions, context.now);
  const engine = engineOf(trx);
  const written = engine.upsertCalls(trx, rows);
  if (engine.aside) context.onBusy?.();
  await written;
  await setBackErasedTo(trx, context.accountId, due.flatMap(startInClear));
}

function startInClear({ kind, listed }: CallWrite): readonly string[] {
  return kind === 'settle' || listed.erasureId !== null ? [] : [listed.call.started_at];
}

/** The calls that rows change or settle, as they are stored. */
async function storedRows(
  trx: StoreTransaction,
  context: WriteContext,
  writes: readonly CallWrite[],
): Promise<ReadonlyMap<string, CallsTable>> {
  const known = writes.filter(({ kind }) => kind !== 'insert');
  const ids = [...new Set(known.map(({ callId }) => callId))];
  const rows = await readCalls(trx, context.accountId, ids);
  const stored = new Map(rows.map((row) => [row.call_id, row]));
  for (const { kind, callId, listed } of known) {
    const row = stored.get(callId);
    if (kind !== 'change' || listed.erasureId === null || row?.erasure_id !== null) continue;
    // In clear until now, such as a call whose number became an erased one: its versions, too.
    await eraseCalls(trx, [row], { id: listed.erasureId, now: context.now });
    const [erased] = await readCalls(trx, context.accountId, [callId]);
    if (erased !== undefined) stored.set(callId, erased);
  }
  return stored;
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
        change_seq: await nextSequence(trx),
      })
      .where('account_id', '=', accountId)
      .where('call_id', '=', callId)
      .execute();
  }
}
