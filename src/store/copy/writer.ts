import type { Row } from '../bulk.ts';
import { engineOf } from '../engine.ts';
import { fenced, type Lease } from '../leases.ts';
import type { Store } from '../store.ts';
import { CALLS } from '../tables.ts';
import type { Visit } from './rows.ts';
import { CALL_VERSIONS } from './tables.ts';

/** Rows of one transaction. With twice as many it was no faster, and with half of them a tenth slower. */
const BATCH = 2000;

/**
 * Writes calls and versions in batches, each a transaction. One is on its way
 * while the next is read, which lets a server and this process work at once.
 * Within it calls come first, so that no version is ever without its call.
 */
export function writer(
  store: Store,
  lease: Lease,
  signal: AbortSignal,
): { readonly put: Visit; readonly end: () => Promise<void> } {
  let calls: Row[] = [];
  let versions: Row[] = [];
  let writing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    const [before, batch] = [writing, { calls, versions }];
    [calls, versions] = [[], []];
    await before;
    signal.throwIfAborted();
    writing = fenced(store, lease, async (trx) => {
      const { insertRows } = engineOf(trx);
      await insertRows(trx, CALLS, batch.calls);
      await insertRows(trx, CALL_VERSIONS, batch.versions);
    });
    // Whoever waits for it next hears of its failure.
    writing.catch(() => undefined);
  };
  return {
    put: ({ name }, row) => {
      (name === 'calls' ? calls : versions).push(row);
      return calls.length + versions.length < BATCH ? null : flush();
    },
    end: async () => {
      if (calls.length + versions.length > 0) await flush();
      await writing;
    },
  };
}
