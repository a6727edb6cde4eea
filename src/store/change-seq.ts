import type { StoreTransaction } from './store.ts';

/** Reserves `count` numbers of the change sequence and returns the first. */
export async function takeSequence(trx: StoreTransaction, count: number): Promise<number> {
  const { value } = await trx
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', count) }))
    .where('name', '=', 'change_seq')
    .returning('value')
    .executeTakeFirstOrThrow();
  return value - count + 1;
}
