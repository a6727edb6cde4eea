import { engineOf } from './engine.ts';
import type { CallsQuery } from './records.ts';
import type { Store } from './store.ts';

/**
 * Following the store. Each write of a record takes the next `change_seq`, in
 * the transaction that writes it. A record that changes again leaves its old
 * number, so a reader may miss what it was in between, and never what it is.
 */

/**
 * The greatest `change_seq` up to which a follower has seen all once it has read
 * what follows: neither a transaction that is not committed yet nor a power cut
 * puts anything else there; null on a standby, which does not know. To be asked
 * before the records are read.
 */
export async function durableChangeSeq({ db }: Store): Promise<number | null> {
  return engineOf(db).followableSequence(db);
}

/** The greatest number that was given so far, whatever became of it. */
export async function lastChangeSeq({ db }: Store): Promise<number> {
  return engineOf(db).lastSequence(db);
}

/** Which changes are wanted: those after one number, up to and with another, of some accounts. */
export interface ChangeRange {
  readonly since: number;
  readonly upTo: number;
  readonly accountIds: readonly string[];
}

/** The calls that were written last in this range, in the order of their `change_seq`. */
export function callsChanged({ db }: Store, { since, upTo, accountIds }: ChangeRange): CallsQuery {
  return db
    .selectFrom('calls')
    .where('change_seq', '>', since)
    .where('change_seq', '<=', upTo)
    .where(engineOf(db).passedBy('account_id'), 'in', accountIds)
    .orderBy('change_seq');
}
