import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { oneAtATime, readMeta } from './meta.ts';
import type { ErasureAccountsTable, ErasuresTable } from './schema.ts';
import { type Store, type StoreTransaction, transact } from './store.ts';

/**
 * The register of erasures. It knows a number again without holding it: by an
 * HMAC under a key that only this store has. Whoever has the whole store could
 * still try all numbers against it, and would learn that one was erased, not
 * which calls were its.
 */

export type Erasure = Selectable<ErasuresTable>;
export type ErasureInAccount = Selectable<ErasureAccountsTable>;

export type ErasureCounts = Pick<ErasureInAccount, 'calls' | 'versions' | 'quarantined' | 'held'>;

export function noErasureCounts(): ErasureCounts {
  return { calls: 0, versions: 0, quarantined: 0, held: 0 };
}

const KEY = 'erasure_key';

/** The key of the register's digests, made when it is first needed. */
export async function erasureKey(db: Store['db']): Promise<string> {
  await db
    .insertInto('meta')
    .values({ name: KEY, value: randomBytes(32).toString('hex') })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', KEY)
    .executeTakeFirstOrThrow();
  return value;
}

/** Null where nothing was ever erased. */
export async function knownErasureKey(store: Store): Promise<string | null> {
  return readMeta(store, KEY);
}

export function digestNumber(key: string, spelling: string): string {
  return createHmac('sha256', key).update(spelling).digest('hex').slice(0, 32);
}

export interface ErasureRequest {
  /** Under what the number is known again: `numberKeys`. */
  readonly keys: readonly string[];
  readonly reason: string;
  readonly requestedBy: string;
  /** Milliseconds; calls that started before are erased. */
  readonly requestedAt: number;
  /** Null for every account, those to come included. */
  readonly accounts: readonly string[] | null;
}

export interface RegisteredRequest {
  readonly id: string;
  /** The accounts to be searched now: those that the store holds, of those named. */
  readonly present: readonly string[];
}

/**
 * Enters a request before anything is overwritten, so that one that is
 * interrupted is known. The same request that was not finished is taken up
 * again, as of now.
 */
export async function registerRequest(
  store: Store,
  request: ErasureRequest,
): Promise<RegisteredRequest> {
  const { keys, reason, requestedBy, requestedAt } = request;
  const accounts = request.accounts === null ? null : JSON.stringify(request.accounts);
  return transact(store, async (trx) => {
    // An account whose first run begins meanwhile is either among those here, or sees the request.
    await oneAtATime(trx);
    const key = await erasureKey(trx);
    const digests = JSON.stringify(keys.map((one) => digestNumber(key, one)).sort());
    const open = await unfinishedRequest(trx, digests, accounts);
    const id = open ?? randomUUID();
    const told = {
      ...{ requested_at: requestedAt, requested_by: requestedBy, reason },
      files_clean_at: null,
    };
    await trx
      .insertInto('erasures')
      .values({ id, kind: 'request', ...told, accounts, digests, erased_to: null })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(told))
      .execute();
    const present = await presentAccounts(trx, request.accounts);
    for (const account of present) await openInAccount(trx, id, account);
    return { id, present };
  });
}

async function presentAccounts(
  trx: StoreTransaction,
  named: readonly string[] | null,
): Promise<readonly string[]> {
  const rows = await trx.selectFrom('accounts').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id).filter((id) => named?.includes(id) ?? true);
}

async function unfinishedRequest(
  trx: StoreTransaction,
  digests: string,
  accounts: string | null,
): Promise<string | null> {
  const row = await trx
    .selectFrom('erasures')
    .select('id')
    .where('kind', '=', 'request')
    .where('digests', '=', digests)
    .where('accounts', accounts === null ? 'is' : '=', accounts)
    // The last that is done, so that whatever is left to do leaves it open.
    .where('files_clean_at', 'is', null)
    .executeTakeFirst();
  return row?.id ?? null;
}

