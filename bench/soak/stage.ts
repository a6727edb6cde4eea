import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend, BackendKind } from './backends.ts';
import { openBackend, openPostgres } from './backends.ts';
import type { Cleanup } from './cleanup.ts';
import type { StoreKind } from './options.ts';
import { bytesUnder } from './proc.ts';
import { type Providers, startProviders } from './providers.ts';
import { openReader, type StoreReader } from './store-reader.ts';
import { type CliProcess, startCli } from './worker-process.ts';

/** Everything that workers need, running; and what starts the workers. */
export interface Stage {
  readonly providers: Providers;
  readonly backend: Backend;
  readonly store: StoreReader;
  /** The server of the store; null where that is a file. */
  readonly database: Backend | null;
  /** @param name in the log's name. */
  startWorker(name: string, host: Host): Promise<CliProcess>;
  /** One `cdrsync sync` of all accounts. */
  sync(): Promise<CliProcess>;
  storeBytes(): number;
  queueBytes(): number;
}

/**
 * Names under which a worker reaches the providers. They tell two workers
 * apart at the providers' side, where nothing else does: all send the same.
 */
export const HOSTS = ['127.0.0.1', 'localhost'] as const;
export type Host = (typeof HOSTS)[number];

export async function openStage(
  kind: BackendKind,
  settings: {
    readonly accounts: number;
    readonly every: string;
    readonly store: StoreKind;
    readonly faultRate: number;
  },
  cleanup: Cleanup,
): Promise<Stage> {
  const folder = await cleanup.folder('soak');
  const providers = await startProviders(settings.accounts / 5, settings.faultRate, cleanup);
  const backend = await openBackend(kind, cleanup);
  await backend.start();
  const file = join(folder, 'cdrsync.db');
  const database = settings.store === 'postgres' ? await openPostgres(cleanup) : null;
  await database?.start();
  const store = database === null ? `sqlite:${file}` : `${database.url}?pool=20`;
  const configFor = (host: Host): string => join(folder, `${host}.config.json`);
  for (const host of HOSTS) {
    const accounts = providers.accounts.map((account) => ({
      ...account,
      baseUrl: account.baseUrl.replace(HOSTS[0], host),
      every: settings.every,
      minInterval: '0s',
    }));
    const config = { store, queue: backend.url, accounts };
    await writeFile(configFor(host), JSON.stringify(config), { mode: 0o600 });
  }
  const start = (host: Host, name: string, args: readonly string[]): Promise<CliProcess> =>
    startCli(['--config', configFor(host), ...args], join(folder, `${name}.log`), cleanup);
  return {
    providers,
    backend,
    store: openReader(store),
    database,
    startWorker: (name, host) => start(host, name, ['worker', '--listen', '127.0.0.1:0']),
    sync: () => start(HOSTS[0], 'sync', ['sync']),
    storeBytes: () =>
      ['', '-wal', '-shm'].reduce((sum, part) => sum + bytesUnder(`${file}${part}`), 0),
    queueBytes: () => bytesUnder(`${file}.queue`),
  };
}
