import type { JobSchedulerJson } from 'bullmq';
import { DAY, MINUTE, SECOND } from '../time.ts';
import type { JobQueue, Tick } from './backend.ts';

/** A repeating tick. */
export interface Schedule {
  readonly id: string;
  /** Milliseconds. */
  readonly every: number;
  readonly data: Tick;
}

/** How often the store is asked for holes and backfills that are due. */
const LOOK_EVERY = 15 * SECOND;
/** How often it is asked for days to audit, which takes longer to tell. */
const LOOK_FOR_AUDITS_EVERY = 10 * MINUTE;

/**
 * The schedules that a configuration means: a poll for each account, and looks
 * at what the store says is due.
 *
 * Audits have no schedule of their own. A pattern in the account's zone was
 * rejected: a worker that is down at that minute, or a Redis that has lost its
 * data, would miss a day; what is due is in the store, and is found whenever
 * the next look comes.
 */
export function schedulesOf(
  accounts: Iterable<{ readonly id: string; readonly every: number }>,
): readonly Schedule[] {
  const polls = [...accounts].map(
    ({ id, every }): Schedule => ({ id: `poll-${id}`, every, data: { kind: 'poll', account: id } }),
  );
  return [
    ...polls,
    { id: 'due', every: LOOK_EVERY, data: { kind: 'due' } },
    { id: 'audits', every: LOOK_FOR_AUDITS_EVERY, data: { kind: 'audits' } },
    { id: 'tidy', every: DAY, data: { kind: 'tidy' } },
  ];
}

export interface Difference {
  /** Absent, of another interval, or with no tick to come. */
  readonly toMake: readonly Schedule[];
  readonly obsolete: readonly string[];
}

/** A schedule whose next tick is so long overdue has lost it, and so has one that was made by a clock as far ahead. */
const LATEST = 2 * MINUTE;

/** What has to be done so that the queue's schedules are those wanted. */
export function difference(
  wanted: readonly Schedule[],
  existing: readonly JobSchedulerJson[],
  now: number,
): Difference {
  const known = new Map(existing.map((schedule) => [schedule.key, schedule]));
  const toMake = wanted.filter(({ id, every }) => {
    const schedule = known.get(id);
    if (schedule === undefined || schedule.every !== every) return true;
    const { next } = schedule;
    return next === undefined || now - next > LATEST || next - now > every + LATEST;
  });
  const ids = new Set(wanted.map(({ id }) => id));
  return { toMake, obsolete: [...known.keys()].filter((id) => !ids.has(id)) };
}

/** Makes the queue's schedules those wanted, and says what that took. */
export async function applySchedules(
  ticks: JobQueue,
  wanted: readonly Schedule[],
): Promise<Difference> {
  const change = difference(wanted, await ticks.getJobSchedulers(0, -1), Date.now());
  for (const id of change.obsolete) await ticks.removeJobScheduler(id);
  for (const { id, every, data } of change.toMake) {
    const opts = { removeOnComplete: true, removeOnFail: true };
    await ticks.upsertJobScheduler(id, { every }, { name: data.kind, data, opts });
  }
  return change;
}
