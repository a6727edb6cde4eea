import { isUnfinished, readErasures } from '../store/erasures.ts';
import type { Store } from '../store/store.ts';
import { alarm, plural } from './alarm.ts';
import type { Alarm } from './document.ts';

/** That of the store, where a request was begun and is not done in every account, or in the files; a retention never ends. */
export async function erasureAlarms(store: Store, now: number): Promise<readonly Alarm[]> {
  const requests = (await readErasures(store)).filter(isUnfinished);
  const open = requests.map(({ id, requested_at, inAccounts }) => {
    const left = inAccounts.filter(({ finished_at }) => finished_at === null);
    const accounts = left.map(({ account_id }) => account_id).join(', ');
    return { id, requested_at, where: accounts === '' ? 'the files of the store' : accounts };
  });
  const [oldest] = open;
  if (oldest === undefined) return [];
  const what =
    open.length === 1
      ? 'an erasure is not finished'
      : `${plural(open.length, 'erasure')} are not finished, the oldest`;
  return [
    alarm('erasure_unfinished', {
      // The reason is for those who may list erasures: it may name a person.
      message: `${what} in ${oldest.where} (${oldest.id})`,
      account: null,
      // A request counts to the end of its second.
      since: Math.min(now, oldest.requested_at),
    }),
  ];
}
