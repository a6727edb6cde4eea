import { readStatus } from '../status/status.ts';
import { openStoreToRead } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import { type GlobalOptions, openSession } from './session.ts';
import { statusText } from './status-text.ts';

export interface StatusOptions {
  /** Exit 1 on any alarm. */
  readonly check?: boolean;
  /** Print the JSON Schema of the document instead. */
  readonly schema?: boolean;
}

/** Tells how the store and each account stand. Neither creates nor changes a store. */
export async function statusCommand(
  globals: GlobalOptions,
  { check, schema }: StatusOptions,
): Promise<number> {
  if (schema === true) {
    const { statusJsonSchema } = await import('../status/json-schema.ts');
    process.stdout.write(`${JSON.stringify(statusJsonSchema(), null, 2)}\n`);
    return 0;
  }
  const { config } = await openSession(globals, new AbortController().signal);
  const store = await openStoreToRead(config.store);
  if (store === null && globals.requireStore) throw missing(storeName(config.store));
  const status = await readStatus(config, store, Date.now()).finally(() => store?.close());
  process.stdout.write(
    globals.json ? `${JSON.stringify(status)}\n` : statusText(status, globals.language),
  );
  const alarms = [status.store, ...status.accounts].flatMap((one) => one.alarms);
  return check === true && alarms.length > 0 ? 1 : 0;
}
