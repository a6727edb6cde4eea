import type { Kysely, Selectable } from 'kysely';
import type { PausesTable, Schema } from './schema.ts';
import type { StoreTransaction } from './store.ts';

/** Until when an account that its provider refused is left alone by whatever runs unattended. */
export type Pause = Selectable<PausesTable>;

export async function readPause(db: Kysely<Schema>, accountId: string): Promise<Pause | null> {
  const row = await db
    .selectFrom('pauses')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row ?? null;
}

export async function savePause(trx: StoreTransaction, pause: Pause): Promise<void> {
  await trx
    .insertInto('pauses')
    .values(pause)
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(pause))
    .execute();
}

export async function endPause(trx: StoreTransaction, accountId: string): Promise<void> {
  await trx.deleteFrom('pauses').where('account_id', '=', accountId).execute();
}
