import { readSnapshot, type Store } from '../store.ts';
import { type Content, differencesOf, type Reading, readContent } from './content.ts';
import { differs } from './copy.ts';

/**
 * Compares two stores, each as it is at one moment, and writes nothing.
 *
 * @returns what both hold.
 * @throws CdrError `copy.differs`.
 */
export async function compareStores(
  source: Store,
  target: Store,
  { signal, onProgress }: Reading,
): Promise<Content> {
  const seen = new Map<Store, readonly [done: number, total: number]>();
  const read = (store: Store): Promise<Content> =>
    readSnapshot(
      store,
      ({ db }) =>
        readContent(db, {
          signal,
          onProgress: (done, total) => {
            seen.set(store, [done, total]);
            const all = [...seen.values()];
            onProgress(
              all.reduce((sum, [one]) => sum + one, 0),
              all.reduce((sum, [, one]) => sum + one, 0),
            );
          },
        }),
      'long',
    );
  // Both at once, and both to their end: a store is not closed under a reader.
  const [from, to] = await Promise.allSettled([read(source), read(target)]);
  if (from.status === 'rejected') throw from.reason;
  if (to.status === 'rejected') throw to.reason;
  const differences = differencesOf(from.value, to.value);
  if (differences.length > 0) throw differs(differences);
  return from.value;
}
