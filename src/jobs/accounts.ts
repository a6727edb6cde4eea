import type { SyncAccount } from '../sync/account.ts';

/** An account as the worker knows it. */
export interface JobAccount {
  readonly sync: SyncAccount;
  /** Milliseconds after a day's end at which it is audited again. */
  readonly ages: readonly number[];
}

export type JobAccounts = ReadonlyMap<string, JobAccount>;
