import type { Retention } from '../store/retentions.ts';
import { DAY } from '../time.ts';

/**
 * How long a first or a shorter retention is announced before it overwrites
 * anything: long enough for somebody to see `4d` where `400d` was meant.
 */
export const NOTICE = DAY;

/** What is to be stored: `kept` where that is stored already. */
export type Settled =
  | { readonly kind: 'kept'; readonly retention: Retention }
  | { readonly kind: 'announced'; readonly retention: Retention }
  | { readonly kind: 'in force'; readonly retention: Retention };

/**
 * The retention that is in force at an instant, and the one that is to come.
 * A longer one is in force at once: it overwrites nothing that was not
 * overwritten anyway.
 *
 * @param wanted as configured, milliseconds.
 * @param now milliseconds, by a clock that can be trusted.
 */
export function settleRetention(stored: Retention | null, wanted: number, now: number): Settled {
  const { in_force, announced, announced_at } = stored ?? NONE;
  const retention = { in_force: wanted, announced: null, announced_at: null };
  if (in_force !== null && wanted >= in_force) {
    const same = wanted === in_force && announced === null;
    return { kind: same ? 'kept' : 'in force', retention };
  }
  if (announced !== wanted || announced_at === null || announced_at > now) {
    return { kind: 'announced', retention: { in_force, announced: wanted, announced_at: now } };
  }
  if (now - announced_at >= NOTICE) return { kind: 'in force', retention };
  return { kind: 'kept', retention: { in_force, announced, announced_at } };
}

const NONE: Retention = { in_force: null, announced: null, announced_at: null };
