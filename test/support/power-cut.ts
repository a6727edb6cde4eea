import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import SQLite from 'better-sqlite3';

/**
 * Loaded into the real binary with `--import`: whatever is flushed to disk is
 * copied, with the store that it belongs to, to CDRSYNC_TEST_SURVIVES: what a
 * power cut at any later moment would leave. Then another process writes on.
 */
const copy = process.env['CDRSYNC_TEST_SURVIVES'];
const store = process.env['CDRSYNC_TEST_STORE'];

if (copy !== undefined && store !== undefined) {
  const { fsyncSync } = fs;
  Reflect.set(fs, 'fsyncSync', (handle: number) => {
    fsyncSync(handle);
    const journal = `${store}-wal`;
    if (fs.fstatSync(handle).ino !== fs.statSync(journal).ino) return;
    fs.copyFileSync(store, copy);
    fs.copyFileSync(journal, `${copy}-wal`);
    const database = new SQLite(store);
    database.exec(`begin immediate;
      update counters set value = value + 1;
      update calls set change_seq = (select value from counters), agent = 'not yet on disk'
        where rowid = (select min(rowid) from calls);
      commit`);
    database.close();
  });
  syncBuiltinESMExports();
}
