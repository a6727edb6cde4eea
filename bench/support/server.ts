import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  type AccountEntry,
  Ready,
  SandboxReady,
  type ServerOptions,
  ServerStats,
} from '../server/messages.ts';

/** A list that is served by another process. */
export interface BenchServer {
  readonly url: string;
  /** What was served since it was asked for last. */
  stats(): Promise<ServerStats>;
  close(): Promise<void>;
}

const FOLDER = join(import.meta.dirname, '../server');

export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const child = fork(join(FOLDER, 'server.ts'), [JSON.stringify(options)]);
  const { url } = Ready.parse(await told(child));
  return {
    url,
    stats: async () => {
      const answer = told(child);
      child.send({ kind: 'stats' });
      return ServerStats.parse(await answer);
    },
    close: () => end(child),
  };
}

export interface SandboxServer {
  readonly accounts: readonly AccountEntry[];
  close(): Promise<void>;
}

export async function startSandboxServer(): Promise<SandboxServer> {
  const child = fork(join(FOLDER, 'sandbox.ts'));
  const { accounts } = SandboxReady.parse(await told(child));
  return { accounts, close: () => end(child) };
}

async function told(child: ChildProcess): Promise<unknown> {
  const gone = new AbortController();
  const died = once(child, 'exit', { signal: gone.signal }).then(() => {
    throw new Error('a server of the bench ended by itself');
  });
  try {
    const [message] = await Promise.race([once(child, 'message'), died]);
    return message;
  } finally {
    gone.abort();
    died.catch(() => undefined);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
