import type { Transaction } from 'kysely';
import { storeAddress, storeName } from '../store-url.ts';
import { refuseUnfinished } from './copy/mark.ts';
import { engineOf } from './engine.ts';
import type { Database, Opening } from './opening.ts';
import type { Schema } from './schema.ts';
import { toStoreError } from './trouble.ts';

export type { StoreEvent } from './opening.ts';

/** The store. Nothing outside `src/store` knows which database it is. */
export interface Store {
  readonly db: Database;
  close(): Promise<void>;
}

export type StoreTransaction = Transaction<Schema>;

export interface StoreOptions extends Opening {
  /** `sqlite:PATH`, the path absolute, or `postgres://…`. */
  readonly url: string;
  /** `taken` by whoever completes a copy that is in progress. */
  readonly unfinished?: 'refused' | 'taken';
}

/**
 * Opens the store for writing: creates it where it is missing, and migrates it.
 *
 * @throws CdrError of class `store`, or `config` for a missing one that must
 * exist, and for one that is the beginning of a copy.
 */
export async function openStore({
  url,
  unfinished = 'refused',
  ...opening
}: StoreOptions): Promise<Store> {
  const db = await named(url, async () => {
    const address = storeAddress(url);
    // Neither driver is loaded where the other one is used.
    if (address.kind === 'sqlite') {
      return (await import('./sqlite/open.ts')).openSqliteStore(address.path, opening);
    }
    const { openPostgresStore } = await import('./postgres/open.ts');
    return openPostgresStore(address, opening, unfinished === 'taken' ? 'maintain' : 'write');
  });
  return storeOver(db, url, unfinished);
}

export interface ReadOptions extends Pick<StoreOptions, 'unfinished'> {
  /** `whole`: everything is read, for which no time is too long. */
  readonly extent?: 'part' | 'whole';
}

/**
 * Opens the store for reading only: neither created nor migrated.
 *
 * @returns null where there is none yet.
 * @throws CdrError of class `store` where it is of another version, `config` where
 * it is the beginning of a copy.
 */
export async function openStoreToRead(
  url: string,
  { extent = 'part', unfinished = 'refused' }: ReadOptions = {},
): Promise<Store | null> {
  const db = await named(url, async () => {
    const address = storeAddress(url);
    if (address.kind === 'sqlite') {
      const { openSqliteStoreToRead } = await import('./sqlite/open.ts');
      return openSqliteStoreToRead(address.path, unfinished === 'taken' ? 'none' : 'outdated');
    }
    const { openPostgresStoreToRead } = await import('./postgres/open.ts');
    return openPostgresStoreToRead(address, extent === 'whole' ? 'maintain' : 'read');
  });
  return db === null ? null : storeOver(db, url, unfinished);
}

async function storeOver(
  db: Database,
  url: string,
  unfinished: 'refused' | 'taken',
): Promise<Store> {
  try {
    if (unfinished === 'refused') await named(url, () => refuseUnfinished(db, storeName(url)));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, close: () => db.destroy() };
}

/** What fails at the opening names the store. */
async function named<Result>(url: string, open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    throw toStoreError(error, storeName(url));
  }
}

/** Reads the store as it is at one moment, whatever others write meanwhile. It takes no lock. `long`: for more than seconds. */
export async function readSnapshot<Result>(
  { db, close }: Store,
  read: (store: Store) => Promise<Result>,
  length: 'short' | 'long' = 'short',
): Promise<Result> {
  return engineOf(db).snapshot(db, (at) => read({ db: at, close }), length);
}

/**
 * One write transaction. Where the database gives it up by itself, `write` is
 * called again: it changes nothing but the database.
 */
export function transact<Result>(
  { db }: Pick<Store, 'db'>,
  write: (trx: StoreTransaction) => Promise<Result>,
): Promise<Result> {
  return engineOf(db).transact(db, write);
}
