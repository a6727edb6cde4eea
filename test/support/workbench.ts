import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, onTestFinished } from 'vitest';
import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../../src/json.ts';
import { sandboxConfig } from '../../src/sandbox/config.ts';
import type { RequestLog, Sandbox, SandboxOptions } from '../../src/sandbox/contract.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { PROVIDERS, type ProviderName } from '../../src/sandbox/wire.ts';
import { DAY, MINUTE, zoneClock } from '../../src/time.ts';
import { newStore, query, storeUrl } from './test-store.ts';

export { countIn, query } from './test-store.ts';

/**
 * A place to run the real binary in: a temporary folder with a configuration
 * and a store, and simulated providers. Everything of it is gone when the test
 * has ended, processes that it left running included.
 */
export interface Workbench {
  readonly folder: string;
  readonly config: string;
  /** Its path, or its URL where it is no file. */
  readonly store: string;
  /** As `store` in the configuration. */
  readonly storeUrl: string;
  readonly sandbox: Sandbox;
  /** Writes the configuration anew: `settings` go into every account. */
  configure(settings?: JsonObject, providers?: readonly ProviderName[]): Promise<void>;
  /** Writes a configuration of one's own. */
  writeConfig(config: Json): Promise<void>;
  /** A further sandbox, for accounts whose provider behaves otherwise. */
  addSandbox(options?: SandboxOptions): Promise<Sandbox>;
  /** Runs the binary to its end. */
  run(...args: readonly string[]): Promise<Finished>;
  start(args: readonly string[], environment?: Environment): Running;
}

export type Environment = Readonly<Record<string, string>>;

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What stdout is, where it is one JSON document. */
  readonly json: Json | undefined;
}

export interface Running {
  readonly pid: number | undefined;
  readonly stdout: NodeJS.ReadableStream;
  /** What it has logged so far. */
  log(): string;
  readonly finished: Promise<Finished>;
  alive(): boolean;
  kill(signal: NodeJS.Signals): void;
}

export interface WorkbenchOptions {
  readonly sandbox?: SandboxOptions;
  /** The accounts in the configuration: all five by default. */
  readonly providers?: readonly ProviderName[];
  /** Settings of every account. */
  readonly settings?: JsonObject;
}

const CLI = inject('cli');
/** Nothing here takes nearly so long; what hangs is to fail with its output. */
const LONGEST_RUN = 60_000;

/** Without the jitter of the pauses between attempts, which can double them and changes nothing else. */
export const NO_JITTER: Environment = {
  NODE_OPTIONS: '--import data:text/javascript,Math.random=()=>0',
};

export const shanghai = zoneClock('Asia/Shanghai');

export async function openWorkbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-test-'));
  const config = join(folder, 'worker.config.json');
  const store = newStore(folder);
  const sandboxes: Sandbox[] = [];
  const running: Running[] = [];

  onTestFinished(async () => {
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ finished }) => finished));
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
    await rm(folder, { recursive: true, force: true });
    // Whatever a test is about, no request may go beyond what the providers document.
    expect(sandboxes.flatMap(({ requests }) => brokenLimits(requests))).toEqual([]);
  });

  const addSandbox = async (more: SandboxOptions = {}): Promise<Sandbox> => {
    // Lists stand still from before what is settled, so that the truth is one for all runs of a test.
    const still = { until: Date.now() - 5 * MINUTE, days: 2, callsPerDay: 60 };
    const sandbox = await startSandbox({ ...still, ...options.sandbox, ...more });
    sandboxes.push(sandbox);
    return sandbox;
  };
  const writeConfig = (value: Json): Promise<void> =>
    writeFile(config, `${JSON.stringify(value, null, 2)}\n`);

  const sandbox = await addSandbox();
  const bench: Workbench = {
    folder,
    config,
    store,
    storeUrl: storeUrl(store),
    sandbox,
    addSandbox,
    writeConfig,
    configure: (settings = {}, providers = options.providers ?? PROVIDERS) => {
      const entries = accountsOf(sandbox, providers, { ...options.settings, ...settings });
      return writeConfig({
        ...sandboxConfig(sandbox, { store: storeUrl(store) }),
        accounts: entries,
      });
    },
    run: (...args) => bench.start(args).finished,
    start: (args, environment = {}) => {
      const child = startCli(['--config', config, ...args], folder, environment);
      running.push(child);
      return child;
    },
  };
  await bench.configure();
  return bench;
}

