import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import SQLite from 'better-sqlite3';
import { CdrError, configError, fault } from '../../errors.ts';
import { MARK, parseMark, unfinished } from '../copy/mark.ts';
import { missing, toStoreError } from '../trouble.ts';

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
 * whole, was checked and is on the disk; a process that is killed leaves
 * `<target>.<random>.partial`, and SQLite's `-journal` of that.
 *
 * @throws CdrError `backup.target` where the file exists, `backup.write` where it
 * cannot be written, `backup.unsound` where the copy is not what it should be, and
 * of class `store` or `config` for the store itself.
 */
export function backupFile(path: string, target: string): Backup {
  if (!existsSync(path)) throw missing(path);
  if (existsSync(target)) throw taken(target);
  // A name of its own: of two backups at once neither may write into, or remove, the other's.
  const partial = `${target}.${randomUUID().slice(0, 8)}.partial`;
  try {
    const file = openSync(partial, 'wx', 0o600);
    try {
      const before = copy(path, partial);
      const numbers = check(partial, before);
      fsyncSync(file);
      publish(partial, target);
      return { bytes: fstatSync(file).size, ...numbers };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw toTargetError(error, target);
  } finally {
    rmSync(partial, { force: true });
    rmSync(`${partial}-journal`, { force: true });
  }
}

type Numbers = Omit<Backup, 'bytes'>;

/** Troubles of SQLite while it copies that are the store's; the others are those of what is written. */
const OF_THE_STORE = /^SQLITE_(?:BUSY|CORRUPT|NOTADB|IOERR_(?:READ|SHORT_READ|SHM\w+|LOCK))/;

/**
 * SQLite's own backup, page by page, begins again whenever another process has
 * written, which under a busy worker is for ever; this reads one snapshot.
 *
 * @returns what the store held before.
 */
function copy(path: string, partial: string): Numbers {
  let writing = false;
  let source: SQLite.Database | null = null;
  try {
    source = new SQLite(path, { readonly: true, fileMustExist: true });
    refuseCopy(source, path);
    const before = numbersOf(source);
    writing = true;
    source.prepare<[string]>('vacuum into ?').run(partial);
    return before;
  } catch (error) {
    const foreign = error instanceof SQLite.SqliteError && !OF_THE_STORE.test(error.code);
    throw writing && foreign ? error : toStoreError(error, path);
  } finally {
    source?.close();
  }
}

/** A backup of the beginning of a copy would be one, too, and pass for a store. */
function refuseCopy(source: SQLite.Database, path: string): void {
  // The first version had no such table.
  const table = source.prepare("select 1 from sqlite_master where name = 'meta'").get();
  if (table === undefined) return;
  const mark: unknown = source.prepare('select value from meta where name = ?').pluck().get(MARK);
  if (typeof mark === 'string') throw unfinished(path, parseMark(mark));
}

function check(partial: string, before: Numbers): Numbers {
  const database = new SQLite(partial, { readonly: true });
  try {
    const sound = database.pragma('integrity_check', { simple: true }) === 'ok';
    const numbers = numbersOf(database);
    const whole =
      numbers.calls >= before.calls &&
      numbers.versions >= before.versions &&
      numbers.change_seq >= before.change_seq;
    if (!sound || !whole) throw unsound(partial);
    return numbers;
  } catch (error) {
    const garbled = error instanceof SQLite.SqliteError && /CORRUPT|NOTADB/.test(error.code);
    throw garbled ? unsound(partial) : error;
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

/** Gives the copy its name, unless something has that by now: a rename would overwrite it. */
function publish(partial: string, target: string): void {
  try {
    linkSync(partial, target);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw taken(target);
    // File systems without links (FAT, some network drives): the name is taken first.
    closeSync(openSync(target, 'wx', 0o600));
    renameSync(partial, target);
  }
  // Windows opens no folder.
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(target), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A failure that is not the store's, under the name that the operator gave. */
function toTargetError(error: unknown, target: string): unknown {
  const code = codeOf(error);
  if (error instanceof CdrError || code === null) return error;
  if (code === 'EEXIST') return taken(target);
  const why = code === 'SQLITE_FULL' ? 'the disk is full' : code;
  return new CdrError(fault('backup.write', `${target} cannot be written (${why})`), {}, error);
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}

function taken(target: string): CdrError {
  return configError('backup.target', `${target} exists`);
}

function unsound(partial: string): CdrError {
  return new CdrError(fault('backup.unsound', `the copy ${partial} is not whole`));
}
