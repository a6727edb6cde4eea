import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { makeHttpClient } from '../src/providers/http.ts';
import { findProvider } from '../src/providers/registry.ts';
import { makeClient } from '../src/sync/client.ts';
import { serve } from './support/gate.ts';

/** A server that answers at once, whatever is still on its way to it. */
async function hastyServer(status: number): Promise<string> {
  const server = createServer((_request, response) => {
    response.statusCode = status;
    response.end('{}');
  });
  return `${await serve(server)}/`;
}

it('is done with a request once it is answered, however early that came', async () => {
  const unheard: Error[] = [];
  const hear = (error: Error): void => {
    unheard.push(error);
  };
  process.on('uncaughtExceptionMonitor', hear);
  onTestFinished(() => {
    process.off('uncaughtExceptionMonitor', hear);
  });
  for (const status of [200, 503]) {
    const url = await hastyServer(status);
    const http = makeHttpClient({ timeout: 500, proxy: false, ca: null });
    onTestFinished(() => http.close());
    const stopping = new AbortController();
    const text = JSON.stringify('x'.repeat(3_000_000));
    const request = {
      operation: 'list',
      method: 'POST',
      url,
      headers: {},
      body: { kind: 'json', text },
      secrets: [],
    } as const;
    const answer = await http.send(request, stopping.signal);
    expect(answer.status).toBe(status);
    stopping.abort(new Error('stopped by SIGTERM'));
  }
  // Longer than the deadline of a request, which is a second after its timeout.
  await sleep(1800);
  expect(unheard).toEqual([]);
});

it.each([
  ['', 'x'],
  [' that comes before the request has left', 'x'.repeat(3_000_000)],
])('reads an answer%s when there is time for it, and not before', async (_when, text) => {
  const url = await hastyServer(200);
  const http = makeHttpClient({ timeout: 5000, proxy: false, ca: null });
  onTestFinished(() => http.close());
  const connector = findProvider('infin8linx')?.open({
    ...{ accountId: 'acme', baseUrl: url, timeZone: 'Asia/Shanghai', currency: null },
    ...{ credentials: { token: 'a token of the test' }, options: {} },
  });
  if (connector === undefined) return expect.fail('there is no such provider');
  const silent = (): void => undefined;
  const answered = Promise.withResolvers<void>();
  const client = makeClient({
    ...{ account: 'acme', connector, http, minInterval: 0, redact: (text) => text },
    ...{ log: { debug: silent, info: silent, warn: silent, error: silent } },
    signal: new AbortController().signal,
    onRequest: () => answered.resolve(),
  });
  const steps: string[] = [];
  const time = Promise.withResolvers<void>();
  const asked = client.ask(
    {
      request: () => ({
        ...{ operation: 'list', method: 'POST', url, headers: {}, secrets: [] },
        body: { kind: 'json', text },
      }),
      read: () => {
        steps.push('read');
        return { kind: 'page' };
      },
    },
    { time: time.promise, onLeft: () => steps.push('left') },
  );
  await answered.promise;
  await sleep(100);
  expect(new Set(steps)).toEqual(new Set(['left']));
  time.resolve();
  expect((await asked).value).toEqual({ kind: 'page' });
  expect(steps.at(-1)).toBe('read');
});
