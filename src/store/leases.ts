import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import { CdrError, fault } from '../errors.ts';
import { engineOf } from './engine.ts';
import { isDead, type ProcessIdentity, thisProcess } from './process-identity.ts';
import type { LeasesTable } from './schema.ts';
import { type Store, type StoreTransaction, transact } from './store.ts';

/**
 * The right to walk an account, held by one process at a time over all
 * processes and machines that share the store.
 *
 * The epoch fences: each acquisition raises it, and every write transaction
 * begins by updating the lease row at its own epoch. A process that was stopped
 * and wakes up after it lost the lease matches no row, and commits nothing.
 */
export interface Lease {
  readonly accountId: string;
  readonly epoch: number;
}

export type LeaseResult =
  /** `from`: who held it and is gone; null where it was free. */
  | { readonly kind: 'held'; readonly lease: Lease; readonly from: string | null }
  | { readonly kind: 'taken'; readonly by: string; readonly since: number };

const HEARTBEAT_MS = 3_000;
const GONE_AFTER_MS = 10_000;

const holderSchema = z.object({
  host: z.string(),
  boot: z.string(),
  pidNamespace: z.string(),
  pid: z.number(),
  startedAt: z.string(),
});

/** Takes the lease where it is free, its heartbeat has stopped, or its holder died on this host. */
export async function acquireLease(store: Store, accountId: string): Promise<LeaseResult> {
  const holder = JSON.stringify(thisProcess());
  return transact(store, async (trx) => {
    const row = await lockLease(trx, accountId);
    const now = await leaseTime(trx);
    const living = livingHolder(row, now);
    if (living !== null) return { kind: 'taken', by: nameOf(living), since: row.acquired_at };
    const other = holderOf(row.holder);
    const epoch = row.epoch + 1;
    await trx
      .updateTable('leases')
      .set({ epoch, holder, acquired_at: now, heartbeat_at: now })
      .where('account_id', '=', accountId)
      .execute();
    const from = other === null ? null : nameOf(other);
    return { kind: 'held', lease: { accountId, epoch }, from };
  });
}

/** The account's row, locked by writing it: who reads it first and writes it later may take what another has taken. */
async function lockLease(
  trx: StoreTransaction,
  accountId: string,
): Promise<Selectable<LeasesTable>> {
  const free = { epoch: 0, holder: null, acquired_at: 0, heartbeat_at: 0, writes: 0 };
  await trx
    .insertInto('leases')
    .values({ account_id: accountId, ...free })
    .onConflict((conflict) => conflict.column('account_id').doNothing())
    .execute();
  return trx
    .updateTable('leases')
    .set((eb) => ({ epoch: eb.ref('epoch') }))
    .where('account_id', '=', accountId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function leaseTime(db: Store['db']): Promise<number> {
  const { rows } = await sql<{ now: number }>`select ${engineOf(db).clock()} as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('a database that tells no time');
  return row.now;
}

function nameOf({ pid, host }: ProcessIdentity): string {
  return `process ${pid} on ${host}`;
}

/** Whether some process walks the account now. */
export async function isHeld(store: Store, accountId: string): Promise<boolean> {
  const row = await store.db
    .selectFrom('leases')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (row?.holder == null) return false;
  return livingHolder(row, await leaseTime(store.db)) !== null;
}

/** The accounts that some process walks now. */
export async function heldAccounts(store: Store): Promise<readonly string[]> {
  const rows = await store.db
    .selectFrom('leases')
    .select(['account_id', 'holder', 'heartbeat_at'])
    .where('holder', 'is not', null)
    .orderBy('account_id')
    .execute();
  const now = await leaseTime(store.db);
  return rows.filter((row) => livingHolder(row, now) !== null).map(({ account_id }) => account_id);
}

/** Who holds a lease and answers; null where nobody does. */
function livingHolder(
  { holder, heartbeat_at }: Pick<Selectable<LeasesTable>, 'holder' | 'heartbeat_at'>,
  now: number,
): ProcessIdentity | null {
  const held = holderOf(holder);
  return held !== null && isAlive(held, heartbeat_at, now) ? held : null;
}

function holderOf(holder: string | null): ProcessIdentity | null {
  return holder === null ? null : holderSchema.parse(JSON.parse(holder));
}

function isAlive(holder: ProcessIdentity, heartbeatAt: number, now: number): boolean {
  return Math.abs(now - heartbeatAt) < GONE_AFTER_MS && !isDead(holder);
}

/** Keeps the lease until the returned function is called; `onLost` when it is another's. */
export function keepLease(store: Store, lease: Lease, onLost: () => void): () => void {
  const timer = setInterval(() => {
    heartbeat(store, lease).then(
      (held) => {
        if (!held) onLost();
      },
      // The store is busy or failing: the next write of the walk says so, with its reason.
      () => undefined,
    );
  }, HEARTBEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function heartbeat(store: Store, lease: Lease): Promise<boolean> {
  return transact(store, async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('leases')
      .set({ heartbeat_at: engineOf(trx).clock() })
      .where('account_id', '=', lease.accountId)
      .where('epoch', '=', lease.epoch)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  });
}

/** Gives the lease back; one that was lost meanwhile is left to its new holder. */
export async function releaseLease(store: Store, lease: Lease): Promise<void> {
  await transact(store, (trx) =>
    trx
      .updateTable('leases')
      .set({ holder: null })
      .where('account_id', '=', lease.accountId)
      .where('epoch', '=', lease.epoch)
      .execute(),
  );
}

/**
 * One write transaction under the lease. It may be begun anew where the database
 * gives it up, so `write` changes nothing but the database.
 *
 * @throws CdrError `lease.lost` where another process holds it by now; nothing is written then.
 */
export async function fenced<Result>(
  store: Store,
  lease: Lease,
  write: (trx: StoreTransaction) => Promise<Result>,
): Promise<Result> {
  return transact(store, async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('leases')
      // As good as a heartbeat, which has to wait for this row as long as the transaction goes on.
      .set((eb) => ({ writes: eb('writes', '+', 1), heartbeat_at: engineOf(trx).clock() }))
      .where('account_id', '=', lease.accountId)
      .where('epoch', '=', lease.epoch)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw leaseLost(lease.accountId);
    return write(trx);
  });
}

export function leaseLost(accountId: string): CdrError {
  const words =
    'another process took the account over, because this one did not answer for too long';
  return new CdrError(fault('lease.lost', words), { account: accountId });
}
