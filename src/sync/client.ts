import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { mapText } from '../codes/entry.ts';
import { CdrError, type Fault } from '../errors.ts';
import type { Json } from '../json.ts';
import type { HttpClient } from '../providers/http.ts';
import type { Connector, Failed, HttpRequest, Signing } from '../providers/provider.ts';
import { cleanWords, type Redactor, redactor } from '../redact.ts';
import { SECOND } from '../time.ts';
import type { Log } from './log.ts';
import { readResponse, type Tagged } from './read-response.ts';
import { LONGEST_WAIT_IN_RUN, mayRetry, remedyFor, waitOf } from './remedy.ts';

/** One kind of request and how its answer is read. */
export interface Exchange<Value extends Tagged> {
  readonly request: (signing: Signing) => HttpRequest;
  readonly read: (body: Json) => Value | Failed;
}

export interface Answer<Value extends Tagged> {
  readonly value: Value;
  /** The provider's clock as its `Date` header gave it; null where it gave none. */
  readonly date: number | null;
  /** By our clock, when the answer was there. */
  readonly heardAt: number;
}

export interface AskOptions {
  /** How often it is tried at most. */
  readonly attempts?: number;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
  /** Resolves once the answer is wanted for sure: no failure is tried again before. */
  readonly needed?: Promise<void>;
  /** Called once the request has left, has to wait for its time, or has failed. */
  readonly onLeft?: () => void;
  /** Resolves once there is time to read the answer: no sooner is more done than to receive it. */
  readonly time?: Promise<void>;
}

/** Asks one account's provider, politely: paced, signed afresh each time, tried again where that helps. */
export interface Client {
  /**
   * @throws CdrError, cleaned of secrets, once nothing more can be done here and now.
   */
  ask<Value extends Tagged>(
    exchange: Exchange<Value>,
    options?: AskOptions,
  ): Promise<Answer<Value>>;
  /** Requests sent so far, the failed ones and logins included. */
  readonly requests: () => number;
  /** The provider's clock minus ours, in milliseconds; null before the first `Date` header. */
  readonly skew: () => number | null;
  /** The provider's clock as the newest `Date` header gave it, in milliseconds; null before the first. */
  readonly heard: () => number | null;
}

export interface ClientSettings {
  readonly account: string;
  readonly connector: Connector;
  readonly http: HttpClient;
  readonly minInterval: number;
  /** Secrets of the whole configuration: a provider may echo another account's. */
  readonly redact: Redactor;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onRequest: (request: RequestSeen) => void;
}

/** A request that was sent, for whoever counts them. */
export interface RequestSeen {
  readonly account: string;
  readonly provider: string;
  readonly operation: string;
  /** The HTTP status, or the error's code where none came. */
  readonly outcome: string;
  readonly ms: number;
}

/** How one request is sent, with all that it takes. */
interface Sending {
  readonly signal: AbortSignal;
  readonly needed: Promise<void> | undefined;
  readonly onLeft: () => void;
  readonly time: Promise<void> | undefined;
}

const ATTEMPTS = 5;

