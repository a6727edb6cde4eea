import SQLite from 'better-sqlite3';
import pg from 'pg';

/**
 * Loaded into the real binary with `--import`: kills it, as the kernel would,
 * just before or just after the n-th statement of a kind, named by
 * CDRSYNC_TEST_KILL as `<before|after> <n> <beginning of the statement>`.
 * After means: the database has answered, and nothing else was done with that.
 */
const [, when, count, beginning] =
  /^(before|after) (\d+) (.+)$/.exec(process.env['CDRSYNC_TEST_KILL'] ?? '') ?? [];

let left = Number(count);

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment; nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
}

/** What is to come after the statement that is being sent. */
function sent(): () => void {
  left -= 1;
  if (left !== 0) return () => undefined;
  if (when === 'before') die();
  return die;
}

// The methods are set by reflection: the types of the drivers know no replaced ones.

function killAtSqlite(start: string): void {
  const { prepare } = SQLite.prototype;
  Reflect.set(SQLite.prototype, 'prepare', function (this: SQLite.Database, text: string) {
    const statement = prepare.call(this, text);
    if (!text.startsWith(start)) return statement;
    const { run } = statement;
    Reflect.set(statement, 'run', (...values: unknown[]) => {
      const answered = sent();
      const result: unknown = Reflect.apply(run, statement, values);
      answered();
      return result;
    });
    return statement;
  });
}

function killAtPostgres(start: string): void {
  const { query } = pg.Client.prototype;
  Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...values: unknown[]) {
    const [text] = values;
    const matches = typeof text === 'string' && text.startsWith(start);
    if (!matches) return Reflect.apply(query, this, values);
    const answered = sent();
    const result: unknown = Reflect.apply(query, this, values);
    if (!(result instanceof Promise)) throw new TypeError('a query whose end is not promised');
    return result.then((value: unknown) => {
      answered();
      return value;
    });
  });
}

if (beginning !== undefined) {
  killAtSqlite(beginning);
  killAtPostgres(beginning === 'begin' ? 'start transaction' : beginning);
}
