import SQLite from 'better-sqlite3';

/**
 * Loaded into the real binary with `--import`: kills it, as the kernel would,
 * just before or just after the n-th statement of a kind, named by
 * CDRSYNC_TEST_KILL as `<before|after> <n> <beginning of the statement>`.
 */
const [, when, count, beginning] =
  /^(before|after) (\d+) (.+)$/.exec(process.env['CDRSYNC_TEST_KILL'] ?? '') ?? [];

if (beginning !== undefined) {
  let left = Number(count);
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL');
    // The signal may take a moment; nothing may happen in it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  };
  const { prepare } = SQLite.prototype;
  // Set by reflection: the types of the driver know no replaced method.
  Reflect.set(SQLite.prototype, 'prepare', function (this: SQLite.Database, text: string) {
    const statement = prepare.call(this, text);
    if (!text.startsWith(beginning)) return statement;
    const { run } = statement;
    Reflect.set(statement, 'run', (...values: unknown[]) => {
      left -= 1;
      if (left === 0 && when === 'before') die();
      const result: unknown = Reflect.apply(run, statement, values);
      if (left === 0 && when === 'after') die();
      return result;
    });
    return statement;
  });
}
