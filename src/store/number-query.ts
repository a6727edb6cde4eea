import type { Kysely } from 'kysely';
import { engineOf, type NumberLook } from './engine.ts';
import { RECORD_COLUMNS } from './record-columns.ts';
import type { Schema } from './schema.ts';

export type Party = 'caller' | 'callee';

export const PARTIES: readonly Party[] = ['caller', 'callee'];

/** The newest calls of a scope, of whatever number: the engine finds them by that alone. */
export function newestCalls(
  db: Kysely<Schema>,
  { scope: { accountIds, from, to }, limit }: Pick<NumberLook, 'scope' | 'limit'>,
) {
  const { passedBy } = engineOf(db);
  return db
    .selectFrom('calls')
    .select(RECORD_COLUMNS)
    .where((eb) =>
      eb.and([
        ...(accountIds === null ? [] : [eb(passedBy('account_id'), 'in', accountIds)]),
        ...(from === null ? [] : [eb(passedBy('started_at'), '>=', from)]),
        ...(to === null ? [] : [eb(passedBy('started_at'), '<', to)]),
      ]),
    )
    .orderBy('started_at', 'desc')
    .limit(limit + 1);
}
