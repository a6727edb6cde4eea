import type { Transaction } from 'kysely';
import { storeAddress, storeName } from '../store-url.ts';
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
}

/**
 * Opens the store for writing: creates it where it is missing, and migrates it.
 *
 * @throws CdrError of class `store`, or `config` for a missing one that must exist.
 */
export async function openStore({ url, ...opening }: StoreOptions): Promise<Store> {
  const db = await named(url, async () => {
    const address = storeAddress(url);
    // Neither driver is loaded where the other one is used.
    return address.kind === 'sqlite'
      ? (await import('./sqlite/open.ts')).openSqliteStore(address.path, opening)
      : (await import('./postgres/open.ts')).openPostgresStore(address, opening);
  });
  return storeOver(db);
}

/**
 * Opens the store for reading only: neither created nor migrated.
 *
 * @returns null where there is none yet.
 * @throws CdrError of class `store` where it is of another version.
 */
export async function openStoreToRead(url: string): Promise<Store | null> {
  const db = await named(url, async () => {
    const address = storeAddress(url);
    return address.kind === 'sqlite'
      ? (await import('./sqlite/open.ts')).openSqliteStoreToRead(address.path)
      : (await import('./postgres/open.ts')).openPostgresStoreToRead(address);
  });
  return db === null ? null : storeOver(db);
}

function storeOver(db: Database): Store {
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

/** Reads the store as it is at one moment, whatever others write meanwhile. It takes no lock. */
export async function readSnapshot<Result>(
  { db, close }: Store,
  read: (store: Store) => Promise<Result>,
): Promise<Result> {
  return engineOf(db).snapshot(db, (at) => read({ db: at, close }));
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
