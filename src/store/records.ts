import { type SelectQueryBuilder, sql } from 'kysely';
import { type Batches, inBatches, mapEach } from './batches.ts';
import { type Engine, engineOf } from './engine.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';

/** Which calls are wanted: of each account, those started in a half-open range of ISO times. */
export interface RecordRange {
  readonly accountId: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Which calls, in which order: the reader selects the columns. */
export type CallsQuery = SelectQueryBuilder<Schema, 'calls', object>;

export function streamRecords({ db }: Store, calls: CallsQuery): Batches<StoredRecord> {
  return inBatches(db, calls.select(RECORD_COLUMNS));
}

/** Streams what `recordJson` makes of each record. */
export function streamRecordJson(store: Store, calls: CallsQuery): Batches<string> {
  return mapEach(inBatches(store.db, recordJsonQuery(store, calls)), ({ json }) => json);
}

export function recordJsonQuery({ db }: Store, calls: CallsQuery) {
  return calls.select(engineOf(db).recordJson.as('json'));
}

/**
 * The calls of some ranges, ordered by `started_at, account_id, call_id`: by the
 * index that has them in this order already, from the first bound to the last.
 */
export function callsBetween({ db }: Store, ranges: readonly RecordRange[]): CallsQuery {
  const from = outermost(ranges.map((range) => range.from))[0];
  const to = outermost(ranges.map((range) => range.to)).at(-1);
  return db
    .selectFrom('calls')
    .orderBy('started_at')
    .orderBy('account_id')
    .orderBy('call_id')
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

/** How many records an account has. */
export async function countRecords(store: Store, accountId: string): Promise<number> {
  const { count } = await store.db
    .selectFrom('calls')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  return Number(count);
}
