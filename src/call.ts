import type { JsonObject } from './json.ts';

/**
 * The unified call record. Times are ISO 8601 UTC with `Z`; a value the
 * provider does not give is null, never a guess.
 */

export type Direction = 'inbound' | 'outbound' | 'internal' | 'unknown';

/** `answered` if and only if `talk_seconds` is above zero. */
export type Disposition =
  | 'answered'
  | 'no_answer'
  | 'busy'
  | 'rejected'
  | 'cancelled'
  | 'invalid_number'
  | 'unreachable'
  | 'failed'
  | 'unknown';

export type HangupParty = 'caller' | 'callee' | 'agent' | 'customer' | 'system';

/** `unknown`: this provider's list does not say whether there is a recording. */
export type RecordingState = 'none' | 'listed' | 'unknown';

export type CallFlag =
  /** Another native record claims the same call id; both are kept. */
  | 'identity_conflict'
  /** The provider's times contradict each other; impossible durations are null. */
  | 'time_order'
  /** The provider says answered, with no talk time. */
  | 'answered_zero_talk'
  /** A wall-clock time that occurred twice; the earlier one is stored. */
  | 'ambiguous_time'
  /** Numbers, names, payload and recording were overwritten: they are null on purpose. */
  | 'erased';

/** What a provider's mapping says of one call. */
export interface Call {
  /** The provider's identity of the call: uuid, voiceId, session, callId; derived where there is none. */
  readonly call_id: string;
  /** The provider's record number, where it differs from the call's identity. */
  readonly native_id: string | null;
  /** What joins this record with others of the same call (pushes, legs). */
  readonly correlation_id: string | null;
  readonly direction: Direction;
  /** The provider's own code of how the call was made. */
  readonly call_mode: string | null;
  readonly caller: string | null;
  readonly callee: string | null;
  readonly agent: string | null;
  readonly started_at: string;
  readonly ringing_at: string | null;
  /** Set only when the call was answered. */
  readonly answered_at: string | null;
  readonly ended_at: string | null;
  /** End − start. */
  readonly duration_seconds: number | null;
  readonly ring_seconds: number | null;
  /** Answered conversation (billsec). */
  readonly talk_seconds: number | null;
  readonly billed_seconds: number | null;
  /** A decimal string; sums of it are exact only within one currency. */
  readonly cost: string | null;
  readonly currency: string | null;
  readonly disposition: Disposition;
  /** The provider's raw code. */
  readonly hangup_cause: string | null;
  readonly hangup_reason: string | null;
  readonly hangup_party: HangupParty | null;
  readonly recording_ref: string | null;
  readonly recording_state: RecordingState;
  /** False for fee rows (rent, settlement) that stand in the same list. */
  readonly is_call: boolean;
  readonly flags: readonly CallFlag[];
  /** The provider's business fields. */
  readonly custom: JsonObject;
}
