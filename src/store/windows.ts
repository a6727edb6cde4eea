import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Span } from '../time.ts';
import type { WindowsTable } from './schema.ts';
import type { Store, StoreTransaction } from './store.ts';

/** A pending window: part of the checkpoint, with the state of its walk. */
export type PendingWindow = Selectable<WindowsTable>;

/** The first pending windows, in the order in which they are to be walked. */
export async function readWindows(
  store: Store,
  accountId: string,
  lane: string,
  limit: number,
): Promise<readonly PendingWindow[]> {
  return store.db
    .selectFrom('windows')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('lane', '=', lane)
    .orderBy('from_at')
    .limit(limit)
    .execute();
}

export async function countWindows(store: Store, accountId: string, lane: string): Promise<number> {
  const { count } = await store.db
    .selectFrom('windows')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('lane', '=', lane)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function addWindows(
  trx: StoreTransaction,
  accountId: string,
  lane: string,
  spans: readonly Span[],
): Promise<void> {
  // One by one: a history of years is some thousand windows, more than one statement may carry.
  for (const span of spans) {
    await trx
      .insertInto('windows')
      .values(freshWindow(accountId, lane, span))
      .execute();
  }
}

function freshWindow(accountId: string, lane: string, { from, to }: Span): PendingWindow {
  return {
    id: randomUUID(),
    account_id: accountId,
    lane,
    from_at: from,
    to_at: to,
    cursor: null,
    walks: 0,
    begun_at: null,
    pages: 0,
    total: null,
    total_moved: 'held',
    previous: null,
  };
}

export type WindowChange = Partial<Omit<PendingWindow, 'id' | 'account_id' | 'lane'>>;

export async function updateWindow(
  trx: StoreTransaction,
  id: string,
  change: WindowChange,
): Promise<void> {
  await trx.updateTable('windows').set(change).where('id', '=', id).execute();
}

/** Ends a window, the memory of its walk with it. */
export async function removeWindow(trx: StoreTransaction, id: string): Promise<void> {
  await trx.deleteFrom('windows').where('id', '=', id).execute();
}

/** Ends all windows of a lane. */
export async function dropLane(
  trx: StoreTransaction,
  accountId: string,
  lane: string,
): Promise<void> {
  await trx
    .deleteFrom('windows')
    .where('account_id', '=', accountId)
    .where('lane', '=', lane)
    .execute();
}

/** Ends the windows of a lane that begin at an instant or later. */
export async function dropFrom(
  trx: StoreTransaction,
  accountId: string,
  lane: string,
  from: number,
): Promise<void> {
  await trx
    .deleteFrom('windows')
    .where('account_id', '=', accountId)
    .where('lane', '=', lane)
    .where('from_at', '>=', from)
    .execute();
}

/** Forgets what the current walk has seen, so that the next begins with an empty memory. */
export async function forgetWalk(trx: StoreTransaction, id: string): Promise<void> {
  await trx.deleteFrom('window_pages').where('window_id', '=', id).execute();
  await trx.deleteFrom('window_rows').where('window_id', '=', id).execute();
}

export async function rememberPage(
  trx: StoreTransaction,
  windowId: string,
  page: number,
  seen: Buffer,
): Promise<void> {
  await trx.insertInto('window_pages').values({ window_id: windowId, page, seen }).execute();
}

/** What the current walk has seen, page by page. */
export async function recallPages(store: Store, windowId: string): Promise<readonly Buffer[]> {
  const rows = await store.db
    .selectFrom('window_pages')
    .select('seen')
    .where('window_id', '=', windowId)
    .orderBy('page')
    .execute();
  return rows.map(({ seen }) => seen);
}

/** Keeps rows of the walk that may only be stored with its proof. */
export async function holdRows(
  trx: StoreTransaction,
  windowId: string,
  first: number,
  raws: readonly string[],
): Promise<void> {
  for (const [index, raw] of raws.entries()) {
    const row = { window_id: windowId, position: first + index, raw };
    await trx.insertInto('window_rows').values(row).execute();
  }
}

export async function recallRows(
  trx: StoreTransaction,
  windowId: string,
): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('window_rows')
    .select('raw')
    .where('window_id', '=', windowId)
    .orderBy('position')
    .execute();
  return rows.map(({ raw }) => raw);
}

/** The lane in which the windows of a backfill wait. */
export function backfillLane({ from, to }: Span): string {
  return `backfill ${from} ${to}`;
}
