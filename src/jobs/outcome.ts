import type { Failure } from '../errors.ts';
import { LONGEST_WAIT_IN_RUN } from '../sync/remedy.ts';
import type { AccountReport } from '../sync/report.ts';
import { HOUR, SECOND } from '../time.ts';

/** What a run's report means for its job. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Nothing failed; it is to be tried after so many milliseconds. */
  | { readonly kind: 'later'; readonly ms: number }
  /** Trying again may help: after growing pauses. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** Trying again does not help: the next tick will see. */
  | { readonly kind: 'failed'; readonly reason: string };

/** How soon an account is looked at again that somebody else holds. */
const HELD_AGAIN_AFTER = 2 * SECOND;
/** Nobody is kept from asking for longer by what may be a mistake. */
const LONGEST_WAIT = HOUR;

/** What the outcome depends on. */
export interface Ended extends Pick<AccountReport, 'state'> {
  readonly error: Omit<Failure, 'hint'> | null;
}

export function outcomeOf({ state, error }: Ended): Outcome {
  if (state === 'skipped') return { kind: 'later', ms: HELD_AGAIN_AFTER };
  if (error === null) return { kind: 'done' };
  const told = (error.retry_after_seconds ?? 0) * SECOND;
  // A shorter one was waited for in the run; who refuses again then is answered by growing pauses.
  if (told > LONGEST_WAIT_IN_RUN) return { kind: 'later', ms: Math.min(told, LONGEST_WAIT) };
  const reason = `${error.code}: ${error.message}`;
  switch (error.class) {
    case 'rate_limited':
    case 'transient':
    case 'store':
      return { kind: 'retry', reason };
    case 'auth':
    case 'contract':
    case 'config':
      return { kind: 'failed', reason };
  }
}
