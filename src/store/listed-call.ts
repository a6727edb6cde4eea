import type { Call } from '../call.ts';

/** A listed row, mapped, on its way into the store. */
export interface ListedCall {
  readonly call: Call;
  /** The provider-local day under which it is listed. */
  readonly listedOn: string;
  /** False where the window had several days, so that the day is a guess. */
  readonly listedExactly: boolean;
  /** The row as received; `null`, as JSON, where it is erased. */
  readonly raw: string;
  /** sha256 of the canonical raw payload: what decides whether it changed. Of an erased one, of what is left. */
  readonly hash: string;
  /** The erasure under which it falls: then nothing in it names a person. */
  readonly erasureId: string | null;
}

export interface WriteContext {
  /** Called when the rows are on their way to a database that now works for a while, and not in this thread. */
  readonly onBusy?: () => void;
  readonly accountId: string;
  readonly provider: string;
  readonly source: 'pull' | 'push';
  readonly mappingVersion: number;
  /** ISO 8601, to the millisecond. */
  readonly now: string;
}
