import type { ErrorCode } from '../codes/catalogue.ts';
import { CdrError, configError, fault } from '../errors.ts';
import { codeOf, postgresTrouble, type Trouble } from './postgres/trouble.ts';

/** What can be wrong with a store, in words for its operator. */

/** There is no store where one must be. */
export function missing(name: string): CdrError {
  return configError('store.missing', `there is no store at ${name}`);
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
export function toStoreError(error: unknown, name?: string): unknown {
  const where = name === undefined ? '' : ` (${name})`;
  const trouble = sqliteTrouble(error) ?? postgresTrouble(error) ?? fileTrouble(error);
  if (trouble === null) return error;
  return new CdrError(fault(trouble.code, trouble.message + where), {}, error);
}

/** By its code: this is loaded also where SQLite's driver is not. */
function sqliteTrouble(error: unknown): Trouble | null {
  const code = codeOf(error);
  if (!code.startsWith('SQLITE_')) return null;
  const known = TROUBLES.find(([prefix]) => code.startsWith(prefix));
  if (known !== undefined) return { code: known[1], message: known[2] };
  return { code: 'store.failed', message: `the store failed with ${code}` };
}

function fileTrouble(error: unknown): Trouble | null {
  if (!isFileError(error)) return null;
  return { code: 'store.unopened', message: `the store cannot be opened: ${error.code}` };
}

function isFileError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    typeof error.code === 'string'
  );
}