/** Says that an erasure is to be done in an account. */
export async function openInAccount(
  trx: StoreTransaction,
  erasureId: string,
  accountId: string,
): Promise<void> {
  await trx
    .insertInto('erasure_accounts')
    .values({
      erasure_id: erasureId,
      account_id: accountId,
      ...noErasureCounts(),
      finished_at: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['erasure_id', 'account_id']).doUpdateSet({ finished_at: null }),
    )
    .execute();
}

/** Adds what a transaction has overwritten, in that transaction. */
export async function countErased(
  trx: StoreTransaction,
  erasureId: string,
  accountId: string,
  added: Partial<ErasureCounts>,
  finishedAt: number | null = null,
): Promise<void> {
  const { calls = 0, versions = 0, quarantined = 0, held = 0 } = added;
  await trx
    .updateTable('erasure_accounts')
    .set((eb) => ({
      calls: eb('calls', '+', calls),
      versions: eb('versions', '+', versions),
      quarantined: eb('quarantined', '+', quarantined),
      held: eb('held', '+', held),
      ...(finishedAt === null ? {} : { finished_at: finishedAt }),
    }))
    .where('erasure_id', '=', erasureId)
    .where('account_id', '=', accountId)
    .execute();
}

/** The requests that an account's rows have to be held against. */
export async function requestsFor(store: Store, accountId: string): Promise<readonly Erasure[]> {
  const rows = await store.db
    .selectFrom('erasures')
    .selectAll()
    .where('kind', '=', 'request')
    .execute();
  return rows.filter(({ accounts }) => {
    const named: readonly string[] | null = accounts === null ? null : JSON.parse(accounts);
    return named?.includes(accountId) ?? true;
  });
}

export type RegisteredErasure = Erasure & { readonly inAccounts: readonly ErasureInAccount[] };

/** Whether the same command has something left to do, in an account or in the files. A retention goes on for ever. */
export function isUnfinished({ kind, files_clean_at, inAccounts }: RegisteredErasure): boolean {
  if (kind === 'retention') return false;
  return files_clean_at === null || inAccounts.some(({ finished_at }) => finished_at === null);
}

/** Whether an erasure has overwritten anything so far, by this command or by one before that was not completed. */
export async function hasOverwritten({ db }: Store, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('erasure_accounts')
    .select('account_id')
    .where('erasure_id', '=', id)
    .where((eb) =>
      eb.or(
        (['calls', 'versions', 'quarantined', 'held'] as const).map((name) => eb(name, '>', 0)),
      ),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Keeps that a request has nothing left to do in the files. */
export async function markFilesClean({ db }: Store, id: string, now: number): Promise<void> {
  await db.updateTable('erasures').set({ files_clean_at: now }).where('id', '=', id).execute();
}

/** All erasures, the oldest first, with what became of each in each account. */
export async function readErasures(store: Store): Promise<readonly RegisteredErasure[]> {
  const erasures = await store.db
    .selectFrom('erasures')
    .selectAll()
    .orderBy('requested_at')
    .orderBy('id')
    .execute();
  const parts = await store.db
    .selectFrom('erasure_accounts')
    .selectAll()
    .orderBy('account_id')
    .execute();
  return erasures.map((erasure) => ({
    ...erasure,
    inAccounts: parts.filter(({ erasure_id }) => erasure_id === erasure.id),
  }));
}

/** The erasure that overwrote a call; null where none did. */
export async function erasureOfCall(
  store: Store,
  accountId: string,
  callId: string,
): Promise<Erasure | null> {
  const row = await store.db
    .selectFrom('calls')
    .innerJoin('erasures', 'erasures.id', 'calls.erasure_id')
    .selectAll('erasures')
    .where('calls.account_id', '=', accountId)
    .where('calls.call_id', '=', callId)
    .executeTakeFirst();
  return row ?? null;
}
