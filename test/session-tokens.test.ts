import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { CdrError } from '../src/errors.ts';
import { makeHttpClient } from '../src/providers/http.ts';
import { findProvider } from '../src/providers/registry.ts';
import { askPage } from '../src/sync/ask-page.ts';
import { type AskOptions, makeClient } from '../src/sync/client.ts';
import { serve } from './support/gate.ts';

// A provider may name any session token that it gave, in words that people get to read.

interface Provider {
  readonly url: string;
  /** Resolves once a list was asked for with the token of this login, counted from 1. */
  readonly asked: (login: number) => Promise<void>;
  /** Answers the lists that were held back. */
  readonly release: () => void;
}

const tokenOf = (login: number): string => `session-of-login-${login}`;

/**
 * Infin8linx's API: each login gives a new token and refuses the one before. The
 * first list is held back, and all that fail name every token there was.
 */
async function startProvider(): Promise<Provider> {
  let logins = 0;
  let lists = 0;
  const waits = [1, 2].map(() => Promise.withResolvers<void>());
  const released = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await text(request);
      if (body.includes('App.Sip_Auth.Login')) {
        logins += 1;
        const result = { token: tokenOf(logins) };
        response.end(JSON.stringify({ ret: 200, data: { status: 0, desc: 'ok', result } }));
        return;
      }
      const login = [1, 2].find((number) => body.includes(tokenOf(number))) ?? 0;
      lists += 1;
      const held = lists === 1;
      waits[login - 1]?.resolve();
      if (held) await released.promise;
      const names = Array.from({ length: logins }, (_, index) => tokenOf(index + 1)).join(' and ');
      // The gateway's own words for a token that is no longer good: whoever asked logs in again.
      if (!held && login === 1 && logins === 1) {
        response.end(JSON.stringify({ ret: 600, msg: 'token', data: {} }));
        return;
      }
      response.end(JSON.stringify({ ret: 400, msg: `not while there are ${names}`, data: {} }));
    };
    answer().catch(() => response.destroy());
  });
  const url = `${await serve(server)}/`;
  return {
    url,
    asked: (login) => waits[login - 1]?.promise ?? expect.fail('no such login'),
    release: released.resolve,
  };
}

/** One account's client, and what a request for a page said when it failed. */
function makeAsker(url: string) {
  const http = makeHttpClient({ timeout: 5000, proxy: false, ca: null });
  onTestFinished(() => http.close());
  const connector = findProvider('infin8linx')?.open({
    ...{ accountId: 'acme', baseUrl: url, timeZone: 'Asia/Shanghai', currency: null },
    ...{ credentials: { appId: 'app', accessKey: 'a key of the test' }, options: {} },
  });
  if (connector === undefined) throw new Error('there is no such provider');
  const silent = (): void => undefined;
  const client = makeClient({
    ...{ account: 'acme', connector, http, minInterval: 0, redact: (words: string) => words },
    ...{ log: { debug: silent, info: silent, warn: silent, error: silent } },
    ...{ signal: new AbortController().signal, onRequest: silent },
  });
  const day = {
    from_at: Date.parse('2026-11-01T16:00:00Z'),
    to_at: Date.parse('2026-11-02T16:00:00Z'),
  };
  return async (options: AskOptions): Promise<string> => {
    const asker = { client, connector, settings: { id: 'acme' } };
    const error: unknown = await askPage(asker, { ...day, cursor: null }, options).catch(
      (reason: unknown) => reason,
    );
    return error instanceof CdrError ? error.message : expect.fail('it did not fail');
  };
}

const ONCE = { attempts: 1 };

it('a token that another request was given meanwhile is hidden in what this one says', async () => {
  const provider = await startProvider();
  const ask = makeAsker(provider.url);
  const slow = ask(ONCE);
  await provider.asked(1);
  const fast = ask(ONCE);
  await provider.asked(2);
  provider.release();
  for (const words of [await slow, await fast]) {
    expect(words).toContain('not while there are');
    expect(words).not.toContain('session-of-login');
  }
});

it('a token is known before there is time to read a page that was asked for ahead', async () => {
  const provider = await startProvider();
  const ask = makeAsker(provider.url);
  const time = Promise.withResolvers<void>();
  const ahead = ask({ ...ONCE, time: time.promise });
  // Its login was answered by now.
  await Promise.race([provider.asked(1), sleep(1000)]);
  const other = ask(ONCE);
  await Promise.race([provider.asked(2), sleep(1000)]);
  provider.release();
  const said = await other;
  time.resolve();
  for (const words of [said, await ahead]) {
    expect(words).toContain('not while there are');
    expect(words).not.toContain('session-of-login');
  }
});
