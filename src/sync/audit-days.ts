import { type DayState, UNPROVEN } from '../day-state.ts';
import { lastAudits } from '../store/audits.ts';
import { daysInState } from '../store/days.ts';
import type { Store } from '../store/store.ts';
import { addDays, HOUR, type ZoneClock } from '../time.ts';

/** A second look at a day from which many calls vanished has to be as much later. */
export const SECOND_LOOK_AFTER = HOUR;

export interface AuditedAccount {
  readonly id: string;
  readonly clock: ZoneClock;
  /** Milliseconds after its end from which a day counts as over. */
  readonly lookback: number;
  /** Milliseconds after its end at which a day is audited again. */
  readonly ages: readonly number[];
}

/** The days of an account whose audit is due, the nearest to the provider's horizon first. */
export async function daysToAudit(
  store: Store,
  { id, clock, lookback, ages }: AuditedAccount,
  now: number,
): Promise<readonly string[]> {
  const days = await daysInState(store, id, AUDITABLE);
  const audited = await lastAudits(store, id);
  const due = days.filter(({ day, state }) => {
    const end = clock.startOfDay(addDays(day, 1));
    if (now < end + lookback) return false;
    const last = audited.get(day) ?? null;
    if (state === 'mismatch' && last !== null) return now - last >= SECOND_LOOK_AFTER;
    if (state !== 'verified') return true;
    return ages.some((age) => now >= end + age && (last === null || last < end + age));
  });
  return due.map(({ day }) => day);
}

const AUDITABLE: readonly DayState[] = [...UNPROVEN, 'complete', 'verified'];
