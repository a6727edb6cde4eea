import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import SQLite from 'better-sqlite3';
import { CdrError, configError } from '../errors.ts';
import { missing, toStoreError } from './trouble.ts';

/** A copy of a store that was read again after it was written. */
export interface Backup {
  readonly bytes: number;
  readonly calls: number;
  readonly versions: number;
  /** The greatest in it: what was written later is not in the copy. */
  readonly change_seq: number;
}

/**
 * Copies a SQLite store to a new file, readable by its owner only, while others
 * write to it: the copy is the store at one instant. It has its name once it is
 * whole and was checked; a process that is killed leaves `<target>.partial`.
 *
 * @param url `sqlite:PATH`.
 * @throws CdrError `backup.target` where the file exists, `backup.unsound` where
 * the copy is not what it should be, and of class `store` or `config` for the store itself.
 */
export function backupStore(url: string, target: string): Backup {
  const path = url.slice('sqlite:'.length);
  if (!existsSync(path)) throw missing(path);
  if (existsSync(target)) {
    throw configError(
      'backup.target',
      `${target} exists`,
      'Name a new file, such as one with the date in it.',
    );
  }
  const partial = `${target}.partial`;
  try {
    rmSync(partial, { force: true });
    closeSync(openSync(partial, 'wx', 0o600));
    const before = copy(path, partial);
    const backup = check(partial, before);
    renameSync(partial, target);
    return backup;
  } catch (error) {
    rmSync(partial, { force: true });
    throw toStoreError(error, path);
  }
}

type Numbers = Omit<Backup, 'bytes'>;

/**
 * SQLite's own backup, page by page, begins again whenever another process has
 * written, which under a busy worker is for ever; this reads one snapshot.
 *
 * @returns what the store held before.
 */
function copy(path: string, partial: string): Numbers {
  const source = new SQLite(path, { readonly: true, fileMustExist: true });
  try {
    const before = numbersOf(source);
    source.prepare<[string]>('vacuum into ?').run(partial);
    return before;
  } finally {
    source.close();
  }
}

function check(partial: string, before: Numbers): Backup {
  const file = openSync(partial, 'r');
  fsyncSync(file);
  closeSync(file);
  const database = new SQLite(partial, { readonly: true });
  try {
    const sound = database.pragma('integrity_check', { simple: true }) === 'ok';
    const numbers = numbersOf(database);
    const whole =
      numbers.calls >= before.calls &&
      numbers.versions >= before.versions &&
      numbers.change_seq >= before.change_seq;
    if (!sound || !whole) throw unsound(partial);
    return { bytes: statSync(partial).size, ...numbers };
  } finally {
    database.close();
  }
}

function numbersOf(database: SQLite.Database): Numbers {
  const read = (sql: string): number => {
    const value: unknown = database.prepare(sql).pluck().get();
    return typeof value === 'number' ? value : 0;
  };
  return {
    calls: read('select count(*) from calls'),
    versions: read('select count(*) from call_versions'),
    change_seq: read("select value from counters where name = 'change_seq'"),
  };
}

function unsound(partial: string): CdrError {
  return new CdrError({
    class: 'store',
    code: 'backup.unsound',
    message: `the copy ${partial} is not whole`,
    hint: 'Check the disk that it was written to, and try again; the store itself was only read.',
  });
}