/** Entries for `accounts`, without the pauses that only real providers need. */
export function accountsOf(
  sandbox: Sandbox,
  providers: readonly ProviderName[],
  settings: JsonObject = {},
): JsonObject[] {
  return sandbox.accounts
    .filter(({ provider }) => providers.includes(provider))
    .map((account) => ({ ...account, minInterval: '0s', ...settings }));
}

/** What the binary is started with: this machine's, in English, and without a proxy, which has no business here. */
export function ownEnvironment(): Environment {
  const own = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || /_proxy$/i.test(name) ? [] : [[name, value]],
  );
  const ours = { CDRSYNC_LANG: 'en', NODE_COMPILE_CACHE: inject('compileCache') };
  return { ...Object.fromEntries(own), ...ours };
}

export function startCli(args: readonly string[], cwd: string, more: Environment = {}): Running {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { ...ownEnvironment(), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN);
  const finished = once(child, 'close').then((): Finished => {
    clearTimeout(deadline);
    const { exitCode: code, signalCode: signal } = child;
    return { code, signal, stdout, stderr, json: jsonOf(stdout) };
  });
  return {
    pid: child.pid,
    stdout: child.stdout,
    log: () => stderr,
    finished,
    alive: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Waits for something that another process brings about. */
export async function until(what: string, holds: () => boolean, longest = 20_000): Promise<void> {
  const end = Date.now() + longest;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`This did not come: ${what}`);
    await sleep(2);
  }
}

// What `--json` says, by the names that may never change.

const Trouble = z.looseObject({
  code: z.string(),
  class: z.string(),
  message: z.string(),
  hint: z.string(),
});

const DayReport = z.looseObject({
  day: z.string(),
  state: z.string(),
  provider_total: z.int().nullable(),
  listed: z.int().nullable(),
  stored: z.int(),
  new: z.int(),
  changed: z.int(),
  missing: z.int(),
  quarantined: z.int(),
  audited_at: z.string().nullable(),
});

const Report = z.looseObject({
  account: z.string(),
  provider: z.string(),
  state: z.enum(['ok', 'incomplete', 'failed', 'skipped']),
  windows: z.int(),
  requests: z.int(),
  fetched: z.int(),
  inserted: z.int(),
  changed: z.int(),
  unchanged: z.int(),
  duplicates: z.int(),
  quarantined: z.int(),
  missing: z.int(),
  holes: z.int(),
  error: Trouble.nullable(),
  held_by: z.string().nullable(),
  days: z.array(DayReport),
});
export type Report = z.infer<typeof Report>;

/** The accounts in the JSON of a run, which adds up. */
export function reportsOf({ json, stderr }: Finished): Report[] {
  expect(json, stderr).toBeDefined();
  const { accounts } = z.object({ accounts: z.array(Report) }).parse(json);
  for (const { fetched, inserted, changed, unchanged, duplicates, quarantined } of accounts) {
    expect(fetched).toBe(inserted + changed + unchanged + duplicates + quarantined);
  }
  return accounts;
}

/** The one account in the JSON of a run. */
export function reportOf(result: Finished): Report {
  const [report, ...others] = reportsOf(result);
  if (report === undefined || others.length > 0) throw new Error('One account was expected.');
  return report;
}

// What the store holds.

export function watermarkOf({ store }: Workbench, account: string): number {
  const sql = 'select watermark from accounts where id = ?';
  const [row] = query(store, z.object({ watermark: z.int() }), sql, account);
  if (row === undefined) throw new Error(`The store knows no account ${account}.`);
  return row.watermark;
}

/** The payloads that the store holds of an account, sorted: the order is nobody's promise. */
export function storedRows(store: string, account: string): string[] {
  const sql = 'select raw from calls where account_id = ?';
  return query(store, z.object({ raw: z.string() }), sql, account)
    .map(({ raw }) => withoutSignature(raw))
    .sort();
}

/** What the provider lists, in the same form. */
export function listedRows(sandbox: Sandbox, provider: ProviderName): string[] {
  return sandbox
    .rows(provider)
    .map((row) => withoutSignature(writeJson(row)))
    .sort();
}

/** The links to recordings are signed anew with each listing. */
function withoutSignature(raw: string): string {
  return raw.replaceAll(/\?sign=[0-9a-f]+/g, '');
}

/** The store holds what the providers list: each row, once, as it was received. */
export function expectTruth(
  bench: Workbench,
  providers: readonly ProviderName[] = PROVIDERS,
): void {
  for (const provider of providers) {
    const listed = listedRows(bench.sandbox, provider);
    expect(storedRows(bench.store, `demo-${provider}`), provider).toEqual(listed);
    // An empty world would prove nothing.
    expect(listed.length, provider).toBeGreaterThan(0);
  }
}

