import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Failure } from '../errors.ts';
import { endPause, type Pause, readPause, savePause } from '../store/pauses.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { HOUR, MINUTE } from '../time.ts';

/**
 * An account whose login was refused is left alone for growing times by what
 * runs unattended (unattended.ts, and the jobs), so that no provider locks it.
 * The pause ends with a run that gets through, which may be one that somebody
 * starts by hand, and with another login.
 */

const FIRST_PAUSE = 5 * MINUTE;
const LONGEST_PAUSE = 6 * HOUR;

/** How long an account is left alone after so many refusals in a row. Milliseconds. */
export function pauseFor(refusals: number): number {
  return Math.min(FIRST_PAUSE * 2 ** Math.min(refusals - 1, 30), LONGEST_PAUSE);
}

/** What a run's end means for the account's pause, to be written with it. */
export async function pauseAfter(
  store: Store,
  { id, login }: { readonly id: string; readonly login: string },
  run: { readonly error: Pick<Failure, 'class'> | null; readonly gotThrough: boolean },
): Promise<(trx: StoreTransaction) => Promise<void>> {
  const refused = run.error?.class === 'auth';
  if (!refused && !run.gotThrough) return async () => undefined;
  const before = await readPause(store.db, id);
  const again = before !== null && (await isSealOf(before.login, login)) ? before : null;
  // That another login gets through says nothing of the one that was refused, which another worker may still have.
  if (!refused) return async (trx) => (again === null ? undefined : endPause(trx, id));
  const now = Date.now();
  const refusals = (again?.refusals ?? 0) + 1;
  const pause: Pause = {
    account_id: id,
    since: again?.since ?? now,
    until: now + pauseFor(refusals),
    refusals,
    login: again?.login ?? (await sealLogin(login)),
  };
  return (trx) => savePause(trx, pause);
}

/** Whether an account is to be left alone now. */
export async function isPaused(pause: Pause | null, login: string, now: number): Promise<boolean> {
  // A longer one was made by a clock that was ahead.
  if (pause === null || now >= pause.until || pause.until - now > LONGEST_PAUSE) return false;
  return isSealOf(pause.login, login);
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const KEY_BYTES = 32;

/** A digest that tells whether a login has changed, and that costs whoever would guess a weak one from it. */
async function sealLogin(login: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(login, salt, KEY_BYTES)).toString('hex')}`;
}

async function isSealOf(sealed: string, login: string): Promise<boolean> {
  const [salt, digest] = sealed.split(':').map((part) => Buffer.from(part, 'hex'));
  if (salt === undefined || digest?.length !== KEY_BYTES) return false;
  return timingSafeEqual(digest, await derive(login, salt, KEY_BYTES));
}
