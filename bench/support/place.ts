import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountEntry } from '../server/messages.ts';
import type { World } from '../server/world.ts';

/** A folder with a configuration and a store, for one binary to work in. */
export interface Place {
  readonly folder: string;
  readonly config: string;
  readonly store: string;
}

/** @param url of the store; a file in the folder where none is given. */
export function makePlace(folder: string, accounts: readonly AccountEntry[], url?: string): Place {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'worker.config.json');
  const store = join(folder, 'cdrsync.db');
  writeFileSync(config, JSON.stringify({ store: url ?? `sqlite:${store}`, accounts }));
  return { folder, config, store };
}

export const ACCOUNT = 'bench';

/** The account of a world, without the pauses that only real providers need. */
export function accountOf(
  { provider }: Pick<World, 'provider'>,
  url: string,
  startAt: string,
): AccountEntry {
  const login =
    provider === 'infin8linx'
      ? { baseUrl: url, credentials: { token: 'token' } }
      : { baseUrl: `${url}/voice`, credentials: { apiKey: 'key', apiSecret: 'secret' } };
  // No poll falls due between the windows of a backfill that takes minutes.
  return { id: ACCOUNT, provider, ...login, startAt, minInterval: '0s', every: '1d' };
}
