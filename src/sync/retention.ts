import { eraseCalls, overwriteDeleted, readCalls } from '../store/erase-calls.ts';
import { eraseQuarantined, quarantinedBefore, restartWalksBefore } from '../store/erase-rows.ts';
import { countErased, erasureKey } from '../store/erasures.ts';
import { oldCallsQuery } from '../store/find-erasable.ts';
import { fenced } from '../store/leases.ts';
import {
  BEGINNING,
  clearErasedTo,
  countOlder,
  forgetRetention,
  moveErasedTo,
  readErasedTo,
  readRetention,
  registerRetention,
  retentionErasure,
  saveRetention,
} from '../store/retentions.ts';
import type { StoreTransaction } from '../store/store.ts';
import { DAY, formatDuration, isoMillis, isoSeconds, wholeSecond } from '../time.ts';
import { certainNow, type RunContext, type SyncSettings } from './context.ts';
import type { Beyond } from './erasing.ts';
import { NOTICE, settleRetention } from './retention-notice.ts';

/**
 * Overwriting calls that started longer ago than the account keeps them in
 * clear. It goes through them once, the oldest first, and remembers how far it
 * came; what is listed later from beyond is overwritten on its way in.
 *
 * Nothing else that a poll does is past mending. So it needs both clocks, this
 * machine's and the provider's, and goes by what they say now, never by what it
 * has reached before: a clock that was wrong once must not go on destroying.
 */

/** Calls a run overwrites at most, so that the first time on a large store is spread over many polls. */
const MOST = 4000;
const PAGE = 500;

/** The retention by which a run begins, milliseconds; null where none is in force. */
export async function beginRetention(
  trx: StoreTransaction,
  { id, retention }: SyncSettings,
): Promise<number | null> {
  const stored = await readRetention(trx, id);
  if (stored === null) return null;
  if (retention === null) {
    await forgetRetention(trx, id);
    return null;
  }
  // A longer one counts at once; the next poll enters it.
  return stored.in_force === null ? null : Math.max(stored.in_force, retention);
}

export function beyondRetention(
  accountId: string,
  retention: number,
  client: RunContext['client'],
): Beyond {
  return {
    erasureId: retentionErasure(accountId),
    before: () => {
      const now = certainNow(client);
      return now === null ? null : wholeSecond(now - retention);
    },
  };
}

/** Overwrites calls beyond the retention by now, some thousand a run, and announces a first or a shorter one. */
export async function applyRetention(context: RunContext): Promise<void> {
  const { settings, client, log } = context;
  const now = certainNow(client);
  if (now === null || settings.retention === null) return;
  const inForce = await enterRetention(context, settings.retention, now);
  if (inForce === null) return;
  const before = wholeSecond(now - inForce);
  const { erased, to } = await eraseOldCalls(context, before);
  if (erased === 0) return;
  const rest = erased >= MOST ? { goes_on: 'with the next run' } : {};
  const words = 'overwrote what lies beyond the retention';
  log.info({ account: settings.id, calls: erased, to, ...rest }, words);
}

async function enterRetention(
  { store, lease, settings: { id }, log }: RunContext,
  wanted: number,
  now: number,
): Promise<number | null> {
  const stored = await readRetention(store.db, id);
  const { kind, retention } = settleRetention(stored, wanted, now);
  if (kind === 'kept') return retention.in_force;
  await fenced(store, lease, async (trx) => {
    await saveRetention(trx, id, retention);
    if (kind === 'announced') return;
    const reason = `retention ${formatDuration(wanted)}`;
    await registerRetention(trx, id, { reason, now });
  });
  if (kind === 'announced') {
    const { older } = await countOlder(store, id, isoSeconds(now - wanted));
    const fields = { account: id, calls: older, from: isoSeconds(now + NOTICE) };
    log.warn(fields, `the retention ${formatDuration(wanted)} will overwrite calls for good`);
  }
  return retention.in_force;
}

async function eraseOldCalls(
  { store, lease, settings, signal }: RunContext,
  before: number,
): Promise<{ readonly erased: number; readonly to: string }> {
  const erasureId = retentionErasure(settings.id);
  const end = isoSeconds(before);
  let from = (await readErasedTo(store, settings.id)) ?? BEGINNING;
  if (from > isoSeconds(before + DAY)) {
    // It was reached by a shorter retention, or by a clock that was wrong.
    await fenced(store, lease, (trx) => clearErasedTo(trx, settings.id));
    from = BEGINNING;
  }
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
      await moveErasedTo(trx, settings.id, to);
    });
    erased += page.length;
    from = to;
  }
  return { erased, to: from };
}

/**
 * Overwrites rows beyond the retention that are no calls, and begins the walks
 * anew that hold some back. Not while others of this run's walks are under way.
 */
export async function eraseOldRows(context: RunContext): Promise<void> {
  const { store, lease, settings, clock, beyond, log } = context;
  const before = beyond?.before() ?? null;
  if (beyond === null || before === null) return;
  const rows = await quarantinedBefore(store, settings.id, clock.dayOf(before), PAGE);
  if (rows.length > 0) await overwriteDeleted(store);
  const held = await fenced(store, lease, async (trx) => {
    await eraseQuarantined(trx, settings.id, rows, await erasureKey(trx));
    // A walk knows the quarantined rows that it has met by their payload.
    const which = rows.length > 0 ? 'all' : 'holding';
    const held = await restartWalksBefore(trx, settings.id, before, which);
    const counts = { quarantined: rows.length, held };
    await countErased(trx, beyond.erasureId, settings.id, counts);
    return held;
  });
  if (rows.length + held === 0) return;
  const words = 'overwrote rows beyond the retention';
  log.info({ account: settings.id, quarantined: rows.length, held }, words);
}
