import { setTimeout as sleep } from 'node:timers/promises';
import type { Text } from '../codes/entry.ts';
import { type CdrError, configError } from '../errors.ts';
import { lockFile } from '../store/file-lock.ts';
import type { Log } from '../sync/log.ts';
import { MINUTE, SECOND } from '../time.ts';
import type { OnTrouble, QueueBackend } from './backend.ts';

export interface BackendPlace {
  /** `embedded`, or the URL of a Redis or PostgreSQL server. */
  readonly queue: string;
  /** Where the embedded queue lives. */
  readonly folder: string;
  /** How long a worker that is being replaced may take to leave the folder; ten seconds by default. Milliseconds. */
  readonly patience?: number;
}

/**
 * The backend of the queues, once it answers. A server that does not is waited for.
 *
 * @throws CdrError of class `config` where it refuses the login, or another process has the folder;
 * the signal's reason where that comes first.
 */
export async function connectBackend(
  place: BackendPlace,
  log: Log,
  signal: AbortSignal,
): Promise<QueueBackend> {
  // Whatever a server does not answer, who stops meanwhile need not wait for it.
  const opening = connect(place, troubleLog(log), signal);
  opening.then((backend) => (signal.aborted ? backend.close() : undefined)).catch(() => undefined);
  return Promise.race([opening, aborted(signal)]);
}

async function connect(
  place: BackendPlace,
  onTrouble: OnTrouble,
  signal: AbortSignal,
): Promise<QueueBackend> {
  if (place.queue === 'embedded') return openEmbedded(place, onTrouble, signal);
  const reach = /^rediss?:/.test(place.queue) ? connectRedis : connectPostgres;
  for (;;) {
    try {
      return await reach(place.queue, onTrouble);
    } catch (error) {
      const refused = refusal(error);
      if (refused !== null) throw refused;
      onTrouble(error instanceof Error ? error : new Error('the queue does not answer'));
      await sleep(SECOND, undefined, { signal });
    }
  }
}

/** What loads a backend's driver is only run where that one is used. */
async function connectRedis(url: string, onTrouble: OnTrouble): Promise<QueueBackend> {
  const { redisBackend } = await import('./redis.ts');
  const backend = redisBackend(url, onTrouble);
  try {
    await answer(backend);
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function connectPostgres(url: string, onTrouble: OnTrouble): Promise<QueueBackend> {
  const { postgresBackend } = await import('./postgres.ts');
  return postgresBackend(url, onTrouble);
}

async function openEmbedded(
  { folder, patience = 10 * SECOND }: BackendPlace,
  onTrouble: OnTrouble,
  signal: AbortSignal,
): Promise<QueueBackend> {
  const giveUp = Date.now() + patience;
  let unlock = lockFile(`${folder}.lock`);
  while (unlock === null) {
    if (Date.now() > giveUp) throw taken(folder);
    await sleep(SECOND / 4, undefined, { signal });
    unlock = lockFile(`${folder}.lock`);
  }
  const release = unlock;
  try {
    const { embeddedBackend } = await import('./embedded.ts');
    const backend = await embeddedBackend(folder, onTrouble);
    const close = (): Promise<void> => backend.close().finally(release);
    return { ...backend, close };
  } catch (error) {
    release();
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const give = (): void => reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

function taken(folder: string): CdrError {
  return configError('queue.taken', `another worker uses the embedded queue at ${folder}`);
}

const LONGEST_ANSWER = 5 * SECOND;

async function answer(backend: QueueBackend): Promise<void> {
  const late = new AbortController();
  try {
    const silence = sleep(LONGEST_ANSWER, undefined, { signal: late.signal }).then(() => {
      throw new Error('the queue does not answer');
    });
    await Promise.race([backend.ping(), silence]);
  } finally {
    late.abort();
  }
}

interface Refusal {
  readonly pattern: RegExp;
  readonly what: string;
  readonly hint: Text;
}

/** By what the server says first, PostgreSQL's own codes, and the names of BullMQ's errors. */
const REFUSALS: readonly Refusal[] = [
  {
    pattern: /^(28|NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/,
    what: 'refuses the login',
    hint: {
      en: 'Check user and password in its URL.',
      zh: '请检查 `queue` 地址中的用户名和密码。',
    },
  },
  {
    pattern: /^(3D|ERR DB index)/,
    what: 'has no such database',
    hint: {
      en: 'Make it, or correct the name at the end of the URL.',
      zh: '请先建好该数据库，或修改 `queue` 地址末尾的库名。',
    },
  },
  {
    pattern: /^42501/,
    what: 'does not let this user make the schema "bullmq"',
    hint: {
      en: 'Grant the user the right to create it, or make it for the user.',
      zh: '请授予该用户建 schema 的权限，或替它建好。',
    },
  },
  {
    pattern: /^(SchemaVersionMismatch|UnsupportedPostgresVersion)/,
    what: 'is of a version that does not fit, or its schema "bullmq" is of a newer BullMQ',
    hint: {
      en: 'Use another database, or the version of cdrsync that made the schema.',
      zh: '请换一个数据库，或使用当初建立该 schema 的 cdrsync 版本。',
    },
  },
];

/** What waiting does not mend. */
function refusal(error: unknown): CdrError | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const said = [error.message, code, error.name];
  const refused = REFUSALS.find(({ pattern }) => said.some((words) => pattern.test(words)));
  if (refused === undefined) return null;
  return configError('queue.refused', `the server named in "queue" ${refused.what}`, refused.hint);
}

/** Each trouble of the connection once a minute: a server that is away says so many times a second. */
function troubleLog(log: Log): OnTrouble {
  const said = new Map<string, number>();
  return (error) => {
    const named = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    // Redis says what it is in the first word.
    const code = `${named} ${/^[A-Z]+\b/.exec(error.message)?.[0] ?? ''}`.trim();
    const now = Date.now();
    if (now - (said.get(code) ?? 0) < MINUTE) return;
    said.set(code, now);
    log.warn(
      { code, reason: error.message, hint: 'Check that the server named in "queue" runs.' },
      'the queue cannot be used: no polls until it can; what is due is in the store',
    );
  };
}
