import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import type { AnswerCode } from '../codes/catalogue.ts';
import { reasonOf } from '../reason.ts';
import type { Log } from '../sync/log.ts';

/** An answer that is not what was asked for: `{"error":{"code","message"}}`. */
export interface Refusal {
  readonly status: number;
  readonly code: AnswerCode;
  /** A fixed text: nothing of the request, of an error or of the configuration. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, code, message, headers = {} } = refusal;
  return reply.code(status).headers(headers).send({ error: { code, message } });
}

/** Answers 500, the same for everything: why goes into the log. */
export function failed(reply: FastifyReply, error: unknown, log: Log): FastifyReply {
  log.error(reasonOf(error), 'an HTTP request failed');
  return refuse(reply, FAILED);
}

export const FAILED: Refusal = {
  status: 500,
  code: 'http.failed',
  message: 'The request failed; the log of the worker says why.',
};

/** What every answer carries: it is for its reader alone, now, as the type that it is. */
export function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
}

const CLIENT_ERRORS: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
]);

/** Ends a connection whose bytes are no request, come too slowly, or are too many. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  const status = CLIENT_ERRORS.get(error.code ?? '') ?? 400;
  if (socket.writable && error.code !== 'ECONNRESET') {
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
    socket.write(`${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
  socket.destroy();
}
