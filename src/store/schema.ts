import type { DayState } from '../day-state.ts';

/**
 * The tables. Instants of the store's own bookkeeping are integers
 * (milliseconds since 1970 UTC); the columns of `calls`, which other programs
 * read, are ISO 8601 text. JSON is text, so that it comes back as written.
 */
export interface Schema {
  accounts: AccountsTable;
  leases: LeasesTable;
  windows: WindowsTable;
  window_pages: WindowPagesTable;
  window_rows: WindowRowsTable;
  holes: HolesTable;
  days: DaysTable;
  audits: AuditsTable;
  runs: RunsTable;
  calls: CallsTable;
  call_versions: CallVersionsTable;
  quarantine: QuarantineTable;
  dimensions: DimensionsTable;
  counters: CountersTable;
  meta: MetaTable;
  pauses: PausesTable;
  backfills: BackfillsTable;
  erasures: ErasuresTable;
  erasure_accounts: ErasureAccountsTable;
  retentions: RetentionsTable;
}

export interface AccountsTable {
  id: string;
  provider: string;
  /** Where the account's history begins; fixed at its first run, later only moved earlier. */
  start_at: number;
  /** Everything from `start_at` to here was walked, except the holes. */
  watermark: number;
  /** The provider's clock minus ours, in milliseconds; null until a response told it. */
  clock_skew: number | null;
  /** Until when the current day is not asked for, because the provider refused it. */
  today_refused_until: number | null;
}

/** Who may walk an account. Every write transaction updates this row first: the fence. */
export interface LeasesTable {
  account_id: string;
  epoch: number;
  /** JSON of the holder; null when free. */
  holder: string | null;
  acquired_at: number;
  heartbeat_at: number;
  writes: number;
}

/** A pending window of an account. Gone once it is proven, split, or a hole. */
export interface WindowsTable {
  id: string;
  account_id: string;
  /** `live`, `closing`, `hole`, `earlier`, or `backfill <from> <to>`. */
  lane: string;
  from_at: number;
  to_at: number;
  /** The provider's position: what to ask next. Null before the first page. */
  cursor: string | null;
  /** Walks of this window that reached their end and proved nothing. */
  walks: number;
  /** When the current walk asked for its first page. */
  begun_at: number | null;
  /** Pages of the current walk so far. */
  pages: number;
  /** The total that the walk's last response stated. */
  total: number | null;
  /** How the total changed from response to response of the walk. */
  total_moved: 'held' | 'grew' | 'shrank';
  /** Digest of the identities that the walk before listed, where it was a full one. */
  previous: string | null;
}

/** What a walk has seen, one entry a page: the digests of its identities, eight bytes each. */
export interface WindowPagesTable {
  window_id: string;
  page: number;
  seen: Buffer;
}

/** Rows of a walk that are held back until its proof. */
export interface WindowRowsTable {
  window_id: string;
  position: number;
  raw: string;
}

/** A span that was walked and could not be proven. */
export interface HolesTable {
  id: string;
  account_id: string;
  from_at: number;
  to_at: number;
  reason: string;
  since: number;
  /** Retries so far. */
  attempts: number;
  next_try_at: number;
}

/** The day ledger. */
export interface DaysTable {
  account_id: string;
  /** Provider-local. */
  day: string;
  state: DayState;
  /** Reads begun after the day was closed have proven it from its beginning up to here. */
  proven_to: number;
  /** Of the last read of the whole day; null where unknown. */
  provider_total: number | null;
  listed: number | null;
  /** Why a person closed the day as it is; null where none did. */
  accepted_reason: string | null;
  updated_at: number;
}

/** Every audit of a day, kept for ever. */
export interface AuditsTable {
  account_id: string;
  day: string;
  audited_at: number;
  /** What the audit made of the day. */
  state: DayState;
  /** Null where the provider states none, or the day was read in parts. */
  provider_total: number | null;
  /** Distinct calls that the provider lists under the day. */
  listed: number;
  /** Calls first listed under the day that the store holds afterwards, the missing ones left out. */
  stored: number;
  new: number;
  changed: number;
  /** Calls of the day that the provider lists no more: marked by this audit. */
  missing: number;
  /** Calls that were gone, so many at once that none was marked. */
  vanished: number;
  quarantined: number;
  duplicates: number;
  /** Σ talk_seconds of what is stored. */
  talk_seconds: number;
  /** JSON: Σ cost by currency, exact. */
  cost: string;
  /** sha256 over the sorted (call_id, content hash) of what is stored. */
  digest: string;
  /** How long after their end the calls that were new were first listed, the longest; null where none was. */
  latest_seconds: number | null;
}

