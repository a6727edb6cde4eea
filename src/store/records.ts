import { type Selectable, sql } from 'kysely';
import { type Engine, engineOf } from './engine.ts';
import type { CallsTable } from './schema.ts';
import type { Store } from './store.ts';

/** Which calls are wanted: of each account, those started in a half-open range of ISO times. */
export interface RecordRange {
  readonly accountId: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The columns of the unified record, in their order. */
export const RECORD_COLUMNS = [
  'account_id',
  'provider',
  'call_id',
  'native_id',
  'correlation_id',
  'direction',
  'call_mode',
  'caller',
  'callee',
  'agent',
  'started_at',
  'ringing_at',
  'answered_at',
  'ended_at',
  'duration_seconds',
  'ring_seconds',
  'talk_seconds',
  'billed_seconds',
  'cost',
  'currency',
  'disposition',
  'hangup_cause',
  'hangup_reason',
  'hangup_party',
  'recording_ref',
  'recording_state',
  'is_call',
  'flags',
  'custom',
  'source',
  'listed_on',
  'version',
  'change_seq',
  'first_seen_at',
  'changed_at',
  'missing_since',
  'mapping_version',
  'raw',
] as const satisfies readonly (keyof CallsTable)[];

export type StoredRecord = Pick<Selectable<CallsTable>, (typeof RECORD_COLUMNS)[number]>;

/** The records as one JSON line each, `custom` and `raw` as they were received. */
export function recordJson(record: StoredRecord): string {
  const parts = RECORD_COLUMNS.map((column) => `"${column}":${columnJson(column, record)}`);
  return `{${parts.join(',')}}`;
}

function columnJson(column: (typeof RECORD_COLUMNS)[number], record: StoredRecord): string {
  if (column === 'is_call') return record.is_call === 1 ? 'true' : 'false';
  // JSON already; parsing it would only risk its numbers.
  if (column === 'flags' || column === 'custom' || column === 'raw') return record[column];
  return JSON.stringify(record[column]);
}

/** A way to a server and back for so many rows; SQLite takes them one by one. */
export const ROWS_A_FETCH = 1000;

/** Streams records ordered by `started_at, account_id, call_id`, over all accounts where none is named. */
export function streamRecords(
  store: Store,
  ranges: readonly RecordRange[] | null,
): AsyncIterable<StoredRecord> {
  return recordsQuery(store, ranges).stream(ROWS_A_FETCH);
}

/** By the index that has the records in this order already, from the first bound to the last. */
export function recordsQuery({ db }: Store, ranges: readonly RecordRange[] | null) {
  const query = db
    .selectFrom('calls')
    .select(RECORD_COLUMNS)
    .orderBy('started_at')
    .orderBy('account_id')
    .orderBy('call_id');
  if (ranges === null) return query;
  const from = outermost(ranges.map((range) => range.from))[0];
  const to = outermost(ranges.map((range) => range.to)).at(-1);
  return query
    .$if(from !== undefined, (bounded) => bounded.where('started_at', '>=', from ?? ''))
    .$if(to !== undefined, (bounded) => bounded.where('started_at', '<', to ?? ''))
    .where((eb) => eb.or(ranges.map((range) => within(engineOf(db), range))));
}

/** The bounds in order; none where one of the ranges has none. */
function outermost(bounds: readonly (string | null)[]): readonly string[] {
  const known = bounds.filter((bound) => bound !== null);
  return known.length === bounds.length ? known.sort() : [];
}

/**
 * By the bare columns SQLite would look each account or each range up by an
 * index, and then sort all that it finds in a temporary file.
 */
function within({ passedBy }: Engine, { accountId, from, to }: RecordRange) {
  return sql<boolean>`(${passedBy('account_id')} = ${accountId}${
    from === null ? sql`` : sql` and ${passedBy('started_at')} >= ${from}`
  }${to === null ? sql`` : sql` and ${passedBy('started_at')} < ${to}`})`;
}

/** What a call was before a change. */
export interface CallVersion {
  readonly record: StoredRecord;
  /** Why it was replaced. */
  readonly change_reason: string;
  /** ISO 8601 UTC, to the millisecond. */
  readonly replaced_at: string;
}

/** What a call was before each of its changes, the oldest first. */
export async function readVersions(
  store: Store,
  current: VersionKey,
): Promise<readonly CallVersion[]> {
  const { account_id, call_id } = current;
  if (current.version === 1) return [];
  const versions = await versionsQuery(store, current).execute();
  return versions.map(({ record, raw, change_reason, replaced_at, version: number }) => {
    const columns: Omit<StoredRecord, 'account_id' | 'call_id' | 'version' | 'raw'> =
      JSON.parse(record);
    const before = { ...columns, account_id, call_id, version: number, raw };
    return { record: before, change_reason, replaced_at };
  });
}

type VersionKey = Pick<StoredRecord, 'account_id' | 'call_id' | 'version'>;

export function versionsQuery({ db }: Store, { account_id, call_id, version }: VersionKey) {
  return (
    db
      .selectFrom('call_versions')
      .selectAll()
      .where('account_id', '=', account_id)
      .where('call_id', '=', call_id)
      // The record may have been read before these, and have changed in between.
      .where('version', '<', version)
      .orderBy('version')
  );
}

/** Like the record's own, with the reason and the time of the change after it. */
export function versionJson({ record, change_reason, replaced_at }: CallVersion): string {
  const end = `"change_reason":${JSON.stringify(change_reason)},"replaced_at":${JSON.stringify(replaced_at)}`;
  return `${recordJson(record).slice(0, -1)},${end}}`;
}

/** How many records an account has. */
export async function countRecords(store: Store, accountId: string): Promise<number> {
  const { count } = await store.db
    .selectFrom('calls')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  return Number(count);
}