export function makeClient(settings: ClientSettings): Client {
  const { account, connector, http, minInterval, log } = settings;
  let requests = 0;
  let nextStart = 0;
  let heard: number | null = null;
  let skew: number | null = null;
  let signingOffset = 0;
  let token: string | null = null;
  /** Every session token there was: a server may name an old one. */
  const tokens: string[] = [];

  const pace = async ({ signal, onLeft }: Sending): Promise<void> => {
    const wait = nextStart - performance.now();
    nextStart = Math.max(nextStart, performance.now()) + minInterval;
    if (wait <= 0) return;
    onLeft();
    await sleep(wait, undefined, { signal });
  };

  const signing = (): Signing => ({
    now: Date.now() + signingOffset,
    nonce: BigInt(`0x${randomBytes(12).toString('hex')}`)
      .toString(36)
      .slice(0, 20),
    token,
  });

  const once = async <Value extends Tagged>(
    { request, read }: Exchange<Value>,
    sending: Sending,
  ): Promise<Answer<Value>> => {
    await pace(sending);
    const sent = request(signing());
    const started = performance.now();
    const seen = (outcome: string): number => {
      const ms = Math.round(performance.now() - started);
      const { provider } = connector;
      settings.onRequest({ account, provider, operation: sent.operation, outcome, ms });
      return ms;
    };
    requests += 1;
    let answered = false;
    try {
      const response = await http.send(sent, sending.signal, sending.onLeft);
      // An answer may come before the request was seen to leave, and then nothing else tells of it.
      sending.onLeft();
      const heardAt = Date.now();
      if (response.date !== null) {
        heard = response.date;
        skew = heard + SECOND / 2 - heardAt;
      }
      answered = true;
      const ms = seen(String(response.status));
      log.debug({ account, operation: sent.operation, status: response.status, ms }, 'request');
      await sending.time;
      return { value: readResponse(response, read), date: response.date, heardAt };
    } catch (error) {
      // One that never left: whoever waits for that would wait for ever.
      sending.onLeft();
      if (!(error instanceof CdrError)) throw error;
      const { code, message, hint } = error.fault;
      if (!answered) seen(code);
      // Made here and not before: others may have been given tokens meanwhile. Nor would it be cheap,
      // 40 µs for each page.
      const redactSent = redactor([...sent.secrets, ...tokens]);
      const clean: Redactor = (text) => cleanWords(redactSent(text), settings.redact);
      const fault = {
        ...error.fault,
        message: clean(message),
        hint: mapText(hint, (text) => settings.redact(redactSent(text))),
      };
      log.debug({ account, operation: sent.operation, code: fault.code }, fault.message);
      // Also where nobody waits for this answer any more. A longer wait ends the run.
      const told = waitOf(error.fault);
      if (told <= LONGEST_WAIT_IN_RUN) nextStart = Math.max(nextStart, performance.now() + told);
      throw new CdrError(fault, { operation: sent.operation });
    }
  };

  const logIn = async (sending: Sending): Promise<void> => {
    const { login } = connector;
    const wanted = login?.request(signing()) ?? null;
    if (login === null || wanted === null || token !== null) return;
    const request = (now: Signing): HttpRequest => login.request(now) ?? wanted;
    // Read at once: another request may fail by words that hold the token.
    const { value } = await once({ request, read: login.read }, { ...sending, time: undefined });
    token = value.token;
    tokens.push(token);
  };

  /** What can be mended here and now, once for each request. */
  const mend = (fault: Fault, mended: Set<string>): boolean => {
    const kind = remedyFor(fault, skew, signingOffset);
    if (kind === null || mended.has(kind)) return false;
    mended.add(kind);
    if (kind === 'clock') signingOffset = skew ?? 0;
    if (kind === 'login') {
      if (token === null) return false;
      token = null;
    }
    return true;
  };

  const attempt = async <Value extends Tagged>(
    exchange: Exchange<Value>,
    mended: Set<string>,
    sending: Sending,
  ): Promise<Answer<Value>> => {
    await logIn(sending);
    try {
      return await once(exchange, sending);
    } catch (error) {
      if (!(error instanceof CdrError)) throw error;
      await sending.needed;
      sending.signal.throwIfAborted();
      if (!mend(error.fault, mended)) throw error;
      return attempt(exchange, mended, sending);
    }
  };

  return {
    requests: () => requests,
    skew: () => skew,
    heard: () => heard,
    ask(exchange, { attempts = ATTEMPTS, needed, time, onLeft = () => undefined, ...given } = {}) {
      const mended = new Set<string>();
      const signal =
        given.signal === undefined
          ? settings.signal
          : AbortSignal.any([settings.signal, given.signal]);
      const sending = { signal, needed, time, onLeft };
      return pRetry(() => attempt(exchange, mended, sending), {
        retries: attempts - 1,
        minTimeout: SECOND / 2,
        factor: 2,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => error instanceof CdrError && mayRetry(error.fault),
        onFailedAttempt: async ({ error, retriesLeft }) => {
          // After the last attempt there is nothing to wait for.
          if (retriesLeft === 0) return;
          if (!(error instanceof CdrError) || error.fault.remedy?.kind !== 'wait') return;
          const wait = Math.max(waitOf(error.fault), minInterval);
          if (wait <= LONGEST_WAIT_IN_RUN) await sleep(wait, undefined, { signal });
        },
      });
    },
  };
}
