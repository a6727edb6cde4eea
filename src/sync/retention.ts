import { eraseCalls, readCalls } from '../store/erase-calls.ts';
import { eraseQuarantined, quarantinedBefore } from '../store/erase-rows.ts';
import {
  countErased,
  type Erasure,
  erasureKey,
  moveErasedTo,
  readErasure,
  registerRetention,
} from '../store/erasures.ts';
import { oldCallsQuery } from '../store/find-erasable.ts';
import { fenced } from '../store/leases.ts';
import { overwriteDeleted } from '../store/remains.ts';
import type { StoreTransaction } from '../store/store.ts';
import { formatDuration, isoMillis, isoSeconds, wholeSecond } from '../time.ts';
import type { RunContext, SyncSettings } from './context.ts';
import type { Beyond } from './erasing.ts';

/**
 * Overwriting calls that started longer ago than the account keeps them in
 * clear. It goes through them once, the oldest first, and remembers how far it
 * came; what is listed later from beyond is overwritten on its way in.
 */

/** Calls a run overwrites at most, so that the first time on a large store is spread over many polls. */
const MOST = 4000;
const PAGE = 500;

/** The retention by which a run goes; null where the account has none. */
export async function beginRetention(
  trx: StoreTransaction,
  { id, retention }: SyncSettings,
  now: number,
): Promise<Beyond | null> {
  if (retention === null) return null;
  const reason = `retention ${formatDuration(retention)}`;
  const erasure = await registerRetention(trx, id, reason, now);
  return { erasureId: erasure.id, before: boundary(erasure, now - retention) };
}

/** A clock that was set back, or a longer retention, brings nothing back into clear. */
function boundary({ erased_to }: Erasure, before: number): number {
  const reached = erased_to === null ? before : Date.parse(erased_to);
  return Math.max(wholeSecond(before), reached);
}

/** Overwrites what lies beyond the retention by now, some thousand calls a run. */
export async function applyRetention(context: RunContext): Promise<void> {
  const { beyond, settings, log } = context;
  if (beyond === null) return;
  const calls = await eraseOldCalls(context, beyond);
  const quarantined = await eraseOldQuarantine(context, beyond);
  if (calls.erased + quarantined === 0) return;
  const rest = calls.erased >= MOST ? { goes_on: 'with the next run' } : {};
  const words = 'overwrote what lies beyond the retention';
  log.info(
    { account: settings.id, calls: calls.erased, quarantined, to: calls.to, ...rest },
    words,
  );
}

async function eraseOldCalls(
  context: RunContext,
  { erasureId, before }: Beyond,
): Promise<{ readonly erased: number; readonly to: string }> {
  const { store, lease, settings, signal } = context;
  const end = isoSeconds(before);
  let from = (await readErasedTo(context, erasureId)) ?? '';
  let erased = 0;
  while (from < end && erased < MOST) {
    signal.throwIfAborted();
    const page = await oldCallsQuery(store, settings.id, { from, to: end }, PAGE).execute();
    if (page.length > 0) await overwriteDeleted(store);
    const last = page.at(-1);
    // Those of its last second that did not fit on the page are still to come.
    const to = last === undefined || page.length < PAGE ? end : last.started_at;
    await fenced(store, lease, async (trx) => {
      const ids = page.map(({ call_id }) => call_id);
      const rows = await readCalls(trx, settings.id, ids);
      const done = await eraseCalls(trx, rows, { id: erasureId, now: isoMillis(Date.now()) });
      await countErased(trx, erasureId, settings.id, done);
      await moveErasedTo(trx, erasureId, to);
    });
    erased += page.length;
    from = to;
  }
  return { erased, to: from };
}

async function eraseOldQuarantine(
  { store, lease, settings, clock }: RunContext,
  { erasureId, before }: Beyond,
): Promise<number> {
  const rows = await quarantinedBefore(store, settings.id, clock.dayOf(before), PAGE);
  if (rows.length === 0) return 0;
  await overwriteDeleted(store);
  await fenced(store, lease, async (trx) => {
    await eraseQuarantined(trx, settings.id, rows, await erasureKey(trx));
    await countErased(trx, erasureId, settings.id, { quarantined: rows.length });
  });
  return rows.length;
}

async function readErasedTo({ store }: RunContext, erasureId: string): Promise<string | null> {
  return (await readErasure(store, erasureId))?.erased_to ?? null;
}
