/**
 * What is known of a provider-local day. `open`: not over, over for less than
 * the lookback, or not proven since; `complete`: proven by a read begun after
 * that; `verified`: an audit agreed; `incomplete`: a hole or a quarantined row
 * is in it; `mismatch`: equal walks contradict the stated total, or many calls
 * vanished at once; `unreachable`: the provider no longer serves it;
 * `accepted`: a person closed it as it is.
 */
export type DayState =
  | 'open'
  | 'complete'
  | 'verified'
  | 'incomplete'
  | 'mismatch'
  | 'unreachable'
  | 'accepted';

/** Days in question: they make a run exit 1, and a person can accept them. */
export type Questionable = 'incomplete' | 'mismatch' | 'unreachable';
export const QUESTIONABLE: readonly DayState[] = [
  'incomplete',
  'mismatch',
  'unreachable',
] satisfies readonly Questionable[];

/** Days of which nothing more is to be had. */
export const SETTLED: readonly DayState[] = ['complete', 'verified', 'accepted'];

/** Days that a read can still bring forward. */
export const UNPROVEN: readonly DayState[] = ['open', 'incomplete', 'mismatch'];
