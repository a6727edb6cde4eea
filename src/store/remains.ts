import { createReadStream, existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { sql } from 'kysely';
import { freeBytes, storeBytes } from './disk.ts';
import type { Store } from './store.ts';

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

/** From now on this connection overwrites what it deletes. It stays so: other writers share it. */
export async function overwriteDeleted({ db }: Store): Promise<void> {
  await sql`pragma secure_delete = on`.execute(db);
}

/**
 * Moves the journal into the store and empties it.
 *
 * @param patience how long readers and writers that are in the way are waited for, in milliseconds.
 * @returns false where they still were.
 */
export function emptyJournal({ db }: Store, patience: number): Promise<boolean> {
  return patiently(patience, async () => {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db);
    return rows[0]?.busy === 0;
  });
}

async function patiently(patience: number, attempt: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + patience;
  for (;;) {
    if (await attempt()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(100);
  }
}

/** How often digits stand in the bytes of the store's files. The store must be closed. */
export async function countInFiles(url: string, digits: string): Promise<number> {
  let count = 0;
  for (const path of filesOf(url)) count += await countInFile(path, digits);
  return count;
}

const CHUNK = 1 << 20;

async function countInFile(path: string, digits: string): Promise<number> {
  if (!existsSync(path)) return 0;
  let count = 0;
  let tail = '';
  for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: CHUNK })) {
    const text = tail + String(chunk);
    for (let at = text.indexOf(digits); at >= 0; at = text.indexOf(digits, at + 1)) count += 1;
    // Not so much that digits in it were counted already.
    tail = text.slice(Math.max(0, text.length - digits.length + 1));
  }
  return count;
}

/** The copy, and the journal through which it comes back. */
const ROOM = 2.2;
/** SQLite waits without letting anything else of this process run. */
const MOMENT_MS = 100;

/**
 * Writes the whole file anew. Meanwhile no other process can write; readers go on.
 *
 * @param patience as for `emptyJournal`.
 * @throws SqliteError where that fails for another reason than a lock.
 */
export async function rebuildFile(
  url: string,
  patience: number,
): Promise<'rebuilt' | 'busy' | 'no_room'> {
  const free = await freeBytes(url);
  if (free !== null && free < ROOM * (storeBytes(url) ?? 0)) return 'no_room';
  const database = new SQLite(pathOf(url), { fileMustExist: true, timeout: MOMENT_MS });
  try {
    const rebuilt =
      (await patiently(patience, async () => vacuumed(database))) &&
      (await patiently(patience, async () => isEmptied(database)));
    return rebuilt ? 'rebuilt' : 'busy';
  } finally {
    database.close();
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
  return url.slice('sqlite:'.length);
}
