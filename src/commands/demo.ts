import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../config/config.ts';
import { configError } from '../errors.ts';
import { sandboxConfig } from '../sandbox/config.ts';
import type { Sandbox } from '../sandbox/contract.ts';
import { startSandbox } from '../sandbox/server.ts';
import { PROVIDERS } from '../sandbox/wire.ts';
import { countRecords } from '../store/records.ts';
import { openStoreToRead } from '../store/store.ts';
import { pollAccount } from '../sync/poll.ts';
import type { AccountReport } from '../sync/report.ts';
import { MINUTE } from '../time.ts';
import { reportText } from './reports.ts';
import { chooseAccounts, type GlobalOptions, openSession, openSessionStore } from './session.ts';
import { statusCommand } from './status.ts';
import { wrapLines } from './wrap.ts';

export interface DemoOptions {
  readonly keep?: string;
}

/** Shows the whole on simulated providers: a killed sync, its resumption, a complete store, a second pass that writes nothing. */
export async function demoCommand(
  globals: GlobalOptions,
  { keep }: DemoOptions,
  signal: AbortSignal,
): Promise<number> {
  const folder =
    keep === undefined ? await mkdtemp(join(tmpdir(), 'cdrsync-demo-')) : resolve(keep);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw configError('usage.keep', `${folder} is not empty`);
  }
  // Frozen before what is settled now, so that a second pass has nothing new to find.
  const sandbox = await startSandbox({
    until: Date.now() - 5 * MINUTE,
    callsPerDay: 2000,
    days: 5,
  });
  try {
    const path = join(folder, 'worker.config.json');
    const config = sandboxConfig(sandbox, { store: `sqlite:${join(folder, 'cdrsync.db')}` });
    // Udesk's polite second between requests would make the demo wait for nothing.
    const hasty = {
      ...config,
      accounts: sandbox.accounts.map((account) => ({ ...account, minInterval: '0s' })),
    };
    await writeFile(path, `${JSON.stringify(hasty, null, 2)}\n`, { mode: 0o600 });
    return await playDemo({ ...globals, config: path }, sandbox, signal);
  } finally {
    await sandbox.close();
    if (keep === undefined) await rm(folder, { recursive: true, force: true });
    else say(`\nKept in ${folder}\n`);
  }
}

async function playDemo(
  globals: GlobalOptions,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<number> {
  say(`Five simulated providers run at ${sandbox.url}.\n`);
  const killed = await killOneWalk(globals.config, sandbox, signal);
  say(
    `1. A sync of demo-itniotech was killed (SIGKILL) after ${killed.requests} requests; ${killed.stored} calls were stored by then.\n`,
  );

  say('\n2. A first sync of all five; the killed one goes on from its last page:\n\n');
  const first = await syncAll(globals, signal);
  say(reportText(first, globals.language));

  say('\n3. What the providers list, and what the store holds:\n\n');
  const truth = await compare(globals, sandbox);
  for (const { provider, listed, stored } of truth)
    say(`   ${provider.padEnd(12)} ${listed} listed, ${stored} stored\n`);

  say('\n4. Status:\n\n');
  await statusCommand(globals, {});

  say('\n5. A second sync:\n\n');
  const second = await syncAll(globals, signal);
  say(reportText(second, globals.language));

  const wrong = [
    ...first
      .filter(({ state }) => state !== 'ok')
      .map(({ account }) => `${account} was not complete`),
    ...truth
      .filter(({ listed, stored }) => listed !== stored)
      .map(({ provider }) => `${provider} differs`),
    ...second
      .filter(({ inserted, changed }) => inserted + changed > 0)
      .map(({ account }) => `${account} wrote again`),
  ];
  say(
    wrong.length === 0
      ? '\nComplete: every call once, and nothing was written twice.\n'
      : `\nWrong: ${wrong.join('; ')}\n`,
  );
  return wrong.length === 0 ? 0 : 1;
}

/** Starts a real sync in a process of its own and kills it in the middle of a walk. */
async function killOneWalk(
  config: string,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<{ readonly requests: number; readonly stored: number }> {
  const asked = (): number =>
    sandbox.requests.filter(({ provider }) => provider === 'itniotech').length;
  sandbox.setFaults('itniotech', { latency: 20 });
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('the program has no path');
  const args = [
    ...process.execArgv,
    program,
    'sync',
    '--quiet',
    '--config',
    config,
    '--account',
    'demo-itniotech',
  ];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  while (asked() < 12 && child.exitCode === null) await sleep(5, undefined, { signal });
  child.kill('SIGKILL');
  await exited;
  sandbox.setFaults('itniotech', null);
  return { requests: asked(), stored: await countStored(config, 'demo-itniotech') };
}

async function syncAll(
  globals: GlobalOptions,
  signal: AbortSignal,
): Promise<readonly AccountReport[]> {
  const session = await openSession({ ...globals, logLevel: globals.logLevel ?? 'error' }, signal);
  const store = await openSessionStore(session);
  try {
    const around = { ...session, store, onProgress: () => undefined };
    const accounts = chooseAccounts(session.config, []);
    return await Promise.all(accounts.map((account) => pollAccount(account, around, 'sync')));
  } finally {
    await store.close();
  }
}

interface Comparison {
  readonly provider: string;
  readonly listed: number;
  readonly stored: number;
}

async function compare(
  { config }: GlobalOptions,
  sandbox: Sandbox,
): Promise<readonly Comparison[]> {
  const compared: Comparison[] = [];
  for (const provider of PROVIDERS) {
    const stored = await countStored(config, `demo-${provider}`);
    compared.push({ provider, listed: sandbox.rows(provider).length, stored });
  }
  return compared;
}

async function countStored(config: string, account: string): Promise<number> {
  const store = await openStoreToRead(loadConfig(config, process.env).store);
  if (store === null) return 0;
  return countRecords(store, account).finally(() => store.close());
}

function say(text: string): void {
  process.stdout.write(wrapLines(text));
}
