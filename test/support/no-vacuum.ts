import SQLite from 'better-sqlite3';

/** Loaded into the real binary with `--import`: `vacuum` fails with the result code that CDRSYNC_TEST_VACUUM names. */
const code = process.env['CDRSYNC_TEST_VACUUM'];

if (code !== undefined) {
  const { exec } = SQLite.prototype;
  // Set by reflection: the types of the driver know no replaced method.
  Reflect.set(SQLite.prototype, 'exec', function (this: SQLite.Database, text: string) {
    if (text === 'vacuum') throw new SQLite.SqliteError('as the test has it', code);
    return exec.call(this, text);
  });
}
