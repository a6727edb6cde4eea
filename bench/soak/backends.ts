import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Cleanup } from './cleanup.ts';

export const BACKENDS = ['embedded', 'redis', 'postgres'] as const;
export type BackendKind = (typeof BACKENDS)[number];

/** The server behind the queues, of the soak's own, so that it can be killed. */
export interface Backend {
  readonly kind: BackendKind;
  /** As `queue` in the configuration. */
  readonly url: string;
  /** Resolves once it answers. */
  start(): Promise<void>;
  /** Without a chance to put anything in order. */
  kill(): Promise<void>;
}

export async function openBackend(kind: BackendKind, cleanup: Cleanup): Promise<Backend> {
  switch (kind) {
    case 'embedded':
      return { kind, url: 'embedded', start: async () => undefined, kill: async () => undefined };
    case 'redis':
      return openRedis(cleanup);
    case 'postgres':
      return openPostgres(cleanup);
  }
}

/** Without persistence: each restart loses everything. */
async function openRedis(cleanup: Cleanup): Promise<Backend> {
  const folder = await cleanup.folder('soak-redis');
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const server = ownServer(
    () => spawn('redis-server', [...place, '--save', ''], { stdio: 'ignore' }),
    () => askRedis(url),
    'SIGKILL',
  );
  cleanup.defer(server.kill);
  return { kind: 'redis', url, ...server };
}

/** A PostgreSQL server, for queues or for a store. */
export async function openPostgres(cleanup: Cleanup): Promise<Backend> {
  const folder = await cleanup.folder('soak-postgres');
  const user = postgresUser();
  if (user !== null) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const options = { stdio: 'ignore', cwd: folder, ...(user ?? {}) } as const;
  const make = spawn(postgresTool('initdb'), ['-D', data, '-U', 'soak', '-A', 'trust'], options);
  const [code] = await once(make, 'exit');
  if (code !== 0) throw new Error(`initdb ended with ${code}`);
  const url = `postgres://soak@127.0.0.1:${port}/postgres`;
  const place = ['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1'];
  const server = ownServer(
    () => spawn(postgresTool('postgres'), place, options),
    () => askPostgres(url),
    // What `pg_ctl stop -m immediate` sends: no checkpoint, and the next start recovers.
    'SIGQUIT',
  );
  cleanup.defer(server.kill);
  return { kind: 'postgres', url, ...server };
}

const LONGEST_START = 30_000;

function ownServer(
  launch: () => ChildProcess,
  ask: () => Promise<unknown>,
  signal: NodeJS.Signals,
): Pick<Backend, 'start' | 'kill'> {
  let child: ChildProcess | null = null;
  return {
    start: async () => {
      const started = launch();
      child = started;
      await once(started, 'spawn');
      const giveUp = Date.now() + LONGEST_START;
      while (!(await answers(ask))) {
        if (started.exitCode !== null || Date.now() > giveUp)
          throw new Error(`${started.spawnfile} does not answer`);
        await sleep(50);
      }
    },
    kill: async () => {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  return ask().then(
    () => true,
    () => false,
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
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root. */
function postgresUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Debian keeps the server's programs out of PATH. */
function postgresTool(name: string): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}
