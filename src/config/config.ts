import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Text } from '../codes/entry.ts';
import { CdrError, fault } from '../errors.ts';
import type { Connector } from '../providers/provider.ts';
import { environmentProxies } from '../providers/proxy.ts';
import { findProvider } from '../providers/registry.ts';
import { resolveStoreUrl, storeAddress } from '../store-url.ts';
import { isDay, parseDuration, wholeSecond, type ZoneClock, zoneClock } from '../time.ts';
import { checkText } from './check-text.ts';
import { fileTrouble, trimSlash } from './checks.ts';
import { type Environment, type Problem, problemText } from './interpolate.ts';
import { isLoopback, type Listen } from './listen.ts';
import type { AccountEntry, ConfigEntries } from './schema.ts';

/** The configuration, complete and checked. Durations in milliseconds. */
export interface Config {
  readonly path: string;
  /** `sqlite:` and an absolute path, or `postgres://…` with its login: `storeName` is for people. */
  readonly store: string;
  /** Bytes that are to stay free on the store's disk; 0 for none. */
  readonly diskReserve: number;
  readonly queue: string;
  readonly http: Listen & { readonly token: string | null };
  readonly accounts: readonly AccountConfig[];
  /** The secrets and certificates that it names. */
  readonly files: readonly string[];
  /** What no output may show. */
  readonly secrets: readonly string[];
  /** What an operator should hear, though it works. */
  readonly warnings: readonly string[];
}

export interface AccountConfig {
  readonly id: string;
  readonly connector: Connector;
  readonly baseUrl: string;
  /** Everything that the login is made of, as one text. Secret. */
  readonly login: string;
  readonly clock: ZoneClock;
  /** The instant from which history is wanted; null for yesterday. */
  readonly startAt: number | null;
  readonly every: number;
  readonly lookback: number;
  readonly settle: number;
  /** How long calls are kept in clear; null for as long as they are stored. */
  readonly retention: number | null;
  readonly windowDays: number;
  readonly audit: readonly number[];
  readonly minInterval: number;
  readonly timeout: number;
  readonly proxy: string | false | null;
  /** PEM text. */
  readonly ca: string | null;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends CdrError {
  readonly problems: readonly Problem[];

  constructor(path: string, problems: readonly Problem[], hint?: Text) {
    const lines = problems.map((problem) => `  ${problemText(problem)}`);
    const words = [`${path} cannot be used:`, ...lines];
    super(fault('config.invalid', words.join('\n'), { hint }));
    this.problems = problems;
  }
}

/**
 * Reads the configuration file and the environment.
 *
 * @throws ConfigError that names every problem by its path.
 */
export function loadConfig(file: string, environment: Environment): Config {
  const path = resolve(file);
  const folder = dirname(path);
  const { entries, pem, files, problems } = checkText(readText(path), folder, environment);
  if (entries === null) throw new ConfigError(path, problems);

  const { store, diskReserve, queue, http } = entries;
  const opened = entries.accounts.map((entry) => openAccount(entry, pem));
  const config: Config = {
    path,
    store: resolveStoreUrl(store, (file) => resolve(folder, file)),
    diskReserve,
    queue,
    http: { ...http.listen, token: http.token ?? null },
    accounts: opened,
    files,
    secrets: secretsOf(entries, opened),
    warnings: [
      ...storeWarnings(store),
      ...opened.flatMap((account) =>
        accountWarnings(account).map((warning) => `${account.id}: ${warning}`),
      ),
    ],
  };
  return Object.freeze(config);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const problems = [{ path: '', message: `the file ${fileTrouble(error)}` }];
    throw new ConfigError(path, problems, {
      en: 'Let `cdrsync init` write it, or name another one with `--config PATH`.',
      zh: '请用 `cdrsync init` 生成，或用 `--config PATH` 指定另一个文件。',
    });
  }
}

function openAccount(entry: AccountEntry, pem: ReadonlyMap<string, string>): AccountConfig {
  const provider = findProvider(entry.provider);
  if (provider === null) throw new TypeError(`unknown provider ${entry.provider}`);
  const clock = zoneClock(entry.timeZone);
  const baseUrl = trimSlash(entry.baseUrl);
  const connector = provider.open({
    accountId: entry.id,
    baseUrl,
    timeZone: entry.timeZone,
    currency: entry.currency ?? null,
    credentials: entry.credentials,
    options: entry.options,
  });
  return {
    id: entry.id,
    connector,
    baseUrl,
    login: [connector.provider, baseUrl, connector.principal, ...connector.secrets].join('\n'),
    clock,
    startAt: entry.startAt === undefined ? null : instantOf(entry.startAt, clock),
    every: entry.every ?? parseDuration(provider.defaults.every) ?? 0,
    lookback: entry.lookback,
    settle: entry.settle,
    retention: entry.retention ?? null,
    windowDays: entry.window,
    audit: entry.audit,
    minInterval: entry.minInterval ?? parseDuration(provider.defaults.minInterval) ?? 0,
    timeout: entry.timeout,
    proxy: entry.proxy ?? null,
    ca: entry.ca === undefined ? null : (pem.get(entry.ca) ?? null),
  };
}

/** A date is that day's beginning on the account's wall clock; a time carries its offset. */
export function instantOf(text: string, clock: ZoneClock): number {
  return isDay(text) ? clock.startOfDay(text) : wholeSecond(Date.parse(text));
}

function secretsOf(
  { http, queue, store }: ConfigEntries,
  accounts: readonly AccountConfig[],
): readonly string[] {
  const proxies = [...accounts.map(({ proxy }) => proxy), ...environmentProxies(process.env)];
  const passwords = proxies.flatMap((url) =>
    typeof url === 'string' && URL.canParse(url) ? loginForms(new URL(url)) : [],
  );
  // A user without a password is a token for a proxy, and only a name for a database.
  const databases = [queue, store].filter(
    (url) => URL.canParse(url) && new URL(url).password !== '',
  );
  const all = [
    ...accounts.flatMap(({ connector }) => connector.secrets),
    ...passwords,
    ...databases.flatMap((url) => loginForms(new URL(url))),
    http.token ?? '',
  ];
  return [...new Set(all)].filter((secret) => secret !== '');
}

/** A login in a URL: as it stands there, as it is meant, and as a header carries it. */
function loginForms({ username, password }: URL): readonly string[] {
  const meant = [username, password].map(unescaped);
  const basic = Buffer.from(meant.join(':')).toString('base64');
  if (password === '') return [username, unescaped(username)];
  return [password, unescaped(password), basic];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function storeWarnings(store: string): readonly string[] {
  const address = storeAddress(store);
  if (address.kind === 'sqlite' || address.tls.kind === 'verified') return [];
  if (address.host.startsWith('/') || isLoopback(address.host)) return [];
  return [
    'store: without sslmode=verify-full the password and all calls travel readable to the database.',
  ];
}

/** What an operator should hear of one account's settings, though they work. */
export function accountWarnings({
  baseUrl,
  connector,
}: Pick<AccountConfig, 'baseUrl' | 'connector'>): readonly string[] {
  const { protocol, hostname } = new URL(baseUrl);
  const exposed = protocol === 'http:' && !isLoopback(hostname);
  const plain = exposed ? ['baseUrl is plain http: credentials and calls travel readable.'] : [];
  return [...plain, ...connector.warnings];
}
