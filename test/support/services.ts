import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import {
  askPostgres,
  askRedis,
  newDatabase,
  POSTGRES,
  REDIS,
  type Service,
  sayMissing,
  trouble,
} from './servers.ts';

/** The servers that some tests need. */

export type QueueKind = 'embedded' | 'redis' | 'postgres';

/** A place for the queues of one suite, empty, and gone when the suite has ended. */
export interface QueuePlace {
  readonly kind: QueueKind;
  /** As `queue` in the configuration. */
  readonly url: string;
  /** Where the embedded queue lives. */
  readonly folder: string;
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
  if (missing !== null && kind !== 'embedded') {
    const words = sayMissing(kind, missing);
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
  const words = sayMissing(kind, missing);
  describe.skip(words, suite);
}

function never(why: string): never {
  throw new Error(why);
}
