import type { CallsQuery } from '../../src/store/records.ts';
import type { Store } from '../../src/store/store.ts';

/** Every call of a store, in the order of an export. */
export function allCalls({ db }: Store): CallsQuery {
  return db.selectFrom('calls').orderBy('started_at').orderBy('account_id').orderBy('call_id');
}
