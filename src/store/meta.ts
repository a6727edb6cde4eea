import { type Store, type StoreTransaction, transact } from './store.ts';

/** What the store keeps about itself, by name. */
export async function readMeta({ db }: Store, name: string): Promise<string | null> {
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.value ?? null;
}

export async function writeMeta(store: Store, name: string, value: string): Promise<void> {
  await transact(store, (trx) =>
    trx
      .insertInto('meta')
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute(),
  );
}

/**
 * What tells this store from every other, wherever its file is moved. No output
 * shows the whole of it: masked exports make their pseudonyms with it.
 */
export async function readStoreId(store: Store): Promise<string> {
  const id = await readMeta(store, 'store_id');
  if (id === null) throw new TypeError('a store without an id');
  return id;
}

/**
 * Until its end no other transaction that says the same takes place: for what is
 * decided by rows of several accounts, or by there being none. SQLite has one
 * writer at a time anyway.
 */
export async function oneAtATime(trx: StoreTransaction): Promise<void> {
  await trx
    .updateTable('meta')
    .set((eb) => ({ value: eb.ref('value') }))
    .where('name', '=', 'store_id')
    .execute();
}
