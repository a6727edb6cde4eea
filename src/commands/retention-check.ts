import { type Finding, finding } from '../check/report.ts';
import type { Config } from '../config/config.ts';
import { CdrError } from '../errors.ts';
import { countOlder } from '../store/retentions.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { formatDuration, isoSeconds } from '../time.ts';
import { count } from './table.ts';

/**
 * What the retentions of a configuration would overwrite in its store, by
 * account. Nothing where there is no store, or none that can be read: what is
 * wrong with it is for the commands that need it.
 *
 * @param now milliseconds since 1970.
 */
export async function retentionFindings(
  config: Pick<Config, 'store' | 'accounts'>,
  now: number,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const found = new Map<string, readonly Finding[]>();
  if (config.accounts.every(({ retention }) => retention === null)) return found;
  const store = await readable(config.store);
  if (store === null) return found;
  try {
    for (const { id, retention } of config.accounts) {
      if (retention === null) continue;
      const { older, all } = await countOlder(store, id, isoSeconds(now - retention));
      if (older === 0) continue;
      const which = `${count(older)} of ${count(all)} stored calls are older`;
      const message = `retention ${formatDuration(retention)}: ${which}, and are overwritten`;
      found.set(id, [finding('retention.older', message)]);
    }
  } finally {
    await store.close();
  }
  return found;
}

async function readable(url: string): Promise<Store | null> {
  try {
    return await openStoreToRead(url);
  } catch (error) {
    if (error instanceof CdrError) return null;
    throw error;
  }
}
