import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';

/**
 * The tables as SQLite has them after its fifth migration, in PostgreSQL's own
 * types: `timestamptz`, `date`, `numeric`, and `json` for what has to come back
 * as it was written (`jsonb` rewrites numbers and refuses some texts).
 *
 * Texts are compared byte by byte (`collate "C"`): an export is in the same
 * order whatever the database's language, and the same as SQLite's.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  await sql`insert into meta (name, value) values ('store_id', ${randomUUID()})`.execute(db);
  // Its first number is 1, and `last_value` is the last one given from the beginning on.
  await sql`select nextval('change_seq')`.execute(db);
}

const text = 'text collate "C"';

const CALLS = `
  create table calls (
    account_id ${text} not null,
    provider ${text} not null,
    call_id ${text} not null,
    native_id ${text},
    correlation_id ${text},
    direction ${text} not null,
    call_mode ${text},
    caller ${text},
    callee ${text},
    agent ${text},
    started_at timestamptz not null,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    duration_seconds bigint,
    ring_seconds bigint,
    talk_seconds bigint,
    billed_seconds bigint,
    cost numeric,
    currency ${text},
    disposition ${text} not null,
    hangup_cause ${text},
    hangup_reason ${text},
    hangup_party ${text},
    recording_ref ${text},
    recording_state ${text} not null,
    is_call smallint not null,
    flags json not null,
    custom json not null,
    source ${text} not null,
    listed_on date not null,
    version bigint not null,
    change_seq bigint not null,
    first_seen_at timestamptz not null,
    changed_at timestamptz not null,
    missing_since timestamptz,
    mapping_version integer not null,
    raw json not null,
    listed_exact smallint not null,
    identity_key ${text} not null,
    content_hash ${text} not null,
    erasure_id ${text},
    constraint calls_key primary key (account_id, call_id)
  )`;

const STATEMENTS = [
  'create sequence change_seq minvalue 0 start 0',
  `create table meta (name ${text} primary key, value ${text} not null)`,
  `create table accounts (
    id ${text} primary key,
    provider ${text} not null,
    start_at bigint not null,
    watermark bigint not null,
    clock_skew bigint,
    today_refused_until bigint
  )`,
  `create table leases (
    account_id ${text} primary key,
    epoch bigint not null,
    holder ${text},
    acquired_at bigint not null,
    heartbeat_at bigint not null,
    writes bigint not null default 0
  ) with (fillfactor = 50)`,
  `create table windows (
    id ${text} primary key,
    account_id ${text} not null,
    lane ${text} not null,
    from_at bigint not null,
    to_at bigint not null,
    cursor ${text},
    walks integer not null,
    begun_at bigint,
    pages integer not null,
    total bigint,
    total_moved ${text} not null,
    previous ${text}
  )`,
  'create index windows_by_account on windows (account_id, lane, from_at)',
  `create table window_pages (
    window_id ${text} not null references windows (id) on delete cascade,
    page integer not null,
    seen bytea not null,
    primary key (window_id, page)
  )`,
  `create table window_rows (
    window_id ${text} not null references windows (id) on delete cascade,
    position integer not null,
    raw ${text} not null,
    primary key (window_id, position)
  )`,
  `create table holes (
    id ${text} primary key,
    account_id ${text} not null,
    from_at bigint not null,
    to_at bigint not null,
    reason ${text} not null,
    since bigint not null,
    attempts integer not null,
    next_try_at bigint not null
  )`,
  'create index holes_by_account on holes (account_id, from_at)',
  `create table days (
    account_id ${text} not null,
    day date not null,
    state ${text} not null,
    proven_to bigint not null,
    provider_total bigint,
    listed bigint,
    accepted_reason ${text},
    updated_at bigint not null,
    primary key (account_id, day)
  )`,
  `create table audits (
    account_id ${text} not null,
    day date not null,
    audited_at bigint not null,
    state ${text} not null,
    provider_total bigint,
    listed bigint not null,
    stored bigint not null,
    new bigint not null,
    changed bigint not null,
    missing bigint not null,
    vanished bigint not null,
    quarantined bigint not null,
    duplicates bigint not null,
    talk_seconds bigint not null,
    cost ${text} not null,
    digest ${text} not null,
    latest_seconds bigint,
    primary key (account_id, day, audited_at)
  )`,
  `create table runs (
    id ${text} primary key,
    account_id ${text} not null,
    trigger ${text} not null,
    started_at bigint not null,
    ended_at bigint,
    state ${text},
    error json,
    windows bigint not null default 0,
    requests bigint not null default 0,
    fetched bigint not null default 0,
    inserted bigint not null default 0,
    changed bigint not null default 0,
    unchanged bigint not null default 0,
    duplicates bigint not null default 0,
    quarantined bigint not null default 0,
    missing bigint not null default 0,
    holes bigint not null default 0
  )`,
  'create index runs_by_account on runs (account_id, started_at)',
  CALLS,
  'create index calls_in_order on calls (started_at, account_id, call_id)',
  'create index calls_by_day on calls (account_id, listed_on)',
  'create index calls_by_native_id on calls (account_id, native_id) where native_id is not null',
  'create index calls_by_other_identity on calls (account_id, identity_key) where identity_key <> call_id',
  'create index calls_by_change on calls (change_seq)',
  'create index calls_by_caller on calls (caller, started_at) where caller is not null',
  'create index calls_by_callee on calls (callee, started_at) where callee is not null',
  `create table call_versions (
    account_id ${text} not null,
    call_id ${text} not null,
    version bigint not null,
    change_reason ${text} not null,
    replaced_at timestamptz not null,
    record json not null,
    raw json not null,
    primary key (account_id, call_id, version)
  )`,
  `create table quarantine (
    account_id ${text} not null,
    digest ${text} not null,
    listed_on date not null,
    reason ${text} not null,
    raw ${text} not null,
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    resolved_at bigint,
    primary key (account_id, listed_on, digest)
  )`,
  `create table dimensions (
    account_id ${text} not null,
    dimension ${text} not null,
    id ${text} not null,
    name ${text} not null,
    raw ${text} not null,
    seen_at bigint not null,
    primary key (account_id, dimension, id)
  )`,
  `create table pauses (
    account_id ${text} primary key,
    since bigint not null,
    until bigint not null,
    refusals integer not null,
    login ${text} not null
  )`,
  `create table backfills (
    id ${text} primary key,
    account_id ${text} not null,
    from_at bigint not null,
    to_at bigint not null,
    concurrency integer not null,
    windows integer not null,
    requested_at bigint not null,
    next_try_at bigint not null,
    finished_at bigint,
    state ${text}
  )`,
  `create table erasures (
    id ${text} primary key,
    kind ${text} not null,
    requested_at bigint not null,
    requested_by ${text},
    reason ${text} not null,
    accounts ${text},
    digests ${text} not null,
    erased_to ${text},
    files_clean_at bigint
  )`,
  `create table erasure_accounts (
    erasure_id ${text} not null,
    account_id ${text} not null,
    calls bigint not null,
    versions bigint not null,
    quarantined bigint not null,
    held bigint not null,
    finished_at bigint,
    primary key (erasure_id, account_id)
  )`,
  `create table retentions (
    account_id ${text} primary key,
    in_force bigint,
    announced bigint,
    announced_at bigint
  )`,
];
