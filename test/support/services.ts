import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';

/** The servers that some tests need: those named in the environment, or this machine's. */

const REDIS = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const POSTGRES = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export type QueueKind = 'embedded' | 'redis' | 'postgres';

/** A place for the queues of one suite, empty, and gone when the suite has ended. */
export interface QueuePlace {
  readonly kind: QueueKind;
  /** As `queue` in the configuration. */
  readonly url: string;
  /** Where the embedded queue lives. */
  readonly folder: string;
}

interface Service {
  readonly url: string;
  readonly remove: () => Promise<void>;
}

/** Why a server cannot be had; null where it answers. */
async function trouble(what: Promise<void>): Promise<string | null> {
  return what.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message || error.name : 'unknown'),
  );
}

async function askRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

async function askPostgres(url: string): Promise<void> {
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

/** A database of the suite's own. */
async function newDatabase(): Promise<Service> {
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

/** A Redis server of one's own, which can be killed and come back empty. */
export interface OwnRedis {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  configure(setting: string, value: string): Promise<void>;
}

export async function ownRedis(password = ''): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-redis-'));
  const port = await freePort();
  const login = password === '' ? '' : `:${password}@`;
  const url = `redis://${login}127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    child = null;
  };
  onTestFinished(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    url,
    kill,
    configure: async (setting, value) => {
      const redis = new Redis(url);
      try {
        await redis.config('SET', setting, value);
      } finally {
        redis.disconnect();
      }
    },
    start: async () => {
      const secret = password === '' ? [] : ['--requirepass', password];
      const settings = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--dir',
        folder,
      ];
      child = spawn('redis-server', [...settings, ...secret], { stdio: 'ignore' });
      await once(child, 'spawn');
      let answer = await trouble(askRedis(url));
      while (answer !== null) {
        await sleep(50);
        answer = await trouble(askRedis(url));
      }
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Removes what queues have left in Redis, by the ids of the stores they were for. */
export async function forgetQueues(storeIds: readonly string[]): Promise<void> {
  const redis = new Redis(REDIS);
  try {
    for (const id of storeIds) {
      const keys = await redis.keys(`bull:cdrsync-${id.slice(0, 8)}-*`);
      if (keys.length > 0) await redis.del(keys);
    }
  } finally {
    redis.disconnect();
  }
}

const available: Readonly<Record<QueueKind, string | null>> = {
  embedded: null,
  redis: await trouble(askRedis(REDIS)),
  postgres: await trouble(askPostgres(POSTGRES)),
};

/**
 * A suite over one kind of queue. Where its server cannot be had the suite is
 * skipped, which is said aloud; with CI=true that is a failure.
 */
export function describeQueue(kind: QueueKind, suite: (place: () => QueuePlace) => void): void {
  const missing = available[kind];
  if (missing !== null) {
    const words = unavailable(kind, missing);
    describe.skip(`${kind}: ${words}`, () => suite(() => never(words)));
    return;
  }
  describe(kind, () => {
    let place: QueuePlace | null = null;
    let database: Service | null = null;
    beforeAll(async () => {
      const folder = join(await mkdtemp(join(tmpdir(), 'cdrsync-queue-')), 'queue');
      if (kind === 'postgres') database = await newDatabase();
      const urls = { embedded: 'embedded', redis: REDIS, postgres: database?.url ?? '' };
      place = { kind, url: urls[kind], folder };
    });
    afterAll(async () => {
      await database?.remove();
      if (place !== null) await rm(join(place.folder, '..'), { recursive: true, force: true });
    });
    suite(() => place ?? never('The suite has not begun.'));
  });
}

/** A suite that needs a server, without a place of its own for queues. */
export function describeServer(kind: 'redis' | 'postgres', suite: () => void): void {
  const missing = available[kind];
  if (missing === null) {
    suite();
    return;
  }
  const words = unavailable(kind, missing);
  describe.skip(words, suite);
}

/** Says aloud what cannot be tested here; with CI=true that is a failure. */
function unavailable(kind: QueueKind, missing: string): string {
  const name = kind === 'redis' ? 'REDIS_URL' : 'DATABASE_URL';
  const words = `${kind} cannot be had (${missing}); set ${name}`;
  if (process.env['CI'] === 'true') throw new Error(words);
  process.stderr.write(`\n!! SKIPPED: ${words}\n\n`);
  return words;
}

function never(why: string): never {
  throw new Error(why);
}
