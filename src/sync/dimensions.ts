import { CdrError } from '../errors.ts';
import { writeJson } from '../json.ts';
import type { Connector, Names } from '../providers/provider.ts';
import { readDimension, saveDimension } from '../store/dimensions.ts';
import { fenced } from '../store/leases.ts';
import type { Store } from '../store/store.ts';
import { DAY } from '../time.ts';
import type { RunContext } from './context.ts';

/** A list of names changes rarely. */
const READ_AGAIN_AFTER = DAY;

/** The look-up over what is stored, without asking the provider. */
export async function storedNames(
  store: Store,
  accountId: string,
  { dimensions }: Connector,
): Promise<Names> {
  const lists = new Map<string, ReadonlyMap<string, string>>();
  for (const { name } of dimensions) {
    lists.set(name, (await readDimension(store, accountId, name)).names);
  }
  return (dimension, id) => lists.get(dimension)?.get(id) ?? null;
}

/**
 * Brings the account's lists of names up to date, for the mapping. A list that
 * cannot be had costs names, not calls: it is reported, and tried again by the
 * next run.
 *
 * @throws CdrError where the provider refuses the login or the store fails.
 */
export async function syncDimensions(context: RunContext): Promise<void> {
  const { connector, client, store, lease, settings, log } = context;
  for (const { name, request, read } of connector.dimensions) {
    const { readAt } = await readDimension(store, settings.id, name);
    if (readAt !== null && Date.now() - readAt < READ_AGAIN_AFTER) continue;
    try {
      const { value } = await client.ask({ request, read });
      const entries = value.entries.map(({ id, name, raw }) => ({ id, name, raw: writeJson(raw) }));
      await fenced(store, lease, (trx) =>
        saveDimension(trx, settings.id, name, entries, Date.now()),
      );
    } catch (error) {
      if (!(error instanceof CdrError) || isFatal(error)) throw error;
      log.warn({ account: settings.id, code: error.fault.code }, `${name}: ${error.message}`);
    }
  }
  context.names = await storedNames(store, settings.id, connector);
}

function isFatal({ fault }: CdrError): boolean {
  return fault.class === 'auth' || fault.class === 'store' || fault.class === 'config';
}
