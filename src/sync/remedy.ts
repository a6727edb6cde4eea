import { type Fault, isRetryable } from '../errors.ts';
import { MINUTE, SECOND } from '../time.ts';

/** What helps against a failed request, without a person. */

/** A longer wait than this ends the account's run: the next one asks again. */
export const LONGEST_WAIT_IN_RUN = MINUTE;
/** A clock further off than this may be why a signature was refused. */
const NOTABLE_SKEW = 30 * SECOND;

/** What can be tried at once: a new login, or a signature by the provider's clock. */
export function remedyFor(
  fault: Fault,
  skew: number | null,
  offset: number,
): 'login' | 'clock' | null {
  if (fault.remedy?.kind === 'login') return 'login';
  if (skew === null || offset !== 0) return null;
  if (fault.remedy?.kind === 'clock') return 'clock';
  return fault.class === 'auth' && Math.abs(skew) > NOTABLE_SKEW ? 'clock' : null;
}

/** How long the provider asked to wait, in milliseconds. */
export function waitOf({ remedy }: Fault): number {
  return remedy?.kind === 'wait' ? remedy.ms : 0;
}

export function mayRetry(fault: Fault): boolean {
  return isRetryable(fault) && waitOf(fault) <= LONGEST_WAIT_IN_RUN;
}
