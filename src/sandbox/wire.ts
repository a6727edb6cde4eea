import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { zoneClock } from '../time.ts';
import type { Book, BookOptions } from './book.ts';

export const PROVIDERS = ['infin8linx', 'itniotech', 'okcc', 'udesk', 'vos'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** A request as a simulated provider reads it. */
export interface SandboxRequest {
  readonly method: string;
  /** What follows the provider's name in the path. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: ReadonlyMap<string, string>;
  /** The fields of a form, multipart or urlencoded; empty for other bodies. */
  readonly form: ReadonlyMap<string, string>;
  /** The body where it is JSON. */
  readonly json: Json | undefined;
}

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

/** One simulated provider. */
export interface Service {
  /** What the connector's base URL adds to the sandbox's URL. */
  readonly basePath: string;
  readonly book: Book;
  /** A name of the API asked for, for the log. */
  operation(request: SandboxRequest): string;
  answer(request: SandboxRequest): Reply;
  /** The provider's own way to say that the login is wrong, or that it has failed itself. */
  failure(kind: 'auth' | 'system'): Reply;
}

/** What every simulated provider is made from. */
export interface ServiceContext {
  readonly zone: string;
  readonly clock: () => number;
  /** Opens the provider's book; the context knows the seed and the span. */
  readonly openBook: (
    parts: Pick<BookOptions, 'firstKey' | 'lists' | 'render' | 'atOfCall' | 'atOfRow' | 'keyOfRow'>,
  ) => Book;
}

/** What can be chosen for every provider. */
export interface CommonBehaviour {
  readonly callsPerDay?: number;
  /** Whether a record at the very end of the range asked for is listed; true by default. */
  readonly endInclusive?: boolean;
}

const BODY_LIMIT = 1024 * 1024;

/** Reads a request to its end; null where the body is larger than any API call's. */
export async function readRequest(
  message: IncomingMessage,
  url: URL,
  path: string,
): Promise<SandboxRequest | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > BODY_LIMIT) return null;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const type = message.headers['content-type'] ?? '';
  return {
    method: message.method ?? 'GET',
    path,
    headers: message.headers,
    query: new Map(url.searchParams),
    form: await readForm(body, type),
    json: readJson(body),
  };
}

async function readForm(body: Uint8Array<ArrayBuffer>, type: string): Promise<Map<string, string>> {
  const fields = new Map<string, string>();
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type)) return fields;
  try {
    const form = await new Response(body, { headers: { 'content-type': type } }).formData();
    for (const [name, value] of form) if (typeof value === 'string') fields.set(name, value);
  } catch {
    // A form that is none has no fields; the provider says what it misses.
  }
  return fields;
}

function readJson(body: Buffer): Json | undefined {
  try {
    return parseJson(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Everything a request carries besides its headers, for the log. */
export function parametersOf(request: SandboxRequest): JsonObject {
  return {
    ...Object.fromEntries(request.query),
    ...Object.fromEntries(request.form),
    ...(isObject(request.json) ? request.json : {}),
  };
}

/** The whole number a text is; null for anything else. */
export function wholeNumber(text: string): number | null {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

/** The instant in a row's field, in the zone's wall clock or with an offset. */
export function instantIn(row: JsonObject, field: string, zone: string): number | null {
  const value = row[field];
  return typeof value === 'string' ? (zoneClock(zone).parse(value)?.at ?? null) : null;
}

/** Thousandths as decimal text without needless zeros: `60` is `0.06`. */
export function decimalText(thousandths: number): string {
  return String(thousandths / 1000);
}
