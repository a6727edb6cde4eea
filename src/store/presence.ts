import { statSync } from 'node:fs';
import { CdrError, fault } from '../errors.ts';
import { storeAddress } from '../store-url.ts';

/**
 * Watches that the store's file is still the one that was opened: SQLite goes
 * on writing into a file that was deleted or replaced, and all of that is lost.
 * A database on a server says itself what it misses.
 *
 * @param url of an open store.
 * @returns a function that throws CdrError `store.gone` once it is another one.
 */
export function watchPresence(url: string): () => void {
  const address = storeAddress(url);
  if (address.kind !== 'sqlite') return () => undefined;
  const { path } = address;
  const opened = identityOf(path);
  return () => {
    if (identityOf(path) === opened) return;
    const words = `the store ${path} was deleted or replaced while it was in use`;
    throw new CdrError(fault('store.gone', words));
  };
}

function identityOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'gone' : `${stat.dev} ${stat.ino}`;
}
