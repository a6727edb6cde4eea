import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Schema } from '../schema.ts';

/**
 * Numbers of changes that writers take at the same time, and that can be
 * followed nevertheless.
 *
 * A number is taken before its transaction is committed, so that a later one may
 * become visible first: who has read up to that would never see the earlier. So
 * each writer first claims, by an advisory lock that the server drops with the
 * transaction, that its numbers will be greater than the one that was given last;
 * a follower goes no further than the smallest claim. Neither waits for the other.
 *
 * A counter in a row, which SQLite has, would do as well and without claims, but
 * its row is locked from the taking to the end of the commit: pages of different
 * accounts would be written one after another.
 *
 * A claim is released after its transaction has become visible, never before.
 */

/** How many bits of the lock's key are the number; those above tell whose it is. */
const NUMBER_BITS = 43n;

/** The upper part of the key: which schema's numbers they are. The database is part of every advisory lock. */
export function claimSpace(schema: string): bigint {
  const digest = createHash('sha256').update(`cdrsync change_seq ${schema}`).digest();
  return BigInt(digest.readUIntBE(0, 3) >> 4) << NUMBER_BITS;
}

export async function takeNumbers(
  trx: Transaction<Schema>,
  space: bigint,
  count: number,
): Promise<readonly number[]> {
  // The claim is read by the join, so that it stands before the first number is taken.
  const { rows } = await sql<{ value: number }>`
    with claim as materialized (
      select pg_advisory_xact_lock_shared(${String(space)}::bigint + last_value) from change_seq
    )
    select nextval('change_seq') as value from claim, generate_series(1, ${count}::int)`.execute(
    trx,
  );
  return rows.map(({ value }) => value).sort((a, b) => a - b);
}

/**
 * What follows has to be read by a snapshot that is taken after this: what has
 * been committed meanwhile is in it. Null on a standby, which knows of no claim.
 */
export async function followable(db: Kysely<Schema>, space: bigint): Promise<number | null> {
  // First the numbers, then the claims: who has taken one of these numbers has made its claim before.
  // Of the numbers those of rows that are there: one of a transaction that was given up may be given anew.
  const { rows } = await sql<{ last: number; standby: boolean }>`
    select coalesce(max(change_seq), 0) as last, pg_is_in_recovery() as standby from calls`.execute(
    db,
  );
  const { last, standby } = rows[0] ?? { last: 0, standby: false };
  if (standby) return null;
  const claimed = await smallestClaim(db, space);
  return Math.min(last, claimed ?? last);
}

/** Numbers are no part of transactions: also those that were given to one that is open, or was given up. */
export async function lastGiven(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ last: number }>`select last_value as last from change_seq`.execute(
    db,
  );
  return rows[0]?.last ?? 0;
}

async function smallestClaim(db: Kysely<Schema>, space: bigint): Promise<number | null> {
  const { rows } = await sql<{ first: number | null }>`
    select min(key & ${String((1n << NUMBER_BITS) - 1n)}::bigint) as first
    from (
      select (classid::bigint << 32) | objid::bigint as key
      from pg_locks
      where locktype = 'advisory' and objsubid = 1 and mode = 'ShareLock'
        and database = (select oid from pg_database where datname = current_database())
    ) locks
    where key >> ${String(NUMBER_BITS)}::int = ${String(space >> NUMBER_BITS)}::bigint`.execute(db);
  return rows[0]?.first ?? null;
}

/** Whether a claim made here is seen where a follower looks: some servers only pretend to have such locks. */
export async function seesClaims(trx: Transaction<Schema>, space: bigint): Promise<boolean> {
  await sql`
    select pg_advisory_xact_lock_shared(${String(space)}::bigint + last_value) from change_seq`.execute(
    trx,
  );
  return (await smallestClaim(trx, space)) !== null;
}
