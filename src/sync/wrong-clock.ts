import { type Fault, fault } from '../errors.ts';
import { formatDuration } from '../time.ts';

/** @param skew the provider's clock minus ours, in milliseconds: more than two clocks may differ by. */
export function wrongClock(skew: number): Fault {
  const side = skew < 0 ? 'behind' : 'ahead';
  return fault(
    'provider.clock',
    `the provider's clock (its Date header) is ${formatDuration(Math.abs(skew))} ${side}`,
  );
}

export function noClock(): Fault {
  return fault(
    'provider.clock',
    "the provider's answers tell no time (no Date header), so what it no longer serves cannot be told",
  );
}
