import { DAY, SECOND } from '../../src/time.ts';

/** The calls of one account at one provider: evenly spread over whole days, none at a midnight. */
export interface World {
  readonly provider: 'infin8linx' | 'itniotech';
  /** The midnight (Asia/Shanghai) at which they begin, milliseconds since 1970. */
  readonly from: number;
  readonly days: number;
  readonly calls: number;
  /** The number of the first one: two worlds whose numbers do not meet have no call in common. */
  readonly first: number;
}

/** When the call at an index starts, to the second. */
export function startOf({ from, days, calls }: World, index: number): number {
  const after = Math.floor(((index + 0.5) * days * DAY) / calls / SECOND) * SECOND;
  // With less than two seconds between them one would be at the midnight, which two days list.
  return from + (after % DAY === 0 ? after + SECOND : after);
}

/** The calls that start in a span, both ends included as the providers have it: `[first, end)`. */
export function indexesIn(
  world: World,
  from: number,
  to: number,
): { readonly first: number; readonly end: number } {
  return { first: firstAtOrAfter(world, from), end: firstAtOrAfter(world, to + 1) };
}

function firstAtOrAfter(world: World, at: number): number {
  let low = 0;
  let high = world.calls;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (startOf(world, middle) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
