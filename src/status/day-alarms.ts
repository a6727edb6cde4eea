import type { Questionable } from '../day-state.ts';
import { UNPROVEN } from '../day-state.ts';
import type { DaysInState } from '../store/day-overview.ts';
import { addDays, DAY, formatDuration } from '../time.ts';
import { alarm, localSpan, plural, type Subject } from './alarm.ts';
import type { Alarm } from './document.ts';

/** What is wrong with what was read. */
export function dayAlarms(subject: Subject): readonly Alarm[] {
  return [
    ...holeAlarms(subject),
    ...quarantineAlarms(subject),
    ...(['incomplete', 'mismatch', 'unreachable'] as const).flatMap((state) =>
      stateAlarms(subject, state),
    ),
    ...horizonAlarms(subject),
  ];
}

function holeAlarms({ config, known: { holes } }: Subject): readonly Alarm[] {
  const [first] = holes;
  if (first === undefined) return [];
  const { clock, id } = config;
  const oldest = localSpan(clock, { from: first.from_at, to: first.to_at });
  const next = Math.min(...holes.map(({ next_try_at }) => next_try_at));
  const which = holes.length === 1 ? oldest : `the first ${oldest}`;
  return [
    alarm('holes', {
      message: `${plural(holes.length, 'span')} could not be proven complete, ${which}: ${first.reason}; the next try is due at ${clock.formatWithOffset(next)}`,
      account: id,
      since: Math.min(...holes.map(({ since }) => since)),
      day: clock.dayOf(first.from_at),
    }),
  ];
}

function quarantineAlarms({ config, known: { quarantined } }: Subject): readonly Alarm[] {
  const { rows, oldestDay, since } = quarantined.open;
  if (rows === 0) return [];
  return [
    alarm('quarantine', {
      message: `${plural(rows, 'row')} could not be read as calls, the oldest under ${oldestDay}`,
      account: config.id,
      since,
      day: oldestDay,
    }),
  ];
}

function stateAlarms({ config, known, now }: Subject, state: Questionable): readonly Alarm[] {
  const days = known.days.get(state);
  if (days === undefined) return [];
  const { one, many, why } = DAY_WORDS[state];
  const what =
    days.count === 1
      ? `${days.oldest} ${one}`
      : `${plural(days.count, 'day')} ${many}, the oldest ${days.oldest}`;
  return [
    alarm(`days_${state}`, {
      message: `${what}: ${why}`,
      account: config.id,
      // What a clock ahead has entered began no later than now.
      since: Math.min(now, state === 'incomplete' ? incompleteSince(known, days) : days.since),
      day: days.oldest,
    }),
  ];
}

/** A day is entered again with each read of it: what is wrong with it is older. */
function incompleteSince({ holes, quarantined }: Subject['known'], days: DaysInState): number {
  const { since } = quarantined.open;
  return Math.min(days.since, since ?? days.since, ...holes.map((hole) => hole.since));
}

type DayWords = Readonly<Record<'one' | 'many' | 'why', string>>;

const DAY_WORDS: Readonly<Record<Questionable, DayWords>> = {
  incomplete: {
    ...{ one: 'is incomplete', many: 'are incomplete' },
    why: 'a hole or a quarantined row is in it',
  },
  mismatch: {
    ...{ one: 'does not agree with the provider', many: 'do not agree with the provider' },
    why: 'it states another total than it lists, or many calls vanished at once',
  },
  unreachable: {
    ...{ one: 'cannot be had any more', many: 'cannot be had any more' },
    why: 'the provider no longer serves it, and it was not proven in time',
  },
};

/** How long before the provider stops serving a day its lack of proof becomes urgent. */
const HORIZON_NEAR = 15 * DAY;

function horizonAlarms({ config, known, now }: Subject): readonly Alarm[] {
  const { connector, clock, id } = config;
  const horizon = connector.reach.horizon(now);
  const unproven = UNPROVEN.flatMap((state) => known.days.get(state)?.oldest ?? []);
  const [oldest] = unproven.sort();
  if (horizon === null || oldest === undefined) return [];
  const left = clock.startOfDay(oldest) - horizon;
  if (left > HORIZON_NEAR) return [];
  const next = addDays(oldest, 1);
  const when = left <= 0 ? 'is out of' : `leaves, in ${formatDuration(left)},`;
  return [
    alarm('horizon_near', {
      message: `${oldest} is not proven and ${when} the provider's reach`,
      account: id,
      day: oldest,
      // A provider of a short reach has every day near from its end on.
      since: Math.max(now - (HORIZON_NEAR - left), Math.min(now, clock.startOfDay(next))),
    }),
  ];
}
