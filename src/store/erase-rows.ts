import { createHmac } from 'node:crypto';
import { NO_PAYLOAD } from './erased.ts';
import type { Store, StoreTransaction } from './store.ts';

/** Overwriting what is no call: rows that do not parse, and rows that wait for the proof of their walk. */

const PREFIX = 'erased-';
const WIDTH = 8;

/**
 * By what an erased row is known again when it is listed again. So short that
 * several mobile numbers share one, since a whole digest would let anyone who
 * has the key and the rest of the row try them all; so long that two rows of a
 * day do not become one (six hexadecimal digits are not, once a broken day
 * brings thousands).
 */
export function erasedDigest(key: string, raw: string): string {
  return PREFIX + createHmac('sha256', key).update(raw).digest('hex').slice(0, WIDTH);
}

interface Kept {
  readonly digest: string;
  readonly listed_on: string;
  readonly raw: string;
}

/** Overwrites quarantined rows. They stay in quarantine: what they were can no longer be read. */
export async function eraseQuarantined(
  trx: StoreTransaction,
  accountId: string,
  rows: readonly Kept[],
  key: string,
): Promise<void> {
  for (const { digest, listed_on, raw } of rows) {
    const old = await trx
      .deleteFrom('quarantine')
      .where('account_id', '=', accountId)
      .where('listed_on', '=', listed_on)
      .where('digest', '=', digest)
      .returningAll()
      .executeTakeFirst();
    if (old === undefined) continue;
    const erased = { ...old, digest: erasedDigest(key, raw), raw: NO_PAYLOAD };
    await trx
      .insertInto('quarantine')
      .values(erased)
      .onConflict((conflict) => conflict.columns(['account_id', 'listed_on', 'digest']).doNothing())
      .execute();
  }
}

/** Quarantined rows of days before one, as far as they are not overwritten yet. */
export async function quarantinedBefore(
  { db }: Store,
  accountId: string,
  day: string,
  limit: number,
): Promise<readonly Kept[]> {
  return db
    .selectFrom('quarantine')
    .select(['digest', 'listed_on', 'raw'])
    .where('account_id', '=', accountId)
    .where('listed_on', '<', day)
    .where('digest', 'not like', `${PREFIX}%`)
    .limit(limit)
    .execute();
}

/**
 * Begins the account's pending walks anew: rows that were held back cannot be
 * overwritten where they wait, since their identity is made of what goes, and
 * what a walk has seen of quarantined rows goes by their payload. Rows that the
 * walks have stored already are met again as unchanged.
 */
export async function restartWalks(trx: StoreTransaction, accountId: string): Promise<void> {
  const windows = await trx
    .selectFrom('windows')
    .select('id')
    .where('account_id', '=', accountId)
    .where('pages', '>', 0)
    .execute();
  await restart(trx, windows);
}

/**
 * The same for the windows that end at an instant (milliseconds) or before.
 *
 * @param which `holding`: only those where rows wait in clear.
 * @returns how many rows were held back in clear.
 */
export async function restartWalksBefore(
  trx: StoreTransaction,
  accountId: string,
  before: number,
  which: 'all' | 'holding',
): Promise<number> {
  const windows = await trx
    .selectFrom('windows')
    .select('id')
    .select((eb) =>
      eb
        .selectFrom('window_rows')
        .select((count) => count.fn.countAll<number>().as('held'))
        .whereRef('window_id', '=', 'windows.id')
        // One that came overwritten stands in a list.
        .where('raw', 'not like', '[%')
        .as('held'),
    )
    .where('account_id', '=', accountId)
    .where('pages', '>', 0)
    .where('to_at', '<=', before)
    .execute();
  const due = windows.filter(({ held }) => which === 'all' || Number(held) > 0);
  await restart(trx, due);
  return due.reduce((sum, { held }) => sum + Number(held), 0);
}

async function restart(
  trx: StoreTransaction,
  windows: readonly { readonly id: string }[],
): Promise<void> {
  for (const { id } of windows) {
    await trx.deleteFrom('window_pages').where('window_id', '=', id).execute();
    await trx.deleteFrom('window_rows').where('window_id', '=', id).execute();
    await trx
      .updateTable('windows')
      .set({
        cursor: null,
        begun_at: null,
        pages: 0,
        total: null,
        total_moved: 'held',
        previous: null,
      })
      .where('id', '=', id)
      .execute();
  }
}
