import { engineOf } from './engine.ts';
import type { StoreTransaction } from './store.ts';

/** Numbers of the change sequence for `count` rows that this transaction writes, ascending. */
export function takeSequence(trx: StoreTransaction, count: number): Promise<readonly number[]> {
  return engineOf(trx).takeSequence(trx, count);
}

/** One number, for one row. */
export async function nextSequence(trx: StoreTransaction): Promise<number> {
  const [number] = await takeSequence(trx, 1);
  if (number === undefined) throw new TypeError('a database that gave no number');
  return number;
}
