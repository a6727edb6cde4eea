import type { Kysely, RawBuilder, Transaction } from 'kysely';
import type { BulkTable, Row } from './bulk.ts';
import type { Identity, StoredCall } from './identity.ts';
import type { StoredRecord } from './record-columns.ts';
import type { CallsTable, Schema } from './schema.ts';

/**
 * What one kind of database does otherwise than another. All that is said in
 * SQL which both understand stands outside, once.
 */
export interface Engine {
  /** Whether it works while this thread does something else. */
  readonly aside: boolean;
  /**
   * Now, in milliseconds since 1970, by the clock that leases go by: of all
   * processes that share the store there is one, wherever they run.
   */
  clock(): RawBuilder<number>;
  /**
   * One write transaction. `write` may be called again where the database gave
   * it up (a deadlock, a connection that was lost), so that it may change
   * nothing but the database.
   */
  transact<Result>(
    db: Kysely<Schema>,
    write: (trx: Transaction<Schema>) => Promise<Result>,
  ): Promise<Result>;
  /**
   * Reads the store as it is at one moment. A `long` one may stand still between
   * two queries for as long as it takes to write elsewhere what was read.
   */
  snapshot<Result>(
    db: Kysely<Schema>,
    read: (db: Kysely<Schema>) => Promise<Result>,
    length?: 'short' | 'long',
  ): Promise<Result>;
  /** `count` numbers of the change sequence, ascending, for rows that this transaction writes. */
  takeSequence(trx: Transaction<Schema>, count: number): Promise<readonly number[]>;
  /**
   * The greatest number up to which a follower may believe to have seen all:
   * no transaction will still commit one at or below it, and no power cut takes
   * back what stands there. Null where that cannot be known.
   */
  followableSequence(db: Kysely<Schema>): Promise<number | null>;
  /** The greatest number that was given so far, committed or not. */
  lastSequence(db: Kysely<Schema>): Promise<number>;
  /** The next number that is given will be greater than `last`. */
  setSequence(trx: Transaction<Schema>, last: number): Promise<void>;
  /** The calls that carry one of these identities in any of the columns that hold one. */
  knownCalls(
    trx: Transaction<Schema>,
    accountId: string,
    identities: readonly Identity[],
  ): Promise<readonly StoredCall[]>;
  /**
   * The newest calls that one of these spellings of a number made or received:
   * more than `limit` of them where there are so many. One that did both may
   * come twice.
   */
  callsOfNumber(db: Kysely<Schema>, look: NumberLook): Promise<readonly StoredRecord[]>;
  /** Inserts calls, or overwrites those of the same id: each id once. */
  upsertCalls(trx: Transaction<Schema>, rows: readonly CallsTable[]): Promise<void>;
  /** Inserts rows that are not there yet, of any table. */
  insertRows(trx: Transaction<Schema>, table: BulkTable, rows: readonly Row[]): Promise<void>;
  /** Lets the database learn what its tables are like by now, where it does not do so by itself. */
  analyze(db: Kysely<Schema>): Promise<void>;
  /** Bytes that the store takes, and roughly how many calls it has. */
  footprint(db: Kysely<Schema>): Promise<Footprint>;
  /**
   * A column for a condition by which SQLite must not choose its index: it
   * knows no other way than to hide the column, where PostgreSQL goes by what
   * the values are.
   */
  passedBy(column: 'account_id' | 'started_at'): RawBuilder<string>;
  /** What `recordJson` makes of a call, made by the database. */
  readonly recordJson: RawBuilder<string>;
  /** From now on what is deleted is overwritten, as far as the database can. */
  overwriteDeleted(db: Kysely<Schema>): Promise<void>;
}

/** Where and when to look for a number. */
export interface NumberScope {
  /** Null for every account. */
  readonly accountIds: readonly string[] | null;
  /** ISO 8601 UTC, half-open; null for no bound. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface NumberLook {
  /** The spellings of the number. */
  readonly forms: readonly string[];
  readonly scope: NumberScope;
  readonly limit: number;
}

export interface Footprint {
  readonly bytes: number;
  readonly calls: number;
}

/** How a dialect says which engine it is: a transaction knows its adapter, and nothing else of where it came from. */
export interface EngineAdapter {
  readonly engine: Engine;
}

/** The engine of a database, or of a transaction in it. */
export function engineOf(db: Pick<Kysely<Schema>, 'getExecutor'>): Engine {
  const { adapter } = db.getExecutor();
  if (isEngineAdapter(adapter)) return adapter.engine;
  throw new TypeError('a database that no engine of the store has opened');
}

function isEngineAdapter(adapter: object): adapter is EngineAdapter {
  return 'engine' in adapter;
}
