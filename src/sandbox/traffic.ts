import { addDays, MINUTE, SECOND, zoneClock } from '../time.ts';
import { hash32, type Random, seededRandom } from './random.ts';

export type Ending =
  | 'answered'
  | 'no_answer'
  | 'busy'
  | 'rejected'
  | 'cancelled'
  | 'invalid_number'
  | 'unreachable'
  | 'failed';

/** A call as the exchange saw it, before any provider puts it into its own words. Instants are whole seconds. */
export interface Call {
  /** Unique and stable for a seed, whatever span was asked for. */
  readonly uid: string;
  readonly start: number;
  readonly ring: number;
  readonly answer: number | null;
  readonly end: number;
  readonly direction: 'inbound' | 'outbound' | 'internal';
  readonly mode: 'manual' | 'click' | 'automatic' | 'ivr';
  readonly caller: string;
  readonly callee: string;
  readonly agent: string;
  readonly ending: Ending;
  readonly talkSeconds: number;
  /** Thousandths of a yuan. */
  readonly cost: number;
  readonly hungUpBy: 'caller' | 'callee';
  /** A charge and no call, where the provider lists charges among its calls. */
  readonly charge: 'rent' | 'settlement' | null;
}

export interface TrafficOptions {
  readonly seed: number;
  /** Calls that begin in `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** About how many on a working day; weekends have fewer. */
  readonly callsPerDay: number;
  readonly zone: string;
}

// Shares of the day's calls for each hour from midnight: office hours with a lunch break.
const HOURS = [
  2, 1, 1, 1, 1, 2, 4, 10, 45, 95, 105, 90, 40, 60, 95, 100, 95, 80, 45, 35, 28, 18, 9, 5,
];
const HOURS_SUM = HOURS.reduce((sum, share) => sum + share, 0);
const LINES = ['02110000001', '02110000002', '01010000003', '075510000004'] as const;
const UNANSWERED: readonly [Ending, ...Ending[]] = [
  ...(['no_answer', 'no_answer', 'no_answer', 'no_answer', 'busy', 'busy', 'rejected'] as const),
  ...(['cancelled', 'cancelled', 'unreachable', 'unreachable', 'invalid_number'] as const),
  'failed',
];
const MODES: readonly [Call['mode'], ...Call['mode'][]] = [
  'manual',
  'manual',
  'click',
  'automatic',
  'automatic',
  'ivr',
];

/** The calls of a span, ordered by their beginning. The same seed gives the same calls in every span that holds them. */
export function makeTraffic(options: TrafficOptions): Call[] {
  const clock = zoneClock(options.zone);
  const calls: Call[] = [];
  for (let day = clock.dayOf(options.from); clock.startOfDay(day) < options.to; ) {
    for (const call of dayTraffic(options, day)) {
      if (call.start >= options.from && call.start < options.to) calls.push(call);
    }
    day = addDays(day, 1);
  }
  return calls;
}

function dayTraffic(options: TrafficOptions, day: string): Call[] {
  const clock = zoneClock(options.zone);
  const midnight = clock.startOfDay(day);
  const nextMidnight = clock.startOfDay(addDays(day, 1));
  const random = seededRandom(hash32(`${options.seed} ${day}`));
  const count = Math.round(options.callsPerDay * weekdayShare(day) * (0.9 + 0.2 * random.next()));
  const calls: Call[] = [];
  let start = midnight;
  for (let index = 0; index < count; index += 1) {
    const last = calls.at(-1);
    const uid = `${day}/${index}`;
    // One conversation a day is going on at midnight.
    const late = index === count - 1;
    if (last !== undefined && !late && random.chance(0.004)) {
      // Two calls equal in everything a list without ids would show.
      calls.push({ ...last, uid });
      continue;
    }
    // A dialler starts several calls within one second.
    if (index === 0 || !random.chance(0.06)) start = midnight + secondOfDay(random) * SECOND;
    if (late) start = nextMidnight - random.int(20, 90) * SECOND;
    if (start < nextMidnight) calls.push(makeCall(random, uid, start, late));
  }
  return calls.sort((a, b) => a.start - b.start);
}

function weekdayShare(day: string): number {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  if (weekday === 0) return 0.35;
  return weekday === 6 ? 0.55 : 1;
}

function secondOfDay(random: Random): number {
  let share = random.next() * HOURS_SUM;
  let hour = 0;
  for (const size of HOURS) {
    if (share < size) break;
    share -= size;
    hour += 1;
  }
  return Math.min(hour, 23) * 3600 + random.int(0, 3599);
}

function makeCall(random: Random, uid: string, start: number, late: boolean): Call {
  if (!late && random.chance(0.01)) return makeCharge(random, uid, start);
  const answered = late || random.chance(0.6);
  const ending = answered ? 'answered' : random.pick(UNANSWERED);
  const ring = start + random.int(0, 4) * SECOND;
  const ringing = ringSeconds(random, ending);
  const talk = late ? random.int(120, 600) : talkSeconds(random);
  const answer = answered ? ring + ringing * SECOND : null;
  const end = ring + (ringing + (answered ? talk : 0)) * SECOND;
  return {
    uid,
    start,
    ring,
    answer,
    end,
    ...parties(random),
    ending,
    talkSeconds: answered ? talk : 0,
    cost: answered ? Math.ceil((talk * SECOND) / MINUTE) * 60 : 0,
    hungUpBy: random.chance(0.55) ? 'caller' : 'callee',
    charge: null,
  };
}

function makeCharge(random: Random, uid: string, start: number): Call {
  return {
    uid,
    start,
    ring: start,
    answer: null,
    end: start,
    direction: 'outbound',
    mode: 'manual',
    caller: '',
    callee: '',
    agent: '',
    ending: 'failed',
    talkSeconds: 0,
    cost: random.int(1, 90) * 1000,
    hungUpBy: 'caller',
    charge: random.pick(['rent', 'settlement']),
  };
}

function parties(random: Random): Pick<Call, 'direction' | 'mode' | 'caller' | 'callee' | 'agent'> {
  const agent = String(random.int(1001, 1024));
  const mode = random.pick(MODES);
  const which = random.next();
  if (which < 0.05) {
    const callee = String(random.int(1001, 1024));
    return { direction: 'internal', mode: 'manual', caller: agent, callee, agent };
  }
  const line = random.pick(LINES);
  const customer = customerNumber(random);
  if (which < 0.3) return { direction: 'inbound', mode, caller: customer, callee: line, agent };
  // An announcement has no agent.
  const speaker = mode === 'ivr' ? '' : agent;
  return { direction: 'outbound', mode, caller: line, callee: customer, agent: speaker };
}

/** Nobody's: no mobile numbers begin with 154, no subscriber numbers after an area code with 1. */
function customerNumber(random: Random): string {
  const digits = String(random.int(0, 39_999)).padStart(5, '0');
  if (random.chance(0.15)) return `${random.pick(['010', '021', '0755', '028'])}199${digits}`;
  return `154000${digits}`;
}

function ringSeconds(random: Random, ending: Ending): number {
  if (ending === 'answered') return Math.min(55, Math.max(1, Math.round(random.skewed(9, 0.6))));
  if (ending === 'no_answer') return random.int(30, 60);
  if (ending === 'rejected' || ending === 'cancelled') return random.int(3, 25);
  return random.int(0, 6);
}

function talkSeconds(random: Random): number {
  return Math.min(5400, Math.max(1, Math.round(random.skewed(65, 1.1))));
}
