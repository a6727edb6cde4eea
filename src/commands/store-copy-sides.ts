import { resolve } from 'node:path';
import { configError } from '../errors.ts';
import { makeLog } from '../log.ts';
import { realPath } from '../real-path.ts';
import { parseStoreUrl, resolveStoreUrl, storeAddress, storeName } from '../store-url.ts';
import type { Log } from '../sync/log.ts';
import { type GlobalOptions, openSession } from './session.ts';

export interface StoreCopyOptions {
  readonly from?: string;
  readonly to?: string;
  readonly verifyOnly?: boolean;
}

/** The two stores of a copy, by URLs with whole paths. */
export interface CopySides {
  readonly from: string;
  readonly to: string;
  readonly log: Log;
}

/**
 * Which stores are meant. Where both are named no configuration is needed.
 *
 * @throws CdrError `usage.copy`.
 */
export async function copySides(
  globals: GlobalOptions,
  { from, to }: StoreCopyOptions,
): Promise<CopySides> {
  const given = { from: urlOf('--from', from), to: urlOf('--to', to) };
  if (given.from === null && given.to === null) {
    throw configError('usage.copy', 'neither --from nor --to is given');
  }
  const sides =
    given.from !== null && given.to !== null
      ? { from: given.from, to: given.to, log: await plainLog(globals) }
      : await withConfigured(globals, given);
  if (identityOf(sides.from) === identityOf(sides.to)) {
    throw configError('usage.copy', `--from and --to are one store, ${storeName(sides.from)}`);
  }
  return sides;
}

/** Never the URL itself in a message: it may hold a password. */
function urlOf(option: string, given: string | undefined): string | null {
  if (given === undefined) return null;
  const parsed = parseStoreUrl(given);
  if (parsed.kind === 'problem') throw configError('usage.copy', `${option} ${parsed.message}`);
  return resolveStoreUrl(given, (file) => resolve(file));
}

async function withConfigured(
  globals: GlobalOptions,
  { from, to }: { readonly from: string | null; readonly to: string | null },
): Promise<CopySides> {
  const { config, log } = await openSession(globals, new AbortController().signal);
  return { from: from ?? config.store, to: to ?? config.store, log };
}

async function plainLog({ quiet, logLevel }: GlobalOptions): Promise<Log> {
  const pretty = process.stderr.isTTY === true;
  const usual = quiet ? 'error' : pretty ? 'warn' : 'info';
  return makeLog({ level: logLevel ?? usual, pretty, redact: (text) => text });
}

function identityOf(url: string): string {
  const address = storeAddress(url);
  return address.kind === 'sqlite' ? realPath(address.path) : storeName(address);
}