// Rows in the providers' own words.

/** A call of no length that the provider has not listed so far, beginning at an instant. */
export function freshRow(
  sandbox: Sandbox,
  provider: ProviderName,
  at: number,
  number = 1,
): JsonObject {
  const time = shanghai.format(at);
  const offsetTime = shanghai.formatWithOffset(at);
  const id = 900_000_000 + number;
  const own: Readonly<Record<ProviderName, JsonObject>> = {
    infin8linx: { id, starttime: time, answertime: null, endtime: time, billsec: 0 },
    itniotech: {
      ...{ voiceId: `fresh-${number}`, submitTime: offsetTime, callTime: offsetTime },
      ...{ ringingTime: '', answerTime: '', hangupTime: offsetTime, callDuration: 0 },
    },
    okcc: {
      ...{ key: String(id), session: `fresh-${number}`, startTime: time, ringTime: time },
      ...{ answerTime: time, byeTime: time, timeLength: '0', result: '2' },
    },
    udesk: { id, callId: `fresh-${number}`, createTime: time, duration: 0, result: 2 },
    vos: { phone: `fresh-${number}`, start_time: time, end_time: time, hold_time: '00:00:00' },
  };
  const [like = {}] = sandbox.rows(provider);
  return { ...like, ...own[provider] };
}

const TIME_FIELD: Readonly<Record<ProviderName, string>> = {
  infin8linx: 'starttime',
  itniotech: 'submitTime',
  okcc: 'startTime',
  udesk: 'createTime',
  vos: 'start_time',
};

/** The instant by which the provider lists a row. */
export function instantOf(provider: ProviderName, row: JsonObject): number {
  const time = shanghai.parse(String(row[TIME_FIELD[provider]]));
  if (time === null) throw new Error('A row of the sandbox has no time.');
  return time.at;
}

// Requests.

/** The requests for pages of a list. */
export function pagesAsked(
  requests: readonly RequestLog[],
  provider?: ProviderName,
): readonly RequestLog[] {
  return requests.filter(
    (request) =>
      (provider === undefined || request.provider === provider) &&
      request.operation !== 'Login' &&
      request.operation !== 'hangupReasons',
  );
}

/** What is wrong with requests, by the limits in the providers' documents. */
function brokenLimits(requests: readonly RequestLog[]): string[] {
  const sequences = new Set<string>();
  return pagesAsked(requests).flatMap((request): string[] => {
    const wrong = LIMITS[request.provider](request, sequences);
    return wrong === null ? [] : [`${request.provider} ${wrong}: ${writeJson(request.parameters)}`];
  });
}

/** What is wrong with one request; null where it keeps to the limits. */
type Limit = (request: RequestLog, sequences: Set<string>) => string | null;

const LIMITS: Readonly<Record<ProviderName, Limit>> = {
  infin8linx({ parameters: { itemsperpage, syncflag, callmethod, direction } }) {
    if (Number(itemsperpage) > 1000) return 'asks for too many rows';
    const whole = syncflag === '3' && callmethod === '0' && direction === '3';
    return whole ? null : 'lists a part by the defaults of the API';
  },
  itniotech({ parameters: { size, params }, at }) {
    if (Number(size) > 100) return 'asks for too many rows';
    const range = isObject(params) ? [params['strTime'], params['endTime']] : [];
    const [from = Number.NaN, to = Number.NaN] = range.map((time) => Date.parse(String(time)));
    if (!(to >= from)) return 'has no range';
    if (to - from > 31 * DAY) return 'asks for more than 31 days';
    const oldest = new Date(at);
    oldest.setUTCMonth(oldest.getUTCMonth() - 2);
    return from < oldest.getTime() ? 'asks beyond two months' : null;
  },
  okcc({ parameters: { authentication } }, sequences) {
    const seq = isObject(authentication) ? String(authentication['seq']) : '';
    if (seq === '' || seq.length > 20) return 'has a seq of another length';
    if (sequences.has(seq)) return 'uses a seq twice';
    sequences.add(seq);
    return null;
  },
  udesk: ({ parameters }) =>
    Number(parameters['pageSize']) > 100 ? 'asks for too many rows' : null,
  vos: ({ parameters }) =>
    /^\d{4}-\d{2}-\d{2}$/.test(String(parameters['time'])) ? null : 'names no day',
};
