import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { writeJson } from '../json.ts';
import { seededRandom } from './random.ts';
import type { Reply } from './wire.ts';

/**
 * What can go wrong with one response.
 *
 * `reset` closes the connection without an answer, `timeout` never answers;
 * `429`, `500`, `503`, `html`, `empty` and `redirect` are answers of something
 * in front of the API; `auth` and `system` are the provider's own refusals;
 * `truncated`, `slow`, `bom` and `gbk` spoil the right answer; `gzip-bomb`
 * unpacks to a gigabyte of blanks.
 */
const FaultKind = z.enum([
  ...['reset', 'timeout', '429', '500', '503', 'html', 'empty', 'redirect', 'auth'],
  ...['system', 'truncated', 'slow', 'bom', 'gbk', 'gzip-bomb'],
] as const);
export type FaultKind = z.infer<typeof FaultKind>;

/** The faults of one provider, as `setFaults` and the admin path take them. */
export const Faults = z.strictObject({
  /** Milliseconds before every response. */
  latency: z.number().min(0).max(600_000).optional(),
  /** The share of requests that fail with one of `kinds`. */
  rate: z.number().min(0).max(1).optional(),
  kinds: z.array(FaultKind).optional(),
  /** The fate of the next requests, one each; null for none. Goes before `rate`. */
  script: z.array(FaultKind.nullable()).optional(),
  /** Seconds in the Retry-After of 429 and 503; left out, there is none. */
  retryAfter: z.number().min(0).optional(),
  /** How long (ms) a `slow` body takes; 5000 by default. */
  slowFor: z.number().min(0).max(600_000).optional(),
});
export type Faults = z.infer<typeof Faults>;

export interface FaultBox {
  set(faults: Faults | null): void;
  settings(): Faults;
  /** The fate of the next request. */
  draw(): FaultKind | null;
}

/** The faults of one provider, repeatable for a seed. */
export function makeFaultBox(seed: number): FaultBox {
  let random = seededRandom(seed);
  let settings: Faults = {};
  let script: (FaultKind | null)[] = [];
  return {
    set(faults) {
      settings = faults ?? {};
      script = [...(settings.script ?? [])];
      random = seededRandom(seed);
    },
    settings: () => settings,
    draw() {
      const scripted = script.shift();
      if (scripted !== undefined) return scripted;
      const [first, ...others] = settings.kinds ?? [];
      if (first === undefined || !random.chance(settings.rate ?? 0)) return null;
      return random.pick([first, ...others]);
    },
  };
}

/** Faults that stand in the provider's way, so that it never sees the request. */
export function isOutside(fault: FaultKind | null): boolean {
  if (fault === null || fault === 'auth' || fault === 'system') return false;
  return fault !== 'truncated' && fault !== 'slow' && fault !== 'bom' && fault !== 'gbk';
}

/** Sends the reply, spoilt as the fault says, and returns the status sent; null where none was. */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  fault: FaultKind | null,
  settings: Faults,
  signal: AbortSignal,
): Promise<number | null> {
  const text = writeJson(reply.body);
  const send = (status: number, type: string, body: Uint8Array | string): number => {
    const payload = Buffer.from(body);
    response.writeHead(status, { 'content-type': type, 'content-length': payload.byteLength });
    response.end(payload);
    return status;
  };
  const json = 'application/json;charset=UTF-8';

  switch (fault) {
    case 'reset':
      response.socket?.resetAndDestroy();
      return null;
    case 'timeout':
      return null;
    case '429':
    case '500':
    case '503':
      if (settings.retryAfter !== undefined && fault !== '500') {
        response.setHeader('retry-after', settings.retryAfter);
      }
      return send(Number(fault), 'text/plain', `sandbox fault ${fault}`);
    case 'html':
      return send(200, 'text/html', '<!doctype html><title>系统维护中</title><h1>系统维护中</h1>');
    case 'empty':
      return send(200, json, '');
    case 'redirect':
      response.setHeader('location', '/_sandbox/elsewhere');
      return send(302, 'text/html', '');
    case 'gzip-bomb':
      response.setHeader('content-encoding', 'gzip');
      return send(200, json, bomb());
    case 'bom':
      return send(reply.status, json, `\uFEFF${text}`);
    case 'gbk':
      return send(reply.status, 'application/json;charset=GBK', toGbk(text));
    case 'truncated': {
      const whole = Buffer.from(text);
      const head = { 'content-type': json, 'content-length': whole.byteLength };
      response.writeHead(reply.status, head);
      response.write(whole.subarray(0, whole.byteLength / 2), () => response.destroy());
      return reply.status;
    }
    case 'slow':
      return drip(response, reply.status, text, settings.slowFor ?? 5000, signal);
    default:
      return send(reply.status, json, text);
  }
}

const DRIPS = 10;

async function drip(
  response: ServerResponse,
  status: number,
  text: string,
  time: number,
  signal: AbortSignal,
): Promise<number> {
  const whole = Buffer.from(text);
  const head = { 'content-type': 'application/json', 'content-length': whole.byteLength };
  response.writeHead(status, head);
  const size = Math.ceil(whole.byteLength / DRIPS);
  for (let part = 0; part < DRIPS; part += 1) {
    response.write(whole.subarray(part * size, (part + 1) * size));
    await wait(time / DRIPS, undefined, { signal });
  }
  response.end();
  return status;
}

let packedBlanks: Uint8Array | null = null;

/** A gigabyte in one megabyte: a gzip stream may be several put together. */
function bomb(): Uint8Array {
  if (packedBlanks === null) {
    const member = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '));
    packedBlanks = Buffer.concat(Array.from({ length: 64 }, () => member));
  }
  return packedBlanks;
}

let gbkCodes: ReadonlyMap<string, readonly [number, number]> | null = null;

/** Node reads GBK but does not write it, so the table is read out of the reader. */
function toGbk(text: string): Uint8Array {
  gbkCodes ??= readGbkTable();
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else bytes.push(...(gbkCodes.get(character) ?? [0x3f]));
  }
  return Uint8Array.from(bytes);
}

function readGbkTable(): Map<string, readonly [number, number]> {
  const decoder = new TextDecoder('gbk');
  const table = new Map<string, readonly [number, number]>();
  for (let high = 0x81; high <= 0xfe; high += 1) {
    for (let low = 0x40; low <= 0xfe; low += 1) {
      if (low === 0x7f) continue;
      const character = decoder.decode(Uint8Array.of(high, low));
      if (!table.has(character)) table.set(character, [high, low]);
    }
  }
  return table;
}