export interface RunsTable {
  id: string;
  account_id: string;
  trigger: string;
  started_at: number;
  /** Null while it runs, or when it was killed. */
  ended_at: number | null;
  /** `ok`, `incomplete`, `failed` or `stopped`; null without an end. */
  state: string | null;
  windows: number;
  requests: number;
  fetched: number;
  inserted: number;
  changed: number;
  unchanged: number;
  duplicates: number;
  quarantined: number;
  missing: number;
  holes: number;
  /** JSON `{code, class, message, hint}`. */
  error: string | null;
}

/** The unified record's columns, and what the store keeps to recognise a call. A type, so that it also passes for a row of any table. */
export type CallsTable = {
  account_id: string;
  provider: string;
  call_id: string;
  native_id: string | null;
  correlation_id: string | null;
  direction: string;
  call_mode: string | null;
  caller: string | null;
  callee: string | null;
  agent: string | null;
  started_at: string;
  ringing_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  duration_seconds: number | null;
  ring_seconds: number | null;
  talk_seconds: number | null;
  billed_seconds: number | null;
  cost: string | null;
  currency: string | null;
  disposition: string;
  hangup_cause: string | null;
  hangup_reason: string | null;
  hangup_party: string | null;
  recording_ref: string | null;
  recording_state: string;
  is_call: number;
  flags: string;
  custom: string;
  source: string;
  listed_on: string;
  version: number;
  change_seq: number;
  first_seen_at: string;
  changed_at: string;
  missing_since: string | null;
  mapping_version: number;
  raw: string;
  /** 0 where a window of several days listed it, and its day is a guess until a read of one day lists it. */
  listed_exact: number;
  /** What the provider calls this call now; `call_id` stays what it was first. */
  identity_key: string;
  /** sha256 of the canonical raw payload; of an erased call, of what is left of it. */
  content_hash: string;
  /** By which erasure it was overwritten; null where it was not. */
  erasure_id: string | null;
};

/** What a call was before a change. */
export interface CallVersionsTable {
  account_id: string;
  call_id: string;
  version: number;
  change_reason: string;
  replaced_at: string;
  /** JSON of the record's mapped columns. */
  record: string;
  raw: string;
}

/** Rows that do not parse, as received. */
export interface QuarantineTable {
  account_id: string;
  /** sha256 of the raw text. */
  digest: string;
  listed_on: string;
  reason: string;
  raw: string;
  first_seen_at: number;
  last_seen_at: number;
  /** When a proven read of its whole day listed it no more; null as long as it is in the way. */
  resolved_at: number | null;
}

export interface DimensionsTable {
  account_id: string;
  dimension: string;
  id: string;
  name: string;
  raw: string;
  seen_at: number;
}

export interface CountersTable {
  name: string;
  value: number;
}

export interface MetaTable {
  name: string;
  value: string;
}

/** An account that its provider refused: what runs unattended leaves it alone for growing times. */
export interface PausesTable {
  account_id: string;
  since: number;
  until: number;
  /** Runs in a row that ended with a refusal. */
  refusals: number;
  /** Salted digest of the login that was refused: with another one the pause is over. */
  login: string;
}

/** A backfill that was handed to the workers. Here and not in the queue, whose content is disposable. */
export interface BackfillsTable {
  id: string;
  account_id: string;
  from_at: number;
  to_at: number;
  concurrency: number;
  /** Planned when it was asked for. */
  windows: number;
  requested_at: number;
  next_try_at: number;
  /** Null while it is to be done. */
  finished_at: number | null;
  /** How its last run ended; null before. */
  state: string | null;
}

/** The register of erasures: who asked, when and why, and by what the number is known again. */
export interface ErasuresTable {
  id: string;
  /** Of a number on a person's request, or of an account's calls beyond its retention. */
  kind: 'request' | 'retention';
  /** What started before is erased, whenever it is listed. */
  requested_at: number;
  /** Who ran the command, as `user@host`. */
  requested_by: string | null;
  reason: string;
  /** JSON of the account ids; null for all, those to come included. */
  accounts: string | null;
  /** JSON: an HMAC of each spelling of the number under the store's own key, never the number. */
  digests: string;
  /** Of a retention: no call that started before is left in clear. ISO 8601 UTC; null where nothing is known. */
  erased_to: string | null;
  /** Of a request: since when the files hold no remains that it could take away; null while that is to be done. */
  files_clean_at: number | null;
}

/** What an erasure has overwritten in an account. */
export interface ErasureAccountsTable {
  erasure_id: string;
  account_id: string;
  calls: number;
  versions: number;
  quarantined: number;
  held: number;
  /** Null while it is to be done. */
  finished_at: number | null;
}

/** The retention by which an account's calls are overwritten, and the one that is to come. Milliseconds. */
export interface RetentionsTable {
  account_id: string;
  /** Null until the first one was announced for long enough. */
  in_force: number | null;
  /** One that is configured and would overwrite more. */
  announced: number | null;
  announced_at: number | null;
}
