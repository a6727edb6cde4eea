import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SQLite from 'better-sqlite3';

/**
 * Takes a lock that one process of a machine can hold, containers that share
 * the folder included. It is the lock of a SQLite transaction, which the system
 * releases when its holder dies, however it dies; a file with a process number
 * in it would outlive its writer, and Node offers no lock of files of its own.
 *
 * @returns what gives it back, or null where another process holds it.
 */
export function lockFile(path: string): (() => void) | null {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  const database = new SQLite(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  return () => {
    database.close();
  };
}
