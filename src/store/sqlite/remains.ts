import { accessSync, constants, createReadStream, existsSync, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { sql } from 'kysely';
import { fileBytes, fileOf, freeBytesAt } from '../disk.ts';
import type { Store } from '../store.ts';

/**
 * What an erasure leaves on the disk. SQLite overwrites what is deleted when it
 * is told to (`secure_delete`), but a page that was split long ago keeps a copy
 * of the rows that moved, in space that nothing uses (seen: 9 times the number
 * after 400 calls of 400,000 were overwritten so). Only the whole file written
 * anew is without them.
 *
 * No function here that reads bytes may be called while this process has the
 * store open: the locks of SQLite are the process's, and closing any handle of
 * the file drops them all.
 */

/** How readers and writers that are in the way are waited for. */
export interface Waiting {
  /** Milliseconds. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/**
 * Moves the journal into the store and empties it.
 *
 * @returns false where others were in the way for longer than they are waited for.
 */
export function emptyJournal({ db }: Store, waiting: Waiting): Promise<boolean> {
  return patiently(waiting, async () => {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db);
    return rows[0]?.busy === 0;
  });
}

async function patiently(
  { patience, signal }: Waiting,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + patience;
  for (;;) {
    signal.throwIfAborted();
    if (await attempt()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(100, undefined, { signal });
  }
}

/** How often a number stands in the bytes of the store's files, with whatever between its digits. The store must be closed. */
export async function countInFiles(
  url: string,
  digits: string,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const path of filesOf(url)) count += await countInFile(path, digits, signal);
  return count;
}

const CHUNK = 1 << 20;
/** Blanks, brackets, dots, dashes and marks that nobody sees, as UTF-8: from ASCII, U+2000 to U+206F, U+3000 and full width. */
const BETWEEN =
  '(?:[\\s().\\-]|\\xc2[\\xa0\\xad]|\\xe2[\\x80-\\x81][\\x80-\\xbf]|\\xe3\\x80\\x80|\\xef\\xbc[\\x88\\x89\\x8d\\x8e]|\\xef\\xbb\\xbf){0,4}';
/** The longest that one may be: each digit and each of four marks before it has three bytes. */
const WIDEST = 15;

/** Digits plain or full-width, in the bytes of UTF-8. */
function patternOf(digits: string): RegExp {
  const parts = [...digits].map((digit) => `(?:${digit}|\\xef\\xbc\\x9${digit})`);
  return new RegExp(parts.join(BETWEEN), 'g');
}

async function countInFile(path: string, digits: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(path)) return 0;
  const pattern = patternOf(digits);
  let count = 0;
  let tail = '';
  const file = createReadStream(path, { encoding: 'latin1', highWaterMark: CHUNK });
  for await (const chunk of file) {
    signal.throwIfAborted();
    const text = tail + String(chunk);
    // What begins so near to the end may end behind it.
    const whole = text.length - WIDEST * digits.length;
    let from = Math.max(0, whole);
    for (const { 0: found, index } of text.matchAll(pattern)) {
      if (index >= whole) break;
      count += 1;
      from = Math.max(from, index + found.length);
    }
    tail = text.slice(from);
  }
  return count + [...tail.matchAll(pattern)].length;
}

/** The copy, or the journal through which it comes back. */
const ROOM = 1.1;
/** SQLite waits without letting anything else of this process run. */
const MOMENT_MS = 100;

export type Unbuilt =
  | { readonly state: 'busy' }
  /** `folder`: on whose disk. */
  | { readonly state: 'no_room'; readonly folder: string };

/**
 * Writes the whole file anew. Meanwhile no other process can write; readers go on.
 *
 * @param measure free bytes of the disk of a folder; null where that is not known.
 * @throws SqliteError where that fails for another reason than a lock or room.
 */
export async function rebuildFile(
  url: string,
  waiting: Waiting,
  measure: (folder: string) => Promise<number | null> = freeBytesAt,
): Promise<{ readonly state: 'rebuilt' } | Unbuilt> {
  const path = pathOf(url);
  const [own, temporary] = [dirname(path), temporaryFolder()];
  const bytes = fileBytes(path) ?? 0;
  const shared = statSync(own).dev === statSync(temporary).dev;
  for (const folder of shared ? [own] : [own, temporary]) {
    const free = await measure(folder);
    if (free !== null && free < (shared ? 2 : 1) * ROOM * bytes)
      return { state: 'no_room', folder };
  }
  const database = new SQLite(path, { fileMustExist: true, timeout: MOMENT_MS });
  try {
    const rebuilt =
      (await patiently(waiting, async () => vacuumed(database))) &&
      (await patiently(waiting, async () => isEmptied(database)));
    return { state: rebuilt ? 'rebuilt' : 'busy' };
  } catch (error) {
    // The store is open, so that what cannot be opened is the copy.
    if (!(error instanceof SQLite.SqliteError && /^SQLITE_(FULL|CANTOPEN)/.test(error.code)))
      throw error;
    return { state: 'no_room', folder: shared ? own : `${own} or ${temporary}` };
  } finally {
    database.close();
  }
}

/** Where SQLite writes the copy: the first of these that it may write to, as its documentation has it. */
function temporaryFolder(): string {
  const { SQLITE_TMPDIR = '', TMPDIR = '' } = process.env;
  const folders = [SQLITE_TMPDIR, TMPDIR, '/var/tmp', '/usr/tmp', '/tmp'];
  return folders.find((folder) => folder !== '' && isWritableFolder(folder)) ?? process.cwd();
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function vacuumed(database: SQLite.Database): boolean {
  try {
    database.exec('vacuum');
    return true;
  } catch (error) {
    if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
    throw error;
  }
}

function isEmptied(database: SQLite.Database): boolean {
  return database.pragma('wal_checkpoint(truncate)', { simple: true }) === 0;
}

const MAGIC = 'SQLite format 3\0';

/** The databases beside the store: backups made before an upgrade, and whatever else was copied there. */
export async function copiesBeside(url: string): Promise<readonly string[]> {
  const path = pathOf(url);
  const folder = dirname(path);
  const own = filesOf(url).map((file) => basename(file));
  const copies: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile() || own.includes(entry.name)) continue;
    const file = join(folder, entry.name);
    if (await beginsWith(file, MAGIC)) copies.push(file);
  }
  return copies.sort();
}

async function beginsWith(path: string, magic: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === magic;
  } finally {
    await file.close();
  }
}

function filesOf(url: string): readonly string[] {
  return ['', '-wal', '-shm'].map((suffix) => pathOf(url) + suffix);
}

function pathOf(url: string): string {
  const path = fileOf(url);
  if (path === null) throw new TypeError('a store that is no file');
  return path;
}
