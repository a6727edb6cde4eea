import type { Kysely } from 'kysely';
import type { NumberLook } from '../engine.ts';
import { newestCalls, PARTIES } from '../number-query.ts';
import type { StoredRecord } from '../record-columns.ts';
import type { Schema } from '../schema.ts';

/**
 * One query for each spelling: with several at once the index would give them
 * in no order, and all calls of a busy number be sorted.
 */
export async function callsOfNumber(
  db: Kysely<Schema>,
  look: NumberLook,
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (const form of look.forms) {
    for (const party of PARTIES) {
      found.push(...(await newestCalls(db, look).where(party, '=', form).execute()));
    }
  }
  return found;
}
