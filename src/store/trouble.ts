import SQLite from 'better-sqlite3';
import type { ErrorCode } from '../codes/catalogue.ts';
import { CdrError, configError, fault } from '../errors.ts';

/** What can be wrong with a store, in words for its operator. */

/** There is no store where one must be. */
export function missing(path: string): CdrError {
  return configError('store.missing', `there is no store at ${path.replace(/^sqlite:/, '')}`);
}

export function outdated(path: string): CdrError {
  return new CdrError(fault('store.outdated', `the store ${path} is of an older version`));
}

export function newer(path: string): CdrError {
  return new CdrError(fault('store.newer', `the store ${path} was written by a newer cdrsync`));
}

export function foreign(path: string): CdrError {
  const words = `the database ${path} holds tables that are not cdrsync's`;
  return new CdrError(fault('store.foreign', words));
}

/** By the beginning of SQLite's result code. */
const TROUBLES: readonly (readonly [prefix: string, code: ErrorCode, message: string])[] = [
  ['SQLITE_FULL', 'store.full', 'the disk is full'],
  ['SQLITE_READONLY', 'store.readonly', 'the store cannot be written'],
  ['SQLITE_BUSY', 'store.busy', 'another process holds the store'],
  ['SQLITE_CORRUPT', 'store.corrupt', 'the store is damaged'],
  ['SQLITE_NOTADB', 'store.corrupt', 'the file is no SQLite database'],
  ['SQLITE_CANTOPEN', 'store.unopened', 'the store cannot be opened'],
  ['SQLITE_IOERR', 'store.io', 'the disk failed'],
];

/** A failure of the database as a CdrError of class `store`; anything else as it came. */
export function toStoreError(error: unknown, path?: string): unknown {
  const where = path === undefined ? '' : ` (${path})`;
  if (error instanceof SQLite.SqliteError) {
    const known = TROUBLES.find(([prefix]) => error.code.startsWith(prefix));
    const [, code, message] = known ?? [
      '',
      'store.failed' as const,
      `the store failed with ${error.code}`,
    ];
    return new CdrError(fault(code, message + where), {}, error);
  }
  if (isFileError(error)) {
    const message = `the store cannot be opened: ${error.code}${where}`;
    return new CdrError(fault('store.unopened', message), {}, error);
  }
  return error;
}

function isFileError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    typeof error.code === 'string'
  );
}
