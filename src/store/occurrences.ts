import { applyWrites, type CallWrite, type Written, writtenBy } from './call-writes.ts';
import { likeStored, planKnown } from './calls.ts';
import { matchOccurrences, occurrenceId, type StoredCall } from './identity.ts';
import { knownCalls } from './known-calls.ts';
import type { ListedCall, WriteContext } from './listed-call.ts';
import type { StoreTransaction } from './store.ts';

/**
 * Calls of providers that give no id. Their identity is derived from what the
 * row says, so two equal rows of a day are two calls, told apart by a number.
 * Which is which can only be known once the whole day was listed: a page that
 * shifted may list one row twice. Until then only what is beyond doubt is written.
 */

export interface Sorted {
  /** The first row of its identity, and new or stored just so. */
  readonly sure: readonly ListedCall[];
  readonly held: readonly ListedCall[];
}

/**
 * Tells the rows of a page that can be written at once from those that have to
 * wait for the proof of the walk.
 *
 * @param listedBefore how often the walk has listed this identity on earlier pages.
 */
export async function sortRows(
  trx: StoreTransaction,
  accountId: string,
  rows: readonly ListedCall[],
  listedBefore: (derivedId: string) => number,
): Promise<Sorted> {
  const stored = await storedOccurrences(trx, accountId, rows);
  const onPage = new Set<string>();
  const sure: ListedCall[] = [];
  const held: ListedCall[] = [];
  for (const listed of rows) {
    const id = listed.call.call_id;
    const known = stored.get(id) ?? [];
    const row = likeStored(listed, known);
    const first = !onPage.has(id) && listedBefore(id) === 0;
    const plain = known.length === 0 || (known.length === 1 && known[0]?.content_hash === row.hash);
    (first && plain ? sure : held).push(row);
    onPage.add(id);
  }
  return { sure, held };
}

/**
 * Writes rows of which all occurrences are known: each group of equal
 * identities is matched with its stored calls as a whole.
 *
 * @param settledBefore whether the walk has written the one other row of this identity already.
 * @returns what became of each row, in order.
 */
export async function writeOccurrences(
  trx: StoreTransaction,
  context: WriteContext,
  rows: readonly ListedCall[],
  settledBefore: (derivedId: string) => boolean,
): Promise<readonly Written[]> {
  if (rows.length === 0) return [];
  const stored = await storedOccurrences(trx, context.accountId, rows);
  const groups = new Map<string, ListedCall[]>();
  const listed = rows.map((row) => likeStored(row, stored.get(row.call.call_id) ?? []));
  for (const row of listed) {
    const group = groups.get(row.call.call_id);
    if (group === undefined) groups.set(row.call.call_id, [row]);
    else group.push(row);
  }
  const writes = new Map<ListedCall, CallWrite>();
  for (const [id, group] of groups) {
    const known = stored.get(id) ?? [];
    // A row that was written at once met at most one stored call, and that one is now its own.
    const free = settledBefore(id) ? [] : known;
    let number = known.length;
    for (const { row, call } of matchOccurrences(group, free, LIKENESS)) {
      if (call !== null) writes.set(row, planKnown(likeStored(row, [call]), call));
      else {
        number += 1;
        writes.set(row, {
          kind: 'insert',
          listed: row,
          callId: occurrenceId(id, number),
          flags: [],
        });
      }
    }
  }
  const planned = listed.flatMap((row) => writes.get(row) ?? []);
  await applyWrites(trx, context, planned);
  return planned.map(writtenBy);
}

/** Of some that are erased and some that are not. */
const LIKENESS: readonly ((row: ListedCall, call: StoredCall) => boolean)[] = [
  (row, call) => call.erasure_id !== null && call.content_hash === likeStored(row, [call]).hash,
  (row, call) => (call.erasure_id === null) === (row.erasureId === null),
];

async function storedOccurrences(
  trx: StoreTransaction,
  accountId: string,
  rows: readonly ListedCall[],
): Promise<ReadonlyMap<string, readonly StoredCall[]>> {
  if (rows.length === 0) return new Map();
  const { byName } = await knownCalls(
    trx,
    accountId,
    rows.map(({ call }) => call),
  );
  return new Map(
    [...byName].map(([name, calls]) => [name, calls.filter((call) => call.identity_key === name)]),
  );
}
