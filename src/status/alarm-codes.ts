import type { AlarmCode } from '../codes/catalogue.ts';

export type { AlarmCode };

/** Every alarm that `status` knows. Stable: metrics carry them as labels, and people write rules on them. */
export const ALARM_CODES = [
  /** The store has nothing of the account. */
  'never_run',
  /** The last poll failed because the provider did not answer as it should for the moment. */
  'provider_down',
  /** The last poll was refused by the login, and the worker asks again. */
  'auth',
  /** The login was refused, and the account is left alone for a while. */
  'paused',
  /** The last poll failed for another reason. */
  'run_failed',
  'lag',
  'holes',
  'quarantine',
  'days_incomplete',
  'days_mismatch',
  'days_unreachable',
  'horizon_near',
  'clock',
  /** The store counts as read what is still to come. */
  'watermark_ahead',
  /** From here on of the store, not of an account. */
  'disk',
  'erasure_unfinished',
] as const satisfies readonly AlarmCode[];
