import type pg from 'pg';
import { z } from 'zod';

/** By what a server is asked what became of a transaction. */
export interface TransactionNumber {
  readonly xid: string;
  readonly server: string;
}

/**
 * One life of a server. After a crash, and on a server that took another's
 * place, numbers of transactions that were lost are given to others. A
 * connection lives in one life, so that it is asked once.
 */
async function identityOf(client: pg.PoolClient): Promise<string> {
  const known = identities.get(client);
  if (known !== undefined) return known;
  // A crash restarts the workers of a server that itself goes on, and its statistics begin anew.
  const { rows } = await client.query<{ identity: string }>(
    `select concat(pg_postmaster_start_time(), ' ', (select stats_reset from pg_stat_bgwriter)) as identity`,
  );
  const identity = rows[0]?.identity ?? '';
  identities.set(client, identity);
  return identity;
}

const identities = new WeakMap<pg.PoolClient, string>();

const begunSchema = z
  .array(z.unknown())
  .transform((results) => results.at(-1))
  .pipe(z.object({ rows: z.tuple([z.object({ xid: z.string() })]) }));

/** In one message with the beginning, so that no transaction is ever without. */
export const NUMBER = 'select pg_current_xact_id()::text as xid';

/** @param results of a message that ends with {@link NUMBER}. */
export async function numberOf(
  client: pg.PoolClient,
  results: unknown,
): Promise<TransactionNumber> {
  return { xid: begunSchema.parse(results).rows[0].xid, server: await identityOf(client) };
}

/** `in progress`, `committed` or `aborted`; null where this server does not know. */
export async function statusOf(
  client: pg.PoolClient,
  { xid, server }: TransactionNumber,
): Promise<string | null> {
  if ((await identityOf(client)) !== server) return null;
  const { rows } = await client.query<{ status: string | null }>(
    'select pg_xact_status($1::xid8) as status',
    [xid],
  );
  return rows[0]?.status ?? null;
}
