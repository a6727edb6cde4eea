import SQLite from 'better-sqlite3';
import { CdrError } from '../errors.ts';

/** What can be wrong with a store, in words for its operator. */

/** There is no store where one must be. */
export function missing(path: string): CdrError {
  return new CdrError({
    class: 'config',
    code: 'store.missing',
    message: `there is no store at ${path.replace(/^sqlite:/, '')}`,
    hint: 'Check that "store" names it and that its volume is mounted; `cdrsync sync` makes a new one.',
  });
}

export function outdated(path: string): CdrError {
  return new CdrError({
    class: 'store',
    code: 'store.outdated',
    message: `the store ${path} is of an older version`,
    hint: 'Run `cdrsync sync` once: it makes a backup beside the store and brings it up to date.',
  });
}

export function newer(path: string): CdrError {
  return new CdrError({
    class: 'store',
    code: 'store.newer',
    message: `the store ${path} was written by a newer cdrsync`,
    hint: 'Use the newer cdrsync again, or the backup that it made beside the store before it migrated.',
  });
}

export function foreign(path: string): CdrError {
  return new CdrError({
    class: 'store',
    code: 'store.foreign',
    message: `the database ${path} holds tables that are not cdrsync's`,
    hint: 'Give cdrsync a file of its own in "store".',
  });
}

interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** By the beginning of SQLite's result code. */
const TROUBLES: readonly (readonly [prefix: string, trouble: Trouble])[] = [
  [
    'SQLITE_FULL',
    {
      code: 'store.full',
      message: 'the disk is full',
      hint: 'Make room; the next run goes on after the last page that was stored.',
    },
  ],
  [
    'SQLITE_READONLY',
    {
      code: 'store.readonly',
      message: 'the store cannot be written',
      hint: 'Check the rights on the file and its folder, and that the volume is not mounted read-only.',
    },
  ],
  [
    'SQLITE_BUSY',
    {
      code: 'store.busy',
      message: 'another process holds the store',
      hint: 'Find the program that keeps a transaction open in this file; the next run goes on from here.',
    },
  ],
  [
    'SQLITE_CORRUPT',
    {
      code: 'store.corrupt',
      message: 'the store is damaged',
      hint: 'Restore the newest backup; what the providers still serve is then read again.',
    },
  ],
  [
    'SQLITE_NOTADB',
    {
      code: 'store.corrupt',
      message: 'the file is no SQLite database',
      hint: 'Check that "store" names the right file, or restore the newest backup.',
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      code: 'store.unopened',
      message: 'the store cannot be opened',
      hint: 'Check that the folder exists and may be written by this user.',
    },
  ],
  [
    'SQLITE_IOERR',
    {
      code: 'store.io',
      message: 'the disk failed',
      hint: 'Check the disk and its free space; the next run goes on after the last page that was stored.',
    },
  ],
];

/** A failure of the database as a CdrError of class `store`; anything else as it came. */
export function toStoreError(error: unknown, path?: string): unknown {
  const where = path === undefined ? '' : ` (${path})`;
  if (error instanceof SQLite.SqliteError) {
    const trouble = TROUBLES.find(([prefix]) => error.code.startsWith(prefix))?.[1];
    const { code, message, hint } = trouble ?? {
      code: 'store.failed',
      message: `the store failed with ${error.code}`,
      hint: 'Nothing was written by the transaction that failed; see the code in the documentation of SQLite.',
    };
    return new CdrError({ class: 'store', code, message: message + where, hint }, {}, error);
  }
  if (isFileError(error)) {
    const hint = 'Check that the folder exists and may be written by this user.';
    const message = `the store cannot be opened: ${error.code}${where}`;
    return new CdrError({ class: 'store', code: 'store.unopened', message, hint }, {}, error);
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
