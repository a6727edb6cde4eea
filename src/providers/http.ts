import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { RequestError, TimeoutError } from 'got';
import { CdrError, configError, type Fault } from '../errors.ts';
import type { HttpBody, HttpRequest } from './provider.ts';

/** One account's connection settings. */
export interface HttpSettings {
  /** Of one attempt, whole, in milliseconds. */
  readonly timeout: number;
  /** A proxy's URL, none at all, or what the proxy variables say. */
  readonly proxy: string | false | null;
  /** Further certificate authorities, PEM. */
  readonly ca: string | null;
}

export interface HttpResponse {
  readonly status: number;
  /** The provider's clock, milliseconds since 1970; null where it sent no readable `Date`. */
  readonly date: number | null;
  readonly retryAfter: string | null;
  readonly location: string | null;
  readonly text: string;
}

/** Sends one request, once. */
export type HttpClient = {
  /** @throws CdrError of class `transient` or `contract`; its message holds no query string. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): void;
};

/** A page of a thousand rows is below one megabyte. */
const LARGEST_BODY = 64 * 1024 * 1024;

/**
 * Connections are kept alive, redirects are not followed (a redirect to another
 * host would take the signed headers along), and certificates are always checked.
 */
export function makeHttpClient({ timeout, proxy, ca }: HttpSettings): HttpClient {
  const agents = makeAgents(proxy);
  const certificates = ca === null ? {} : { certificateAuthority: [...rootCertificates, ca] };
  const client = got.extend({
    agent: agents,
    https: { rejectUnauthorized: true, ...certificates },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: true,
    timeout: { connect: Math.min(timeout, 10_000), socket: timeout, request: timeout },
  });
  return {
    async send(request, signal) {
      try {
        const { body, headers } = await encodeBody(request.body);
        const stream = client.stream(request.url, {
          method: request.method,
          headers: { 'user-agent': 'cdrsync', ...request.headers, ...headers },
          ...(body === null ? {} : { body }),
          signal,
        });
        return await receive(stream);
      } catch (error) {
        signal.throwIfAborted();
        throw asFault(error);
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

type ResponseHead = {
  readonly statusCode: number;
  readonly headers: http.IncomingHttpHeaders;
};

/** got's stream, as far as it is used. */
interface BodyStream extends AsyncIterable<unknown> {
  once(event: 'response', listener: (response: ResponseHead) => void): unknown;
  destroy(): unknown;
}

async function receive(stream: BodyStream): Promise<HttpResponse> {
  let head: ResponseHead | null = null;
  stream.once('response', (response) => {
    head = response;
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > LARGEST_BODY) {
      stream.destroy();
      throw new CdrError(tooLarge());
    }
    chunks.push(chunk);
  }
  return readHead(head, Buffer.concat(chunks));
}

function readHead(head: ResponseHead | null, body: Buffer): HttpResponse {
  if (head === null) throw new CdrError(broken('the connection closed before a response'));
  const { headers, statusCode } = head;
  const date = Date.parse(headers.date ?? '');
  return {
    status: statusCode,
    date: Number.isNaN(date) ? null : date,
    retryAfter: headers['retry-after'] ?? null,
    location: headers.location ?? null,
    text: decode(body, headers['content-type'] ?? ''),
  };
}

/** The declared charset, else UTF-8; a byte order mark is dropped. */
function decode(body: Buffer, contentType: string): string {
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    throw new CdrError({
      class: 'contract',
      code: 'response.charset',
      message: `the response is not text in ${charset}`,
      hint: 'The provider sends another character set than it declares; ask it to send UTF-8.',
      retry: true,
    });
  }
}

async function encodeBody(
  body: HttpBody,
): Promise<{ readonly body: string | Buffer | null; readonly headers: Record<string, string> }> {
  switch (body.kind) {
    case 'none':
      return { body: null, headers: {} };
    case 'json':
      return { body: body.text, headers: {} };
    case 'form': {
      const form = new FormData();
      for (const [name, value] of body.fields) form.append(name, value);
      // Buffered, so that it goes out with a Content-Length: old servers refuse a chunked body.
      const encoded = new Response(form);
      const bytes = Buffer.from(await encoded.arrayBuffer());
      return {
        body: bytes,
        headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
      };
    }
  }
}

function makeAgents(proxy: string | false | null): { http: http.Agent; https: https.Agent } {
  const environment = proxyEnvironment(proxy);
  const options = { keepAlive: true, ...(environment === null ? {} : { proxyEnv: environment }) };
  return { http: new http.Agent(options), https: new https.Agent(options) };
}

function proxyEnvironment(proxy: string | false | null): Record<string, string> | null {
  if (proxy === false) return null;
  if (proxy !== null) return needProxySupport({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy });
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'NO_PROXY', 'no_proxy'];
  const set: Record<string, string> = {};
  for (const name of names) {
    const value = process.env[name];
    if (value !== undefined && value !== '') set[name] = value;
  }
  return Object.keys(set).some((name) => /^https?_proxy$/i.test(name))
    ? needProxySupport(set)
    : null;
}

/** Node's own proxy agents are younger than the oldest Node that cdrsync runs on. */
function needProxySupport(environment: Record<string, string>): Record<string, string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21))
    return environment;
  throw configError(
    'config.proxy',
    `a proxy is configured, and Node ${process.versions.node} cannot use one`,
    'Use Node 22.21, 24.5 or newer, or set "proxy": false for this account.',
  );
}

function tooLarge(): Fault {
  return {
    class: 'contract',
    code: 'response.too_large',
    message: `the response is larger than ${LARGEST_BODY / 1024 / 1024} MiB`,
    hint: 'Check that baseUrl names this provider.',
  };
}

function broken(message: string): Fault {
  return {
    class: 'transient',
    code: 'http.broken',
    message,
    hint: 'The connection failed; nothing is lost, the next run goes on from here.',
  };
}

/** What a failed connection is, in words that hold no URL; got's own error, which holds it, is dropped. */
function asFault(error: unknown): unknown {
  if (error instanceof CdrError) return error;
  if (error instanceof TimeoutError) {
    const fault: Fault = {
      class: 'transient',
      code: 'http.timeout',
      message: `no complete answer in time (${error.event})`,
      hint: 'The provider is slow or unreachable; "timeout" of the account can be raised.',
    };
    return new CdrError(fault);
  }
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ALTNAME/.test(code))
    return new CdrError(badCertificate(code));
  if (error instanceof RequestError || code !== '') {
    const cause = code === '' ? 'the connection broke' : `the connection failed (${code})`;
    return new CdrError(broken(cause));
  }
  return error;
}

function badCertificate(code: string): Fault {
  return {
    class: 'config',
    code: 'http.certificate',
    message: `the server's certificate is not trusted (${code})`,
    hint: 'Check baseUrl; for a private certificate authority set "ca" to its PEM file.',
  };
}
