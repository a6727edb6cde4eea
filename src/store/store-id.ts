import type { Store } from './store.ts';

/** What tells this store from every other, wherever its file is moved. */
export async function readStoreId({ db }: Store): Promise<string> {
  const { value } = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', 'store_id')
    .executeTakeFirstOrThrow();
  return value;
}
