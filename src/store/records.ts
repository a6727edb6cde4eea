import { type Compilable, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { type Engine, engineOf } from './engine.ts';
import type { Database } from './opening.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
import { recordJson } from './record-json.ts';
import type { CallVersionsTable, Schema } from './schema.ts';
import type { Store } from './store.ts';

export { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
export { recordJson } from './record-json.ts';

/** Which calls are wanted: of each account, those started in a half-open range of ISO times. */
export interface RecordRange {
  readonly accountId: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Rows as they come: so many at once, since a promise for each would take as long as the row itself. */
export type Batches<Row> = AsyncIterable<readonly Row[]>;

/** So many rows are one way to a server and back. */
const BATCH = 500;

export async function* inBatches<Row>(db: Database, query: Compilable<Row>): Batches<Row> {
  for await (const { rows } of db.getExecutor().stream(query.compile(), BATCH)) yield rows;
}

/** Which calls in which order, before it is said what of them. */
export type CallsQuery = SelectQueryBuilder<Schema, 'calls', object>;

export function streamRecords({ db }: Store, calls: CallsQuery): Batches<StoredRecord> {
  return inBatches(db, calls.select(RECORD_COLUMNS));
}

/** Streams what `recordJson` makes of each record. */
export async function* streamJson(store: Store, calls: CallsQuery): Batches<string> {
  const { recordText } = engineOf(store.db);
  if (recordText === null) {
    for await (const records of streamRecords(store, calls)) yield records.map(recordJson);
  } else {
    const texts = calls.select(recordText.as('json'));
    for await (const rows of inBatches(store.db, texts)) yield rows.map(({ json }) => json);
  }
}

/**
 * The calls of some ranges, or of all accounts where these are null, ordered by
 * `started_at, account_id, call_id`: by the index that has them in this order
 * already, from the first bound to the last.
 */
export function callsBetween({ db }: Store, ranges: readonly RecordRange[] | null): CallsQuery {
  const query = db
    .selectFrom('calls')
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
