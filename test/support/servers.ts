import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';

/** The servers that some tests need: those named in the environment, or this machine's. */

export const REDIS = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
export const POSTGRES =
  process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Why a server cannot be had; null where it answers. */
export async function trouble(what: Promise<void>): Promise<string | null> {
  return what.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message || error.name : 'unknown'),
  );
}

export async function askRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

export async function askPostgres(url: string): Promise<void> {
  await onPostgres(url, async (client) => {
    await client.query('select 1');
  });
}

async function onPostgres(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}

/** What is skipped where its server cannot be had is said aloud; with CI=true that is a failure. */
export function sayMissing(kind: 'redis' | 'postgres', why: string): string {
  const name = kind === 'redis' ? 'REDIS_URL' : 'DATABASE_URL';
  const words = `${kind} cannot be had (${why}); set ${name}`;
  if (process.env['CI'] === 'true') throw new Error(words);
  process.stderr.write(`\n!! SKIPPED: ${words}\n\n`);
  return words;
}

export interface Service {
  readonly url: string;
  readonly remove: () => Promise<void>;
}

/** A database of one's own. */
export async function newDatabase(): Promise<Service> {
  const name = `cdrsync_test_${randomBytes(6).toString('hex')}`;
  await onPostgres(POSTGRES, async (client) => {
    await client.query(`create database ${name}`);
  });
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    remove: () =>
      onPostgres(POSTGRES, async (client) => {
        await client.query(`drop database ${name} with (force)`);
      }),
  };
}
