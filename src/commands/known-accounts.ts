import type { AccountConfig, Config } from '../config/config.ts';
import { type CdrError, configError } from '../errors.ts';
import { readAccounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import { type ZoneClock, zoneClock } from '../time.ts';

/** An account whose records can be read. */
export interface KnownAccount {
  readonly id: string;
  /** Of its local times; UTC where only the store still knows the account. */
  readonly clock: ZoneClock;
  /** Null where only the store still knows it. */
  readonly configured: AccountConfig | null;
}

/** Where there is no store: what was asked for wrongly is told before that. */
export function withoutStore(config: Config, ids: readonly string[]): CdrError {
  const unknown = ids.filter((id) => !config.accounts.some((account) => account.id === id));
  return unknown.length > 0
    ? unknownAccounts(unknown, config.accounts, config.path)
    : missing(storeName(config.store));
}

/**
 * The accounts of the configuration and those that only the store still knows,
 * or those named: what was stored does not vanish with its entry.
 *
 * @throws CdrError `usage.account` for a name that neither knows.
 */
export async function knownAccounts(
  store: Store,
  config: Config,
  ids: readonly string[],
): Promise<readonly KnownAccount[]> {
  const configured = config.accounts.map((account): KnownAccount => {
    const { id, clock } = account;
    return { id, clock, configured: account };
  });
  const stored = (await readAccounts(store)).map(({ id }): KnownAccount => {
    return { id, clock: zoneClock('UTC'), configured: null };
  });
  const left = stored.filter(({ id }) => !configured.some((known) => known.id === id));
  const all = [...configured, ...left];
  const unknown = ids.filter((id) => !all.some((known) => known.id === id));
  if (unknown.length > 0) throw unknownAccounts(unknown, all, `${config.path} or its store`);
  return all.filter(({ id }) => ids.length === 0 || ids.includes(id));
}

/** @param where in which accounts were looked for, for a person. */
export function unknownAccounts(
  unknown: readonly string[],
  all: readonly { readonly id: string }[],
  where: string,
): CdrError {
  const known = all.map(({ id }) => id).join(', ');
  return configError('usage.account', `no account ${unknown.join(', ')} in ${where}`, {
    en: `The accounts are: ${known}.`,
    zh: `已有的账号：${known}。`,
  });
}
