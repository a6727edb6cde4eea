import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely';
import type { Engine, EngineAdapter } from '../engine.ts';
import { sqliteEngine } from './engine.ts';

/**
 * How long a writer waits for another process's transaction; ours take
 * milliseconds. SQLite itself waits without letting anything else of this
 * process run (signals, timers, other accounts), so it waits a moment at a time.
 */
const BUSY_WAIT_MS = 10_000;
const BUSY_MOMENT_MS = 100;

export interface SqliteFile {
  readonly dialect: SqliteDialect;
  /** Whether the file existed before. */
  readonly existed: boolean;
  /** Sets the file's own mode, once it is known to be a store of ours. */
  prepareToWrite(): void;
  /** A consistent copy, made while the file is in use. */
  backup(path: string): Promise<void>;
}

/**
 * Opens a SQLite file; `write` creates it, readable by its owner only.
 *
 * @throws SqliteError where it is no database or cannot be opened.
 */
export function openSqlite(path: string, access: 'read' | 'write'): SqliteFile {
  const existed = existsSync(path);
  if (access === 'write' && !existed) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Made before SQLite opens it, so that it is never readable by others, not even for a moment.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  }
  const database = new SQLite(path, {
    readonly: access === 'read',
    fileMustExist: true,
    timeout: BUSY_MOMENT_MS,
  });
  database.pragma('foreign_keys = ON');
  return {
    dialect: new ImmediateSqliteDialect(
      { database: cachingStatements(database) },
      sqliteEngine(database, path),
    ),
    existed,
    prepareToWrite: () => {
      database.pragma('journal_mode = WAL');
      // With NORMAL a power cut may lose the last pages of the journal, calls and cursor together,
      // and the next run reads them again; FULL costs 0.5 ms a page and saves no call.
      database.pragma('synchronous = NORMAL');
      // In KiB. With SQLite's own 2 MB the indexes of a large store are read anew for each page; with
      // 16 MB a first sync of 400,000 calls takes as long, and 8 MB more of memory.
      database.pragma('cache_size = -8000');
      // Pages of 4 KB in the journal before it is moved into the file: the pages of the indexes, which
      // each page of calls touches anew, are moved once for all. Of 400,000 new calls a row took 65 µs
      // with 4000 pages, 46 with 16000, 43 with 32000.
      database.pragma('wal_autocheckpoint = 16000');
    },
    backup: async (target) => {
      await database.backup(target);
      chmodSync(target, 0o600);
    },
  };
}

/**
 * Kysely prepares each statement anew; the few hundred that occur are kept. A
 * statement that is still being iterated cannot be run again, so that one is
 * prepared afresh.
 */
function cachingStatements(database: SQLite.Database): SqliteDatabase {
  const statements = new Map<string, SQLite.Statement<unknown[]>>();
  return {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare: (text) => {
      const known = statements.get(text);
      if (known !== undefined && !known.busy) return known;
      const statement = database.prepare<unknown[]>(text);
      if (statements.size >= 500) statements.clear();
      statements.set(text, statement);
      return statement;
    },
  };
}

/**
 * Transactions take the write lock when they begin: one that reads first and
 * writes later fails beside a second writer, whatever the busy timeout. And
 * migrations run inside one transaction, which SQLite can and Kysely's own
 * adapter denies.
 */
class ImmediateSqliteDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  readonly #engine: Engine;

  constructor(config: { readonly database: SqliteDatabase }, engine: Engine) {
    super(config);
    this.#database = config.database;
    this.#engine = engine;
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver({ database: this.#database });
  }

  override createAdapter(): SqliteAdapter & EngineAdapter {
    return Object.assign(new TransactionalDdlAdapter(), { engine: this.#engine });
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  /** When a wait for the lock was given up last: whoever comes next does not wait as long again. */
  #gaveUpAt = Number.NEGATIVE_INFINITY;

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: connection.executeQuery.bind(connection),
      streamQuery: (query, size) =>
        inChunks(connection.streamQuery(query, size), Math.min(size, MOST_ROWS_A_CHUNK)),
    };
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const patience =
      performance.now() - this.#gaveUpAt < BUSY_WAIT_MS ? BUSY_MOMENT_MS : BUSY_WAIT_MS;
    const deadline = performance.now() + patience;
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'));
        return;
      } catch (error) {
        const busy = error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY');
        if (!busy) throw error;
        if (performance.now() > deadline) {
          this.#gaveUpAt = performance.now();
          throw error;
        }
        await sleep(BUSY_MOMENT_MS / 4);
      }
    }
  }

  /** A full disk rolls back by itself; that there is nothing left to roll back must not hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => undefined);
  }
}

/** More would outlive V8's young generation, kept small as it is: an export of 500 at once takes up to a tenth longer. */
const MOST_ROWS_A_CHUNK = 100;

/** Kysely hands rows of SQLite on one by one, each by promises of its own. */
async function* inChunks<Row>(
  results: AsyncIterable<QueryResult<Row>>,
  size: number,
): AsyncGenerator<QueryResult<Row>> {
  let rows: Row[] = [];
  for await (const result of results) {
    rows.push(...result.rows);
    if (rows.length < size) continue;
    yield { rows };
    rows = [];
  }
  if (rows.length > 0) yield { rows };
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
