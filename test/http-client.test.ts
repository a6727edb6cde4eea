import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { makeHttpClient } from '../src/providers/http.ts';
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
