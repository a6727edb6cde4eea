import { type Compilable, type Selectable, sql } from 'kysely';
import { type Engine, engineOf } from './engine.ts';
import type { Database } from './opening.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
import type { CallVersionsTable } from './schema.ts';
import type { Store } from './store.ts';

export { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';

/** Which calls are wanted: of each account, those started in a half-open range of ISO times. */
export interface RecordRange {
  readonly accountId: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** The records as one JSON line each, `custom` and `raw` as they were received. */
export function recordJson(record: StoredRecord): string {
  // By concatenation: half the time of a list that is joined.
  let text = '';
  for (const column of RECORD_COLUMNS) text += HEADS[column] + columnJson(column, record);
  return `${text}}`;
}

/** What stands before the value of a column. */
const HEADS = Object.fromEntries(
  RECORD_COLUMNS.map((column, index) => [column, `${index === 0 ? '{' : ','}"${column}":`]),
);

function columnJson(column: (typeof RECORD_COLUMNS)[number], record: StoredRecord): string {
  if (column === 'is_call') return record.is_call === 1 ? 'true' : 'false';
  // JSON already; parsing it would only risk its numbers.
  if (column === 'flags' || column === 'custom' || column === 'raw') return record[column];
  const value = record[column];
  if (value === null) return 'null';
  return typeof value === 'string' ? stringJson(value) : String(value);
}

/** Nothing in it that JSON writes otherwise. */
const PLAIN = /^[ !#-[\]-~]*$/;

function stringJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Rows as they come: so many at once, since a promise for each would take as long as the row itself. */
export type Batches<Row> = AsyncIterable<readonly Row[]>;

/** So many rows are one way to a server and back. */
const BATCH = 500;

export async function* inBatches<Row>(db: Database, query: Compilable<Row>): Batches<Row> {
  for await (const { rows } of db.getExecutor().stream(query.compile(), BATCH)) yield rows;
}

/** Streams records ordered by `started_at, account_id, call_id`, over all accounts where none is named. */
export function streamRecords(
  store: Store,
  ranges: readonly RecordRange[] | null,
): Batches<StoredRecord> {
  return inBatches(store.db, recordsQuery(store, ranges));
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
  const [versions = []] = await readVersionsOf(store, [current]);
  return versions;
}

/** The same for some calls, in their order. */
export async function readVersionsOf(
  store: Store,
  calls: readonly VersionKey[],
): Promise<readonly (readonly CallVersion[])[]> {
  const changed = Map.groupBy(
    calls.filter(({ version }) => version > 1),
    ({ account_id }) => account_id,
  );
  const found = new Map<string, Map<string, CallVersion[]>>();
  for (const [accountId, some] of changed) {
    const ids = some.map(({ call_id }) => call_id);
    const versions = (await versionsQuery(store, accountId, ids).execute()).map(versionOf);
    found.set(
      accountId,
      Map.groupBy(versions, ({ record }) => record.call_id),
    );
  }
  return calls.map(({ account_id, call_id, version }) =>
    // The call may have been read before these, and have changed in between.
    (found.get(account_id)?.get(call_id) ?? []).filter(({ record }) => record.version < version),
  );
}

function versionOf(stored: Selectable<CallVersionsTable>): CallVersion {
  const { account_id, call_id, version, record, raw, change_reason, replaced_at } = stored;
  const columns: Omit<StoredRecord, 'account_id' | 'call_id' | 'version' | 'raw'> =
    JSON.parse(record);
  return {
    record: { ...columns, account_id, call_id, version, raw },
    change_reason,
    replaced_at,
  };
}

type VersionKey = Pick<StoredRecord, 'account_id' | 'call_id' | 'version'>;

export function versionsQuery({ db }: Store, accountId: string, callIds: readonly string[]) {
  return db
    .selectFrom('call_versions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('call_id', 'in', callIds)
    .orderBy('call_id')
    .orderBy('version');
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
