import type { DayState } from '../day-state.ts';
import {
  type Audit,
  auditsOf,
  markMissing,
  presentCalls,
  saveAudit,
  sumDay,
} from '../store/audits.ts';
import { countQuarantined, readDay, saveDay } from '../store/days.ts';
import { holesWithin } from '../store/holes.ts';
import { fenced } from '../store/leases.ts';
import { resolveRows } from '../store/quarantine.ts';
import { addToRun, sumCounts } from '../store/runs.ts';
import { dropLane } from '../store/windows.ts';
import { addDays, isoMillis, type Span } from '../time.ts';
import { SECOND_LOOK_AFTER } from './audit-days.ts';
import { type AuditNotes, believed, earlierNow, type RunContext } from './context.ts';
import { planHeard } from './hear-clock.ts';
import { pend, walkLane } from './lanes.ts';
import { newDay, touch } from './ledger.ts';
import { planSpan, settledNow } from './windows.ts';

/**
 * An audit reads a whole day again and compares it with the store by identity:
 * what is new or changed is stored like anything else, and what the provider
 * lists no more is marked. That, and nothing else, is how a call gets missing.
 */

/** So many calls, and such a share of the day, do not vanish in an ordinary way. */
const MANY = 10;
const MANY_SHARE = 0.1;

export async function auditDay(context: RunContext, day: string): Promise<void> {
  const { settings, rules, store, lease } = context;
  const whole = dayBounds(context, day);
  const settled = settledNow(Date.now(), believed(context.client.skew()), settings.settle);
  const span: Span = { from: whole.from, to: Math.min(whole.to, settled) };
  const plan = await planHeard(context, (at) => planSpan(span, at, rules));
  const readable = plan.unreachable === null ? plan.windows : [];
  touch(context, day);
  // An audit that was killed has no result: it begins anew.
  await fenced(store, lease, (trx) => dropLane(trx, settings.id, AUDIT_LANE));
  await pend(context, AUDIT_LANE, readable, plan.unreachable);
  if (readable.length === 0) return;
  const begunAt = Date.now();
  const notes = newNotes();
  context.audit = notes;
  try {
    await walkLane(context, AUDIT_LANE);
  } finally {
    context.audit = null;
  }
  if (notes.proven === 0) return;
  const closed = earlierNow(context) >= whole.to + settings.lookback && span.to === whole.to;
  await conclude(context, whole, notes, { closed, begunAt });
}

const AUDIT_LANE = 'audit';

type Day = Span & { readonly day: string };

/** The part of a day that belongs to the account's history. */
function dayBounds({ clock, startAt }: RunContext, day: string): Day {
  const from = clock.startOfDay(day);
  const to = clock.startOfDay(addDays(day, 1));
  return { day, from: from < startAt && startAt < to ? startAt : from, to };
}

function newNotes(): AuditNotes {
  return {
    listed: new Set(),
    proven: 0,
    contradiction: false,
    rejected: 0,
    duplicates: 0,
    new: 0,
    changed: 0,
    latest: null,
  };
}

async function conclude(
  context: RunContext,
  day: Day,
  notes: AuditNotes,
  { closed, begunAt }: { readonly closed: boolean; readonly begunAt: number },
): Promise<void> {
  const { settings, store, lease } = context;
  const earlier = await auditsOf(store, settings.id, day.day);
  const audit = await fenced(store, lease, async (trx) => {
    const ledger = (await readDay(trx, settings.id, day.day)) ?? newDay(context, day);
    const holes = await holesWithin(trx, settings.id, day);
    // Every second of the closed day was proven by this very audit, and every row of it was read.
    const proven =
      closed &&
      notes.proven === day.to - day.from &&
      !notes.contradiction &&
      notes.rejected === 0 &&
      holes.length === 0;
    if (proven) await resolveRows(trx, settings.id, day.day, begunAt);
    const quarantined = await countQuarantined(trx, settings.id, day.day);
    const now = Date.now();
    const present = await presentCalls(trx, settings.id, day.day);
    const gone = proven ? present.filter((callId) => !notes.listed.has(callId)) : [];
    const sound = isOrdinary(gone.length, present.length) || seenBefore(earlier, now);
    const missing = sound ? gone : [];
    await markMissing(trx, settings.id, missing, isoMillis(now));
    await addToRun(trx, context.runId, { missing: missing.length });
    const state = stateAfter(ledger.state, {
      proven,
      sound,
      faults: holes.length + quarantined,
      contradiction: notes.contradiction,
    });
    const sums = await sumDay(trx, settings.id, day.day);
    const audit: Audit = {
      account_id: settings.id,
      day: day.day,
      audited_at: now,
      state,
      provider_total: ledger.provider_total,
      listed: notes.listed.size,
      stored: sums.stored,
      new: notes.new,
      changed: notes.changed,
      missing: missing.length,
      vanished: gone.length - missing.length,
      quarantined,
      duplicates: notes.duplicates,
      talk_seconds: sums.talkSeconds,
      cost: JSON.stringify(sums.cost),
      digest: sums.digest,
      latest_seconds: notes.latest,
    };
    await saveAudit(trx, audit);
    await saveDay(trx, { ...ledger, state, updated_at: now });
    return audit;
  });
  context.counts = sumCounts(context.counts, { missing: audit.missing });
  context.audits.set(day.day, audit);
}

function isOrdinary(vanished: number, present: number): boolean {
  return vanished <= MANY || vanished <= present * MANY_SHARE;
}

/** Whether every sound audit since at least an hour ago found many calls gone: then it is so. */
function seenBefore(earlier: readonly Audit[], now: number): boolean {
  const conclusive = earlier.filter(({ state, vanished }) => vanished > 0 || state === 'verified');
  const ordinary = conclusive.findIndex(({ vanished }) => vanished === 0);
  const streak = ordinary < 0 ? conclusive : conclusive.slice(0, ordinary);
  return streak.some(({ audited_at }) => now - audited_at >= SECOND_LOOK_AFTER);
}

interface Finding {
  readonly proven: boolean;
  /** What vanished is little enough, or was looked at twice. */
  readonly sound: boolean;
  readonly faults: number;
  readonly contradiction: boolean;
}

function stateAfter(before: DayState, { proven, sound, faults, contradiction }: Finding): DayState {
  if (before === 'accepted') return before;
  if (faults > 0) return 'incomplete';
  if (contradiction || !sound) return 'mismatch';
  return proven ? 'verified' : before;
}
