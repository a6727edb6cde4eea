import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../bytes.ts';
import { CdrError, fault } from '../errors.ts';
import { realPath } from '../real-path.ts';
import { storeAddress, storeName } from '../store-url.ts';
import { SECOND } from '../time.ts';
import { engineOf } from './engine.ts';
import type { Store } from './store.ts';

/** The room that the store has and takes. */

/**
 * What a user without privileges may still write on the file system of a store.
 *
 * @param url where neither the file nor its folder is there yet, the nearest folder above counts.
 * @returns null where nobody tells: some network and user-space file systems say 0 of 0, and a
 * database on a server keeps its disk to itself.
 */
export async function freeBytes(url: string): Promise<number | null> {
  const path = fileOf(url);
  return path === null ? null : freeBytesAt(path);
}

/** The same of any file or folder. */
export async function freeBytesAt(from: string): Promise<number | null> {
  for (let path = from; ; path = dirname(path)) {
    try {
      const { bavail, bsize, blocks } = await statfs(path);
      return blocks === 0 ? null : bavail * bsize;
    } catch (error) {
      const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!absent || path === dirname(path)) return null;
    }
  }
}

/** Bytes of the store's file and its journal, or of its tables in a database; null where there is no store. */
export async function storeBytes(url: string, store: Store | null): Promise<number | null> {
  const path = fileOf(url);
  if (path !== null) return fileBytes(path);
  return store === null ? null : (await engineOf(store.db).footprint(store.db)).bytes;
}

/** Of a SQLite file and its journal; null where there is none. */
export function fileBytes(path: string): number | null {
  const sizes = ['', '-wal'].map(
    (suffix) => statSync(path + suffix, { throwIfNoEntry: false })?.size,
  );
  return sizes[0] === undefined ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Rejects with CdrError `store.reserve` while the disk has less room than is to be kept free. */
export type RoomCheck = () => Promise<void>;

export interface RoomOptions {
  /** So long an answer stands, in milliseconds: every walker of a store asks before each page. */
  readonly every?: number;
  readonly measure?: (url: string) => Promise<number | null>;
}

/**
 * Watches that a reserve stays free on the store's disk. A database that meets
 * a full disk has no room left for what mends it (journals, copies, whatever
 * else lives there); writers that stop before lose nothing.
 *
 * @param reserve bytes; 0 for none.
 */
export function watchRoom(
  url: string,
  reserve: number,
  { every = SECOND, measure = freeBytes }: RoomOptions = {},
): RoomCheck {
  let measuredAt = Number.NEGATIVE_INFINITY;
  let free: Promise<number | null> = Promise.resolve(null);
  return async () => {
    if (reserve === 0) return;
    const now = performance.now();
    if (now - measuredAt >= every) {
      measuredAt = now;
      free = measure(url);
    }
    const left = await free;
    if (left !== null && left < reserve) throw belowReserve(storeName(url), left, reserve);
  };
}

function belowReserve(path: string, free: number, reserve: number): CdrError {
  const room = `${formatBytes(free)} free, and ${formatBytes(reserve)} are to stay free`;
  return new CdrError(fault('store.reserve', `the disk of the store ${path} has ${room}`));
}

/** Without links: the journal lies beside the file itself. Null for a database on a server. */
export function fileOf(url: string): string | null {
  const address = storeAddress(url);
  return address.kind === 'sqlite' ? realPath(address.path) : null;
}
