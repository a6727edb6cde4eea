import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { configError } from '../errors.ts';
import { sandboxConfig } from '../sandbox/config.ts';
import type { Sandbox } from '../sandbox/contract.ts';
import { startSandbox } from '../sandbox/server.ts';
import { PROVIDERS } from '../sandbox/wire.ts';
import type { GlobalOptions } from './session.ts';
import { table } from './table.ts';

export interface SandboxCommandOptions {
  readonly port: number;
  readonly writeConfig: string;
  readonly latency?: number;
  readonly faultRate?: number;
}

/** Runs the simulated providers until a signal comes, with a configuration that uses them. */
export async function sandboxCommand(
  globals: GlobalOptions,
  options: SandboxCommandOptions,
  signal: AbortSignal,
): Promise<number> {
  const path = resolve(options.writeConfig);
  checkTarget(path);
  const sandbox = await listen(options.port);
  spoil(sandbox, options);
  const base = sandboxConfig(sandbox, { store: 'sqlite:./data/sandbox.db' });
  const accounts = sandbox.accounts.map((account) => ({ ...account, every: SOON }));
  const config = { ...base, accounts };
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  process.stdout.write(
    globals.json
      ? `${JSON.stringify({ url: sandbox.url, config: path, urls: sandbox.urls })}\n`
      : introduction(sandbox, path),
  );
  if (!signal.aborted) await once(signal, 'abort');
  await sandbox.close();
  return 0;
}

/** Who tries a worker wants to see it poll. */
const SOON = '5s';

/** Only a configuration that an earlier sandbox wrote is written over. */
function checkTarget(path: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8').includes('"demo-infin8linx"')) return;
  throw configError('usage.config', `${path} exists`);
}

async function listen(port: number): Promise<Sandbox> {
  try {
    return await startSandbox({ port, live: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw configError('usage.port', `port ${port} is taken`);
  }
}

function spoil(sandbox: Sandbox, { latency, faultRate }: SandboxCommandOptions): void {
  for (const provider of PROVIDERS) {
    sandbox.setFaults(provider, {
      ...(latency === undefined ? {} : { latency }),
      ...(faultRate === undefined
        ? {}
        : { rate: faultRate, kinds: ['reset', '500', '503', 'truncated', 'html'] }),
    });
  }
}

function introduction({ urls, url }: Sandbox, path: string): string {
  const list = table(
    ['provider', 'baseUrl'],
    PROVIDERS.map((provider) => [provider, urls[provider]]),
  );
  return `${list}
A configuration that uses it: ${path}
  cdrsync --config ${path} sync
  cdrsync --config ${path} worker
Faults, while it runs:
  curl -X POST ${url}/_sandbox/faults/okcc -d '{"latency": 200, "rate": 0.2, "kinds": ["500", "reset"]}'
Stop it with Ctrl-C.
`;
}
