import { type FastifyInstance, fastify } from 'fastify';
import type { Text } from '../codes/entry.ts';
import { type Listen, tokenProblem } from '../config/listen.ts';
import { type CdrError, configError } from '../errors.ts';
import type { Log } from '../sync/log.ts';
import { SECOND } from '../time.ts';
import { answerClientError, failed, refuse, setSecurityHeaders } from './answers.ts';
import { addGate } from './gate.ts';
import type { Metrics } from './metrics.ts';
import { addRoutes, type Probes } from './routes.ts';

export interface ServerOptions {
  readonly listen: Listen;
  /** What `Authorization: Bearer` must carry; null for none, which only loopback allows. Secret. */
  readonly token: string | null;
  readonly log: Log;
  readonly probes: Probes;
  readonly metrics: Metrics;
}

export interface RunningServer {
  /** `http://HOST:PORT` as bound: the port that was free where port 0 was asked for. */
  readonly address: string;
  /** Ends every connection, whatever it is in the middle of, and frees the port. */
  close(): Promise<void>;
}

/** Requests are a line and a few headers: whoever needs longer to send that holds a connection on purpose. */
const REQUEST_WITHIN = 3 * SECOND;
/** A client that neither reads its answer nor goes away. Longer than any route takes to answer. */
const SILENT_AFTER = 15 * SECOND;
const MOST_CONNECTIONS = 64;
const MOST_REQUESTS = 100;
const LARGEST_HEADERS = 8 * 1024;

/**
 * Starts the worker's HTTP server: health, status and metrics, to be read only.
 * `localhost` is bound as 127.0.0.1.
 *
 * @throws CdrError `http.token` for a server that other machines reach and that has no token, or a
 * short one; `http.listen` where the address cannot be bound.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { listen, token, log } = options;
  const problem = tokenProblem(listen.host, token);
  if (problem !== null) throw unsafe(problem);
  const app = fastify({
    logger: false,
    // Otherwise closing waits for what clients hold open.
    forceCloseConnections: true,
    requestTimeout: REQUEST_WITHIN,
    connectionTimeout: SILENT_AFTER,
    keepAliveTimeout: 5 * SECOND,
    bodyLimit: 1024,
    http: {
      maxHeaderSize: LARGEST_HEADERS,
      // Node looks for late clients at this pace, by default twice a minute.
      connectionsCheckingInterval: SECOND / 2,
    },
    clientErrorHandler: answerClientError,
    // A path that cannot be decoded meets no hook, and Fastify's own answer repeats it.
    frameworkErrors: (_error, _request, reply) => {
      setSecurityHeaders(reply);
      refuse(reply, { status: 400, code: 'http.request', message: 'The request is malformed.' });
    },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  // Who sends many at once and reads none would have all their answers kept.
  app.server.maxRequestsPerSocket = MOST_REQUESTS;
  addGate(app, { host: listen.host, token });
  app.setErrorHandler((error, _request, reply) => failed(reply, error, log));
  app.setNotFoundHandler((_request, reply) =>
    refuse(reply, { status: 404, code: 'http.not_found', message: 'There is nothing here.' }),
  );
  addRoutes(app, options);
  await bind(app, listen);
  let closing: Promise<void> | null = null;
  return {
    address: addressOf(app),
    close: () => {
      closing ??= app.close();
      return closing;
    },
  };
}

async function bind(app: FastifyInstance, { host, port }: Listen): Promise<void> {
  // By name Fastify would open a second server for ::1, whose end its close() does not await.
  const bound = /^localhost\.?$/i.test(host) ? '127.0.0.1' : host;
  try {
    await app.listen({ host: bound, port });
  } catch (error) {
    await app.close();
    throw cannotListen({ host, port }, error);
  }
}

function addressOf(app: FastifyInstance): string {
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('not bound to a port');
  return `http://${hostPort({ host: bound.address, port: bound.port })}`;
}

function hostPort({ host, port }: Listen): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function unsafe(problem: string): CdrError {
  return configError('http.token', `http.token ${problem}`);
}

/** Why an address cannot be bound, and what to do about it, by the system's code. */
const WRONG_HOST: Text = {
  en: 'Correct the host of "listen" in "http".',
  zh: '请修改 `http` 中 `listen` 的主机地址。',
};

const TROUBLES: ReadonlyMap<string, readonly [why: string, hint: Text]> = new Map([
  [
    'EADDRINUSE',
    [
      'another program listens there',
      {
        en: 'Stop it (another worker?), or give "http" another port in "listen".',
        zh: '请停掉占用端口的程序（可能是另一个 worker），或在 `http` 的 `listen` 中换一个端口。',
      },
    ],
  ],
  [
    'EACCES',
    [
      'this user may not',
      {
        en: 'Give "http" a port above 1023 in "listen".',
        zh: '请在 `http` 的 `listen` 中使用 1023 以上的端口。',
      },
    ],
  ],
  ['EADDRNOTAVAIL', ['it is no address of this machine', WRONG_HOST]],
  ['ENOTFOUND', ['the host is not found', WRONG_HOST]],
]);

function cannotListen(listen: Listen, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  const code = String(error.code);
  const [why, hint] = TROUBLES.get(code) ?? [code];
  return configError('http.listen', `cannot listen on ${hostPort(listen)}: ${why}`, hint);
}
