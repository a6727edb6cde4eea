import {
  type Audit,
  auditsOf,
  lastAudits,
  markMissing,
  presentCalls,
  saveAudit,
  sumDay,
} from '../store/audits.ts';
import { countQuarantined, daysInState, readDay, saveDay } from '../store/days.ts';
import { holesWithin } from '../store/holes.ts';
import { fenced } from '../store/leases.ts';
import type { StoreTransaction } from '../store/store.ts';
import { dropLane } from '../store/windows.ts';
import { addDays, HOUR, isoMillis, type Span } from '../time.ts';
import { type AuditNotes, earlierNow, type RunContext } from './context.ts';
import { pend, walkLane } from './lanes.ts';
import { newDay } from './ledger.ts';
import { planSpan, settledNow } from './windows.ts';

/**
 * An audit reads a whole day again and compares it with the store by identity:
 * what is new or changed is stored like anything else, and what the provider
 * lists no more is marked. That, and nothing else, is how a call gets missing.
 */

/** So many calls, and such a share of the day, do not vanish in an ordinary way. */
const MANY = 10;
const MANY_SHARE = 0.1;
/** A second look at a day from which many calls vanished has to be as much later. */
const SECOND_LOOK_AFTER = HOUR;

export async function auditDay(context: RunContext, day: string): Promise<void> {
  const { settings, clock, rules, store, lease } = context;
  const whole: Span = { from: clock.startOfDay(day), to: clock.startOfDay(addDays(day, 1)) };
  const settled = settledNow(Date.now(), context.client.skew() ?? context.skew, settings.settle);
  const span: Span = { from: whole.from, to: Math.min(whole.to, settled) };
  const plan = planSpan(span, earlierNow(context), rules);
  const closed = earlierNow(context) >= whole.to + settings.lookback;
  // An audit that was killed has no result: it begins anew.
  await fenced(store, lease, async (trx) => {
    await dropLane(trx, settings.id, AUDIT_LANE);
    await reopen(trx, settings.id, day);
  });
  await pend(context, AUDIT_LANE, plan.windows, plan.unreachable);
  if (plan.unreachable !== null || plan.windows.length === 0) return;
  const notes: AuditNotes = { listed: new Set(), duplicates: 0, new: 0, changed: 0, latest: null };
  context.audit = notes;
  try {
    await walkLane(context, AUDIT_LANE);
  } finally {
    context.audit = null;
  }
  await conclude(context, { day, ...whole }, notes, closed);
}

const AUDIT_LANE = 'audit';

/** What an earlier read made of the day is to be proven again. */
async function reopen(trx: StoreTransaction, accountId: string, day: string): Promise<void> {
  const ledger = await readDay(trx, accountId, day);
  if (ledger?.state !== 'mismatch') return;
  await saveDay(trx, { ...ledger, state: 'open', updated_at: Date.now() });
}

type Day = Span & { readonly day: string };

async function conclude(
  context: RunContext,
  day: Day,
  notes: AuditNotes,
  closed: boolean,
): Promise<void> {
  const { settings, store, lease } = context;
  const earlier = await auditsOf(store, settings.id, day.day);
  const audit = await fenced(store, lease, async (trx) => {
    const ledger = (await readDay(trx, settings.id, day.day)) ?? newDay(context, day);
    const holes = await holesWithin(trx, settings.id, day);
    const quarantined = await countQuarantined(trx, settings.id, day.day);
    const now = Date.now();
    const present = await presentCalls(trx, settings.id, day.day);
    const vanished = present.filter((callId) => !notes.listed.has(callId));
    const believed = isOrdinary(vanished.length, present.length) || seenBefore(earlier, now);
    const proven = closed && holes.length === 0 && ledger.state !== 'mismatch';
    const missing = proven && believed ? vanished : [];
    await markMissing(trx, settings.id, missing, isoMillis(now));
    const state = stateAfter(ledger.state, {
      closed,
      faults: holes.length + quarantined,
      believed,
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
      vanished: vanished.length - missing.length,
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
  context.audits.set(day.day, audit);
}

function isOrdinary(vanished: number, present: number): boolean {
  return vanished <= MANY || vanished <= present * MANY_SHARE;
}

/** Whether every audit since at least an hour ago found many calls gone: then it is so. */
function seenBefore(earlier: readonly Audit[], now: number): boolean {
  const ordinary = earlier.findIndex(({ vanished }) => vanished === 0);
  const streak = ordinary < 0 ? earlier : earlier.slice(0, ordinary);
  return streak.some(({ audited_at }) => now - audited_at >= SECOND_LOOK_AFTER);
}

function stateAfter(
  before: string,
  {
    closed,
    faults,
    believed,
  }: { readonly closed: boolean; readonly faults: number; readonly believed: boolean },
): string {
  if (before === 'accepted') return before;
  if (!closed) return 'open';
  if (faults > 0) return 'incomplete';
  // Equal walks that contradict the stated total stay a mismatch, which the walk has entered.
  if (before === 'mismatch' || !believed) return 'mismatch';
  return 'verified';
}

/** The days of an account whose audit is due, the nearest to the provider's horizon first. */
export async function daysToAudit(
  context: RunContext,
  ages: readonly number[],
): Promise<readonly string[]> {
  const { settings, clock, store } = context;
  const now = earlierNow(context);
  const days = await daysInState(store, settings.id, AUDITABLE);
  const audited = await lastAudits(store, settings.id);
  const due = days.filter(({ day, state }) => {
    const end = clock.startOfDay(addDays(day, 1));
    if (now < end + settings.lookback) return false;
    const last = audited.get(day) ?? null;
    if (state === 'mismatch' && last !== null) return now - last >= SECOND_LOOK_AFTER;
    if (state !== 'verified') return true;
    return ages.some((age) => now >= end + age && (last === null || last < end + age));
  });
  return due.map(({ day }) => day);
}

const AUDITABLE = ['open', 'complete', 'incomplete', 'mismatch', 'verified'];
