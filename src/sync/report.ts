import type { DayState } from '../day-state.ts';
import type { Failure } from '../errors.ts';
import type { Counts } from '../store/runs.ts';

/**
 * What the JSON of `sync`, `backfill` and `verify` says of one account, where `error` is an
 * ErrorReport. Names are never changed.
 */
export interface AccountReport extends Counts {
  readonly account: string;
  readonly provider: string;
  /** `skipped`: another process holds the account; see `held_by`. */
  readonly state: 'ok' | 'incomplete' | 'failed' | 'skipped';
  readonly error: Failure | null;
  readonly held_by: string | null;
  readonly days: readonly DayReport[];
}

export interface DayReport {
  readonly day: string;
  readonly state: DayState;
  readonly provider_total: number | null;
  readonly listed: number | null;
  readonly stored: number;
  readonly new: number;
  readonly changed: number;
  readonly missing: number;
  readonly quarantined: number;
  readonly audited_at: string | null;
}
