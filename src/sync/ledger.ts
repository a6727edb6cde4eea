import { type DayState, SETTLED } from '../day-state.ts';
import type { LedgerDay } from '../store/days.ts';
import { countQuarantined, readDay, saveDay } from '../store/days.ts';
import { fillHoles, holesWithin } from '../store/holes.ts';
import { resolveRows } from '../store/quarantine.ts';
import type { StoreTransaction } from '../store/store.ts';
import { addDays, type Span } from '../time.ts';
import type { RunContext } from './context.ts';
import { daysOf } from './windows.ts';

/** The day ledger: what reads make of each provider-local day. */

/** A span that was read to its end, proven or given up as a hole. */
export interface FinishedRead {
  readonly span: Span;
  readonly proven: boolean;
  /** When its walk began, on the clock that is behind. */
  readonly begunAt: number;
  /** What the provider stated for the span, and what it listed; null for a part of a window. */
  readonly total: number | null;
  readonly listed: number | null;
  /** Equal walks contradict the stated total. */
  readonly contradiction: boolean;
}

/** Enters a finished read into each day that it touches. Holes are to be recorded before. */
export async function enterRead(
  trx: StoreTransaction,
  context: RunContext,
  read: FinishedRead,
): Promise<void> {
  const { settings, clock } = context;
  const touched = daysOf(read.span, clock);
  for (const bounds of touched) {
    const before = await readDay(trx, settings.id, bounds.day);
    const day = before ?? newDay(context, bounds);
    const whole =
      read.span.from <= bounds.from && read.span.to >= bounds.to && touched.length === 1;
    if (whole && read.proven) await resolveRows(trx, settings.id, bounds.day, read.begunAt);
    const holes = await holesWithin(trx, settings.id, bounds);
    const quarantined = await countQuarantined(trx, settings.id, bounds.day);
    const provenTo = provenUpTo(day, bounds, read, settings.lookback);
    await saveDay(trx, {
      ...day,
      proven_to: provenTo,
      state: stateOf(day, {
        proven: provenTo >= bounds.to,
        faults: holes.length + quarantined,
        // Only an audit decides that what did not agree does so now.
        mismatch: read.contradiction || day.state === 'mismatch',
      }),
      ...(whole ? { provider_total: read.total, listed: read.listed } : {}),
      updated_at: Date.now(),
    });
    touch(context, bounds.day);
  }
}

/** A day that nothing was known of. */
export function newDay(
  { settings, startAt }: RunContext,
  { day, from, to }: Span & { readonly day: string },
): LedgerDay {
  return {
    account_id: settings.id,
    day,
    state: 'open',
    // The first day counts from where the account's history begins.
    proven_to: from < startAt && startAt < to ? startAt : from,
    provider_total: null,
    listed: null,
    accepted_reason: null,
    updated_at: Date.now(),
  };
}

/** A read counts from the day's beginning on, without a gap, and only if the day was closed when it began. */
function provenUpTo(day: LedgerDay, bounds: Span, read: FinishedRead, lookback: number): number {
  const closed = read.begunAt >= bounds.to + lookback;
  if (!closed || read.span.from > day.proven_to) return day.proven_to;
  return Math.max(day.proven_to, Math.min(read.span.to, bounds.to));
}

function stateOf(
  day: LedgerDay,
  now: { readonly proven: boolean; readonly faults: number; readonly mismatch: boolean },
): DayState {
  // What a person closed stays closed.
  if (day.state === 'accepted') return day.state;
  if (now.faults > 0) return 'incomplete';
  if (now.mismatch) return 'mismatch';
  if (day.state === 'verified') return day.state;
  if (now.proven) return 'complete';
  return day.state === 'unreachable' || day.state === 'complete' ? day.state : 'open';
}

/** Keeps what the provider states for a whole day that is then read in parts. */
export async function enterTotal(
  trx: StoreTransaction,
  context: RunContext,
  span: Span,
  total: number | null,
): Promise<void> {
  const [bounds, ...others] = daysOf(span, context.clock);
  if (total === null || bounds === undefined || others.length > 0) return;
  if (span.from > bounds.from || span.to < bounds.to) return;
  const day = (await readDay(trx, context.settings.id, bounds.day)) ?? newDay(context, bounds);
  await saveDay(trx, { ...day, provider_total: total, listed: null, updated_at: Date.now() });
}

/** Looks at a day again after a fault of it was mended. */
export async function reviewDay(
  trx: StoreTransaction,
  context: RunContext,
  day: string,
): Promise<void> {
  const ledger = await readDay(trx, context.settings.id, day);
  if (ledger?.state !== 'incomplete') return;
  const from = context.clock.startOfDay(day);
  const bounds: Span = { from, to: context.clock.startOfDay(addDays(day, 1)) };
  const holes = await holesWithin(trx, context.settings.id, bounds);
  const quarantined = await countQuarantined(trx, context.settings.id, day);
  if (holes.length + quarantined > 0) return;
  const state = ledger.proven_to >= bounds.to ? 'complete' : 'open';
  await saveDay(trx, { ...ledger, state, updated_at: Date.now() });
  touch(context, day);
}

/** Marks the days of a span that the provider no longer serves; its holes can no longer be filled. */
export async function enterUnreachable(
  trx: StoreTransaction,
  context: RunContext,
  span: Span,
): Promise<void> {
  await fillHoles(trx, context.settings.id, span);
  for (const bounds of daysOf(span, context.clock)) {
    const day = (await readDay(trx, context.settings.id, bounds.day)) ?? newDay(context, bounds);
    touch(context, bounds.day);
    if (day.state === 'unreachable' || SETTLED.includes(day.state)) continue;
    await saveDay(trx, { ...day, state: 'unreachable', updated_at: Date.now() });
  }
}

/** Remembers that this run has had to do with a day. */
export function touch({ days }: RunContext, day: string): void {
  if (!days.has(day)) days.set(day, { new: 0, changed: 0 });
}
