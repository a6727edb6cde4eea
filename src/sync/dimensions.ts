import { CdrError } from '../errors.ts';
import { writeJson } from '../json.ts';
import type { Connector, Names } from '../providers/provider.ts';
import { readDimension, saveDimension } from '../store/dimensions.ts';
import { fenced, type Lease } from '../store/leases.ts';
import type { Store } from '../store/store.ts';
import { DAY } from '../time.ts';
import type { Client } from './client.ts';
import type { Log } from './log.ts';

/** A list of names changes rarely. */
const READ_AGAIN_AFTER = DAY;

export interface DimensionSync {
  readonly accountId: string;
  readonly connector: Connector;
  readonly client: Client;
  readonly store: Store;
  readonly lease: Lease;
  readonly log: Log;
}

/**
 * Brings the account's lists of names up to date and returns the look-up that
 * the mapping uses. A list that cannot be had costs names, not calls: it is
 * reported, and tried again by the next run.
 *
 * @throws CdrError where the provider refuses the login or the store fails.
 */
export async function syncDimensions(sync: DimensionSync): Promise<Names> {
  const lists = new Map<string, ReadonlyMap<string, string>>();
  for (const { name, request, read } of sync.connector.dimensions) {
    const stored = await readDimension(sync.store, sync.accountId, name);
    lists.set(name, stored.names);
    if (stored.readAt !== null && Date.now() - stored.readAt < READ_AGAIN_AFTER) continue;
    try {
      const { value } = await sync.client.ask({ request, read });
      const entries = value.entries.map(({ id, name, raw }) => ({ id, name, raw: writeJson(raw) }));
      await fenced(sync.store, sync.lease, (trx) =>
        saveDimension(trx, sync.accountId, name, entries, Date.now()),
      );
      lists.set(name, new Map(entries.map((entry) => [entry.id, entry.name])));
    } catch (error) {
      if (!(error instanceof CdrError) || isFatal(error)) throw error;
      sync.log.warn(
        { account: sync.accountId, code: error.fault.code },
        `${name}: ${error.message}`,
      );
    }
  }
  return (dimension, id) => lists.get(dimension)?.get(id) ?? null;
}

function isFatal({ fault }: CdrError): boolean {
  return fault.class === 'auth' || fault.class === 'store' || fault.class === 'config';
}
