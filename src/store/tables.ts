import type { BulkTable, ColumnKind } from './bulk.ts';
import type { Schema } from './schema.ts';

/**
 * Every table with what its columns hold. A table or a column that is added to
 * the schema and left out here does not compile. The numbers of changes
 * (`counters`, or a sequence) are the engine's.
 */

export type TableName = Exclude<keyof Schema, 'counters'>;

type Columns = {
  readonly [Table in TableName]: { readonly [Column in keyof Schema[Table]]: ColumnKind };
};

const COLUMNS: Columns = {
  meta: { name: 'text', value: 'text' },
  accounts: {
    ...{ id: 'text', provider: 'text', start_at: 'integer', watermark: 'integer' },
    ...{ clock_skew: 'integer', today_refused_until: 'integer' },
  },
  leases: {
    ...{ account_id: 'text', epoch: 'integer', holder: 'text', acquired_at: 'integer' },
    ...{ heartbeat_at: 'integer', writes: 'integer' },
  },
  windows: {
    ...{ id: 'text', account_id: 'text', lane: 'text', from_at: 'integer', to_at: 'integer' },
    ...{ cursor: 'text', walks: 'integer', begun_at: 'integer', pages: 'integer' },
    ...{ total: 'integer', total_moved: 'text', previous: 'text' },
  },
  window_pages: { window_id: 'text', page: 'integer', seen: 'bytes' },
  window_rows: { window_id: 'text', position: 'integer', raw: 'text' },
  holes: {
    ...{ id: 'text', account_id: 'text', from_at: 'integer', to_at: 'integer' },
    ...{ reason: 'text', since: 'integer', attempts: 'integer', next_try_at: 'integer' },
  },
  days: {
    ...{ account_id: 'text', day: 'day', state: 'text', proven_to: 'integer' },
    ...{ provider_total: 'integer', listed: 'integer' },
    ...{ accepted_reason: 'text', updated_at: 'integer' },
  },
  audits: {
    ...{ account_id: 'text', day: 'day', audited_at: 'integer', state: 'text' },
    ...{ provider_total: 'integer', listed: 'integer', stored: 'integer', new: 'integer' },
    ...{ changed: 'integer', missing: 'integer', vanished: 'integer', quarantined: 'integer' },
    ...{ duplicates: 'integer', talk_seconds: 'integer', cost: 'text', digest: 'text' },
    latest_seconds: 'integer',
  },
  runs: {
    ...{ id: 'text', account_id: 'text', trigger: 'text', started_at: 'integer' },
    ...{ ended_at: 'integer', state: 'text', windows: 'integer', requests: 'integer' },
    ...{ fetched: 'integer', inserted: 'integer', changed: 'integer', unchanged: 'integer' },
    ...{ duplicates: 'integer', quarantined: 'integer', missing: 'integer', holes: 'integer' },
    error: 'json',
  },
  calls: {
    ...{ account_id: 'text', provider: 'text', call_id: 'text', native_id: 'text' },
    ...{ correlation_id: 'text', direction: 'text', call_mode: 'text', caller: 'text' },
    ...{ callee: 'text', agent: 'text', started_at: 'time', ringing_at: 'time' },
    ...{ answered_at: 'time', ended_at: 'time', duration_seconds: 'integer' },
    ...{ ring_seconds: 'integer', talk_seconds: 'integer', billed_seconds: 'integer' },
    ...{ cost: 'decimal', currency: 'text', disposition: 'text', hangup_cause: 'text' },
    ...{ hangup_reason: 'text', hangup_party: 'text', recording_ref: 'text' },
    ...{ recording_state: 'text', is_call: 'integer', flags: 'json', custom: 'json' },
    ...{ source: 'text', listed_on: 'day', version: 'integer', change_seq: 'integer' },
    ...{ first_seen_at: 'time', changed_at: 'time', missing_since: 'time' },
    ...{ mapping_version: 'integer', raw: 'json', listed_exact: 'integer' },
    ...{ identity_key: 'text', content_hash: 'text', erasure_id: 'text' },
  },
  call_versions: {
    ...{ account_id: 'text', call_id: 'text', version: 'integer', change_reason: 'text' },
    ...{ replaced_at: 'time', record: 'json', raw: 'json' },
  },
  quarantine: {
    ...{ account_id: 'text', digest: 'text', listed_on: 'day', reason: 'text', raw: 'text' },
    ...{ first_seen_at: 'integer', last_seen_at: 'integer', resolved_at: 'integer' },
  },
  dimensions: {
    ...{ account_id: 'text', dimension: 'text', id: 'text', name: 'text', raw: 'text' },
    seen_at: 'integer',
  },
  pauses: {
    ...{ account_id: 'text', since: 'integer', until: 'integer', refusals: 'integer' },
    login: 'text',
  },
  backfills: {
    ...{ id: 'text', account_id: 'text', from_at: 'integer', to_at: 'integer' },
    ...{ concurrency: 'integer', windows: 'integer', requested_at: 'integer' },
    ...{ next_try_at: 'integer', finished_at: 'integer', state: 'text' },
  },
  erasures: {
    ...{ id: 'text', kind: 'text', requested_at: 'integer', requested_by: 'text' },
    ...{ reason: 'text', accounts: 'text', digests: 'text', erased_to: 'text' },
    files_clean_at: 'integer',
  },
  erasure_accounts: {
    ...{ erasure_id: 'text', account_id: 'text', calls: 'integer', versions: 'integer' },
    ...{ quarantined: 'integer', held: 'integer', finished_at: 'integer' },
  },
  retentions: {
    ...{ account_id: 'text', in_force: 'integer', announced: 'integer' },
    announced_at: 'integer',
  },
};

export type StoreTable<Name extends TableName = TableName> = BulkTable & { readonly name: Name };

export function tableOf<Name extends TableName>(name: Name): StoreTable<Name> {
  const columns = Object.entries<ColumnKind>(COLUMNS[name]);
  return { name, columns: columns.map(([column, kind]) => ({ name: column, kind })) };
}

/** What the columns of a call hold. */
export const CALL_KINDS = COLUMNS.calls;

export const CALLS = tableOf('calls');
