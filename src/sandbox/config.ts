import type { JsonObject } from '../json.ts';
import { FAKES } from './fakes.ts';
import { PROVIDERS, type ProviderName } from './wire.ts';

/** An entry of `accounts` in worker.config.json, ready to use. */
export interface SandboxAccount {
  readonly id: string;
  readonly provider: ProviderName;
  readonly baseUrl: string;
  readonly credentials: Readonly<Record<string, string>>;
  readonly startAt: string;
  readonly timeZone?: string;
  readonly currency?: string;
  readonly options?: Readonly<Record<string, string | number>>;
}

const { appId, accessKey } = FAKES.infin8linx;
const { token, userId, vosAccountId } = FAKES.vos;

// Infin8linx by key and not by its fixed token, so that the login is used.
const DETAILS: Readonly<
  Record<ProviderName, Pick<SandboxAccount, 'credentials' | 'currency' | 'options'>>
> = {
  infin8linx: { credentials: { appId, accessKey } },
  itniotech: { credentials: FAKES.itniotech },
  okcc: { credentials: FAKES.okcc, currency: 'CNY' },
  udesk: { credentials: FAKES.udesk },
  vos: { credentials: { token }, currency: 'CNY', options: { userId, vosAccountId } },
};

/** One account for each provider of a sandbox. */
export function sandboxAccounts(
  urls: Readonly<Record<ProviderName, string>>,
  startAt: string,
  zone: string,
): SandboxAccount[] {
  return PROVIDERS.map((provider) => ({
    id: `demo-${provider}`,
    provider,
    baseUrl: urls[provider],
    ...DETAILS[provider],
    startAt,
    ...(zone === 'Asia/Shanghai' ? {} : { timeZone: zone }),
  }));
}

/** The content of a worker.config.json that syncs a sandbox into `store`. */
export function sandboxConfig(
  sandbox: { readonly accounts: readonly SandboxAccount[] },
  { store }: { readonly store: string },
): JsonObject {
  return { store, accounts: sandbox.accounts.map((account) => ({ ...account })) };
}
