import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Provider } from '../providers/provider.ts';
import { findProvider } from '../providers/registry.ts';
import { DAY, formatDuration, isDay, isZone, parseDuration, zoneClock } from '../time.ts';
import { joinPath, type Problem } from './interpolate.ts';
import { parseListen, tokenProblem } from './listen.ts';
import { DEFAULT_AUDITS, DEFAULT_LOOKBACK } from './schema.ts';
import { plainWords } from './words.ts';

/** What a schema of one entry cannot see, found on the entries as they stand. */

export interface RawAccount {
  readonly path: string;
  readonly entry: JsonObject;
  readonly provider: Provider | null;
}

/** The accounts as they stand, so that each problem of each is found whatever else is wrong. */
export function rawAccounts(value: Json): readonly RawAccount[] {
  const list = isObject(value) ? value['accounts'] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: Json, index): RawAccount[] => {
    if (!isObject(entry)) return [];
    const name = entry['provider'];
    const provider = typeof name === 'string' ? findProvider(name) : null;
    return [{ path: `accounts[${index}]`, entry, provider }];
  });
}

/** What the provider itself demands of credentials and options. */
export function accessProblems({ path, entry, provider }: RawAccount): readonly Problem[] {
  if (provider === null) return [];
  return (['credentials', 'options'] as const).flatMap((part) => {
    const given = entry[part] ?? (part === 'options' ? {} : undefined);
    const result = provider[part].safeParse(given, { error: plainWords, jitless: true });
    return result.success ? [] : issueProblems(result.error, `${path}.${part}`);
  });
}

export function issueProblems(error: z.ZodError, prefix: string): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.reduce<string>(
      (before, part) =>
        typeof part === 'number' ? `${before}[${part}]` : joinPath(before, String(part)),
      prefix,
    );
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: joinPath(path, key),
        message: 'is not a known setting',
      }));
    }
    return [{ path, message: issue.message }];
  });
}

interface Named {
  readonly path: string;
  readonly id: string | null;
  /** Provider, base URL and login; null where they are not valid. */
  readonly login: string | null;
}

function identify({ path, entry, provider }: RawAccount): Named {
  const id = typeof entry['id'] === 'string' ? entry['id'] : null;
  const baseUrl = entry['baseUrl'];
  if (provider === null || typeof baseUrl !== 'string') return { path, id, login: null };
  const access = { credentials: entry['credentials'], options: entry['options'] ?? {} };
  if (!provider.credentials.safeParse(access.credentials, { jitless: true }).success)
    return { path, id, login: null };
  if (!provider.options.safeParse(access.options, { jitless: true }).success)
    return { path, id, login: null };
  const settings = { accountId: id ?? '', baseUrl, timeZone: 'UTC', currency: null, ...access };
  return {
    path,
    id,
    login: [provider.name, sameUrl(baseUrl), provider.open(settings).principal].join(' '),
  };
}

/** History cannot begin before it has come: the watermark would stand in the future. */
export function futureStarts(raw: readonly RawAccount[], now: number): readonly Problem[] {
  return raw.flatMap(({ path, entry }) => {
    const startAt = entry['startAt'];
    const zone = entry['timeZone'] ?? 'Asia/Shanghai';
    if (typeof startAt !== 'string' || typeof zone !== 'string' || !isZone(zone)) return [];
    const at = isDay(startAt) ? zoneClock(zone).startOfDay(startAt) : Date.parse(startAt);
    return at > now ? [{ path: `${path}.startAt`, message: 'lies in the future' }] : [];
  });
}

/** What polls and audits still read again and compare must be there to be compared with. */
export function shortRetentions(raw: readonly RawAccount[]): readonly Problem[] {
  return raw.flatMap(({ path, entry }) => {
    const retention = durationOf(entry['retention']);
    if (retention === null) return [];
    const audits = entry['audit'] ?? DEFAULT_AUDITS;
    const ages = Array.isArray(audits) ? audits.map((age: Json) => durationOf(age) ?? 0) : [];
    const lookback = durationOf(entry['lookback'] ?? DEFAULT_LOOKBACK) ?? 0;
    const least = Math.max(lookback, ...ages) + DAY;
    if (retention > least) return [];
    const message = `must be longer than lookback and the last audit and a day: more than ${formatDuration(least)}`;
    return [{ path: `${path}.retention`, message }];
  });
}

function durationOf(value: Json | undefined): number | null {
  return typeof value === 'string' ? parseDuration(value) : null;
}

/** Two entries for one login would store each call twice. */
export function doubles(raw: readonly RawAccount[]): readonly Problem[] {
  const accounts = raw.map(identify);
  return accounts.flatMap(({ path, id, login }, index) => {
    const before = accounts.slice(0, index);
    const sameId = before.find((other) => id !== null && other.id === id);
    const sameLogin = before.find((other) => login !== null && other.login === login);
    return [
      ...(sameId === undefined
        ? []
        : [{ path: `${path}.id`, message: `${id} is the id of ${sameId.path} too` }]),
      ...(sameLogin === undefined
        ? []
        : [{ path, message: `is the same login as ${sameLogin.path}` }]),
    ];
  });
}

/** Who can reach the server can read numbers of calls and accounts: not without a token. */
export function exposure(value: Json): readonly Problem[] {
  const http = isObject(value) ? value['http'] : undefined;
  if (!isObject(http) || typeof http['listen'] !== 'string') return [];
  const listen = parseListen(http['listen']);
  const token = http['token'] ?? null;
  // A token that is no text at all is the schema's to name.
  if (listen === null || (token !== null && typeof token !== 'string')) return [];
  const message = tokenProblem(listen.host, token);
  return message === null ? [] : [{ path: 'http.token', message }];
}

export interface Authorities {
  /** PEM text by the path in the configuration. */
  readonly pem: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

export function readAuthorities(value: Json, folder: string): Authorities {
  const pem = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { path, entry } of rawAccounts(value)) {
    const file = entry['ca'];
    if (typeof file !== 'string' || file === '') continue;
    try {
      const text = readFileSync(resolve(folder, file), 'utf8');
      if (text.includes('-----BEGIN CERTIFICATE-----')) pem.set(file, text);
      else problems.push({ path: `${path}.ca`, message: 'holds no PEM certificate' });
    } catch (error) {
      problems.push({ path: `${path}.ca`, message: `the file ${fileTrouble(error)}` });
    }
  }
  return { pem, problems };
}

export function fileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
}

/** One text for all ways to write an address. */
function sameUrl(url: string): string {
  if (!URL.canParse(url)) return trimSlash(url);
  const { protocol, hostname, port, pathname } = new URL(url);
  return trimSlash(`${protocol}//${hostname.replace(/\.$/, '')}:${port}${pathname}`);
}

export function trimSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
