import { infin8linx } from './infin8linx.ts';
import { itniotech } from './itniotech.ts';
import { okcc } from './okcc.ts';
import type { Provider } from './provider.ts';
import { udesk } from './udesk.ts';
import { vos } from './vos.ts';

/** Every provider there is, by the word in the configuration. */
export const providers: readonly Provider[] = [infin8linx, itniotech, okcc, udesk, vos];

export function findProvider(name: string): Provider | null {
  return providers.find((provider) => provider.name === name) ?? null;
}
