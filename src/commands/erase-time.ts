import { configError } from '../errors.ts';
import { readAccounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import { DAY, formatDuration, SECOND } from '../time.ts';

/** So long the store may have had no call from anywhere: a provider gives a day when it is over, and one may be down. */
const QUIET = 2 * DAY;

/**
 * The instant of a request, milliseconds: calls that started before are
 * erased. Erasing asks no provider for the time. What the store knows of it are
 * the watermarks, which go by the clocks of providers.
 *
 * @throws CdrError `erase.clock` where this machine's clock is far beyond them:
 * if it is wrong, calls that people make after the request would be erased.
 */
export async function requestTime(
  store: Store,
  { trustClock = false }: { readonly trustClock?: boolean },
): Promise<number> {
  const now = Date.now();
  const known = (await readAccounts(store)).map(({ watermark }) => watermark);
  const beyond = known.length === 0 ? 0 : now - Math.max(...known);
  if (beyond > QUIET && !trustClock) {
    const words = `this machine's clock is ${formatDuration(beyond)} ahead of all that the store knows`;
    throw configError('erase.clock', words);
  }
  // By the end of this second: a call that started within it was there before the request.
  return Math.ceil(now / SECOND) * SECOND;
}
