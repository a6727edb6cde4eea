import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { RequestError, TimeoutError } from 'got';
import type { Text } from '../codes/entry.ts';
import { CdrError, type Fault, fault } from '../errors.ts';
import type { FormFields, HttpBody, HttpRequest } from './provider.ts';
import { proxyEnvironment } from './proxy.ts';

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
  /**
   * @param onSent called when the whole request is on its way.
   * @throws CdrError of class `transient` or `contract`; its message holds no query string.
   */
  send(request: HttpRequest, signal: AbortSignal, onSent?: () => void): Promise<HttpResponse>;
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
    async send(request, signal, onSent) {
      // got's own limits begin with the socket, which a proxy that stays silent never hands over.
      const deadline = AbortSignal.timeout(timeout + 1000);
      try {
        const { body, headers } = encodeBody(request.body);
        const stream = client.stream(request.url, {
          method: request.method,
          headers: { 'user-agent': 'cdrsync', ...request.headers, ...headers },
          ...(body === null ? {} : { body }),
          signal: AbortSignal.any([signal, deadline]),
        });
        // got listens to the signal for as long as the stream lives, and fails one that has long been
        // read: nobody would hear that, and Node ends a process over an error that nobody hears.
        stream.on('error', () => undefined);
        if (onSent !== undefined) stream.once('request', (sent) => sent.once('finish', onSent));
        try {
          return await receive(stream);
        } finally {
          stream.destroy();
        }
      } catch (error) {
        signal.throwIfAborted();
        throw deadline.aborted ? new CdrError(tooSlow('connect')) : asFault(error);
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
  on(event: 'error', listener: () => void): unknown;
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
    const words = `the response is not text in ${charset}`;
    throw new CdrError(fault('response.charset', words, { retry: true }));
  }
}

function encodeBody(body: HttpBody): {
  readonly body: string | Buffer | null;
  readonly headers: Record<string, string>;
} {
  switch (body.kind) {
    case 'none':
      return { body: null, headers: {} };
    case 'json':
      return { body: body.text, headers: {} };
    case 'form': {
      const boundary = `----cdrsync-${randomBytes(12).toString('hex')}`;
      return {
        // One buffer, so that it goes out with a Content-Length: old servers refuse a chunked body.
        body: Buffer.from(formText(body.fields, boundary)),
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      };
    }
  }
}

/** As browsers and `FormData` write it, which would load all of Node's fetch, a tenth of a short command's time. */
function formText(fields: FormFields, boundary: string): string {
  const parts = fields.map(([name, value]) => {
    const head = `Content-Disposition: form-data; name="${escapeName(lines(name))}"`;
    return `--${boundary}\r\n${head}\r\n\r\n${lines(value)}\r\n`;
  });
  return `${parts.join('')}--${boundary}--\r\n`;
}

function lines(text: string): string {
  return text.replace(/\r?\n|\r/g, '\r\n');
}

function escapeName(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
}

function makeAgents(proxy: string | false | null): { http: http.Agent; https: https.Agent } {
  const environment = proxyEnvironment(proxy, process.env);
  const options = { keepAlive: true, ...(environment === null ? {} : { proxyEnv: environment }) };
  return { http: new http.Agent(options), https: new https.Agent(options) };
}

function tooLarge(): Fault {
  return fault(
    'response.too_large',
    `the response is larger than ${LARGEST_BODY / 1024 / 1024} MiB`,
  );
}

function tooSlow(phase: string): Fault {
  return fault('http.timeout', `no complete answer in time (${phase})`);
}

function broken(message: string, hint?: Text): Fault {
  return fault('http.broken', message, { hint });
}

/** What a failed connection asks of a person, by its code. */
const HINTS: readonly (readonly [code: RegExp, hint: Text])[] = [
  [
    /ENOTFOUND|EAI_AGAIN/,
    {
      en: 'The host name is not found: check baseUrl and the name server.',
      zh: '域名解析不到：请检查 `baseUrl` 和 DNS 服务器。',
    },
  ],
  [
    /ECONNREFUSED/,
    {
      en: 'Nothing listens there: check host and port of baseUrl. Otherwise the provider is down.',
      zh: '该端口无人监听：请检查 `baseUrl` 的主机和端口；如果没错，说明服务商已停机。',
    },
  ],
  [
    /EPROTO|WRONG_VERSION/,
    {
      en: 'Check http and https in baseUrl: the server speaks the other one.',
      zh: '请检查 `baseUrl` 用的是 http 还是 https：服务器使用的是另一种。',
    },
  ],
  [
    /PROXY|TUNNEL/,
    {
      en: 'The proxy failed or refused: check "proxy" or the proxy variables, its user and password.',
      zh: '代理出错或拒绝连接：请检查 `proxy` 或代理环境变量，以及其中的用户名和密码。',
    },
  ],
];

/** What a failed connection is, in words that hold no URL; got's own error, which holds it, is dropped. */
function asFault(error: unknown): unknown {
  if (error instanceof CdrError) return error;
  if (error instanceof TimeoutError) return new CdrError(tooSlow(error.event));
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  if (/INVALID_CHAR/.test(code)) return new CdrError(badHeader());
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ALTNAME/.test(code)) {
    return new CdrError(badCertificate(code));
  }
  if (!(error instanceof RequestError) && code === '') return error;
  const hint = HINTS.find(([pattern]) => pattern.test(code))?.[1];
  const message = code === '' ? 'the connection broke' : `the connection failed (${code})`;
  return new CdrError(broken(message, hint));
}

/** The code of the failure, or of what caused it. */
function codeOf(error: Error): string {
  const own = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const cause = error.cause instanceof Error ? codeOf(error.cause) : '';
  return own === '' || own === 'ERR_GOT_REQUEST_ERROR' ? cause || own : own;
}

function badHeader(): Fault {
  return fault('config.header', 'a credential holds a character that no HTTP header can carry');
}

function badCertificate(code: string): Fault {
  return fault('http.certificate', `the server's certificate is not trusted (${code})`);
}
