import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../config/listen.ts';
import { type Refusal, refuse, setSecurityHeaders } from './answers.ts';

export interface GateOptions {
  /** The host that the server is bound to. */
  readonly host: string;
  readonly token: string | null;
}

/** Whatever starts and watches the process asks these, and holds no token. They tell nothing but words. */
const OPEN_TO_ALL = ['/healthz', '/readyz'];

/**
 * Lets only those requests through that may be answered: from this machine by
 * its own names or with the token, reading only, and without a body.
 */
export function addGate(app: FastifyInstance, { host, token }: GateOptions): void {
  const local = isLoopback(host);
  const isToken = token === null ? null : tokenCheck(token);
  const refusalOf = (request: FastifyRequest): Refusal | null => {
    const { headers, method, routeOptions } = request;
    if (local && !namesLoopback(headers.host)) return STRANGE_HOST;
    const open = routeOptions.url !== undefined && OPEN_TO_ALL.includes(routeOptions.url);
    if (isToken !== null && !open && !isToken(headers.authorization)) return NO_TOKEN;
    if (method !== 'GET' && method !== 'HEAD') return READ_ONLY;
    return hasBody(headers) ? BODY : null;
  };
  app.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(reply);
    const refusal = refusalOf(request);
    return refusal === null ? undefined : refuse(reply, refusal);
  });
}

/**
 * A page of another site can make a browser ask this machine, by a name of its
 * own that resolves here (DNS rebinding); that name is then the `Host`.
 */
function namesLoopback(host: string | undefined): boolean {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host ?? '') ?? [];
  return isLoopback(name);
}

/** Compares digests: their equal length and the constant time tell nothing about the token. */
function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return (authorization) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const STRANGE_HOST: Refusal = {
  status: 403,
  code: 'http.host',
  message:
    'This server is for this machine alone: ask it as localhost, 127.0.0.1 or [::1]. For others set "listen" and "token" in "http".',
};

const NO_TOKEN: Refusal = {
  status: 401,
  code: 'http.token',
  message: 'Send "Authorization: Bearer TOKEN" with the token that the configuration names.',
  headers: { 'www-authenticate': 'Bearer' },
};

// What is left of such a request is not read: the connection ends with the answer.
const UNREAD = { connection: 'close' };

const READ_ONLY: Refusal = {
  status: 405,
  code: 'http.method',
  message: 'Only GET and HEAD are answered.',
  headers: { allow: 'GET, HEAD', ...UNREAD },
};

const BODY: Refusal = {
  status: 413,
  code: 'http.body',
  message: 'Requests have no body here.',
  headers: UNREAD,
};
