import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Json, JsonObject } from '../src/json.ts';
import { sandboxConfig } from '../src/sandbox/config.ts';
import { SECOND } from '../src/time.ts';
import { describeQueue, forgetQueues, ownRedis, type QueuePlace } from './support/services.ts';
import { onlySqlite } from './support/test-store.ts';
import {
  accountsOf,
  expectTruth,
  freshRow,
  openWorkbench,
  query,
  type Running,
  until,
  type Workbench,
  type WorkbenchOptions,
} from './support/workbench.ts';

// The real binary as a long-running worker: signals, kills, and servers that go away.

vi.setConfig({ testTimeout: 90_000 });

/** A bench whose configuration names a queue. */
async function queueBench(
  queue: string,
  options: WorkbenchOptions,
  more: JsonObject = {},
): Promise<Workbench> {
  const bench = await openWorkbench(options);
  const accounts = accountsOf(bench.sandbox, options.providers ?? [], options.settings);
  const base = sandboxConfig(bench.sandbox, { store: bench.storeUrl });
  await bench.writeConfig({ ...base, queue, accounts, ...more });
  return bench;
}

function startWorker(bench: Workbench, ...args: readonly string[]): Running {
  return bench.start(['worker', '--listen', '127.0.0.1:0', ...args]);
}

/** Where it serves, once it does. */
async function addressOf(worker: Running): Promise<string> {
  const found = (): string | undefined => /"address":"([^"]+)"/.exec(worker.log())?.[1];
  await until('its address', () => found() !== undefined || !worker.alive());
  return found() ?? expect.fail(worker.log());
}

async function ask(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

async function untilReady(address: string): Promise<void> {
  await vi.waitFor(async () => expect((await ask(`${address}/readyz`)).status).toBe(200), {
    timeout: 30_000,
    interval: 100,
  });
}

const Run = z.object({ account_id: z.string(), state: z.string().nullable(), trigger: z.string() });

function runsIn(bench: Workbench): z.infer<typeof Run>[] {
  return query(bench.store, Run, 'select account_id, state, trigger from runs');
}

function polled(bench: Workbench): number {
  return runsIn(bench).filter(({ state, trigger }) => trigger === 'poll' && state === 'ok').length;
}

/** How long a process takes to leave after a signal, and how. */
async function stop(
  worker: Running,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; ms: number }> {
  const start = performance.now();
  worker.kill(signal);
  const { code } = await worker.finished;
  return { code, ms: performance.now() - start };
}

const StoreId = z.object({ value: z.string() });

async function forget(bench: Workbench, place: QueuePlace): Promise<void> {
  if (place.kind !== 'redis') return;
  const ids = query(bench.store, StoreId, "select value from meta where name = 'store_id'");
  await forgetQueues(ids.map(({ value }) => value));
}

for (const kind of ['embedded', 'redis', 'postgres'] as const) {
  describeQueue(kind, (place) => {
    it('polls, tells how it stands, and leaves at a signal', async () => {
      const options = { providers: ['itniotech', 'okcc'], settings: { every: '1s' } } as const;
      const bench = await queueBench(place().url, options);
      const worker = startWorker(bench);
      const address = await addressOf(worker);
      expect((await ask(`${address}/healthz`)).status).toBe(200);
      await untilReady(address);
      await until('polls', () => polled(bench) >= 4, 40_000);
      // A provider that is away does not unready the worker.
      bench.sandbox.setFaults('okcc', { rate: 1, kinds: ['503'] });
      expect((await ask(`${address}/readyz`)).status).toBe(200);
      const status = JSON.parse((await ask(`${address}/status`)).text);
      expect(Object.keys(status.accounts[0])).toEqual(
        Object.keys(JSON.parse((await bench.run('--json', 'status')).stdout).accounts[0]),
      );
      const { text } = await ask(`${address}/metrics`);
      expect(text).toMatch(
        /cdrsync_runs_total\{account="demo-okcc",provider="okcc",trigger="poll",state="ok"\} \d/,
      );
      expect(text).toMatch(
        /cdrsync_requests_total\{account="demo-itniotech",[^}]*outcome="200"\} \d/,
      );
      expect(text).toMatch(/cdrsync_queue_jobs\{queue="live",state="delayed"\} \d/);
      const { code, ms } = await stop(worker, 'SIGTERM');
      expect(code).toBe(143);
      expect(ms).toBeLessThan(5 * SECOND);
      expectTruth(bench, ['itniotech', 'okcc']);
      expectLog(worker.log());
      await forget(bench, place());
    });
  });
}

const Line = z.looseObject({ level: z.int(), time: z.string(), msg: z.string() });

/** JSON lines, one a run with its counts, and no number of a caller in full. */
function expectLog(log: string): void {
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));
  const done = lines.filter(({ msg }) => msg === 'done');
  expect(done.length).toBeGreaterThanOrEqual(4);
  for (const line of done)
    expect(line).toMatchObject({ account: expect.any(String), fetched: expect.any(Number) });
  expect(log).not.toMatch(/(?<!\d)1\d{10}(?!\d)/);
}

for (const kind of ['redis', 'postgres'] as const) {
  describeQueue(kind, (place) => {
    it('hands the work of a killed worker to another one', async () => {
      const options = {
        providers: ['okcc', 'udesk'],
        settings: { every: '1h' },
        sandbox: {
          days: 3,
          callsPerDay: 120,
          providers: { okcc: { pageSize: 6 }, udesk: { callsPerDay: 900 } },
        },
      } as const;
      const bench = await queueBench(place().url, options);
      // Long enough at weekends too, when there are few calls, for the other worker to start.
      bench.sandbox.setFaults('okcc', { latency: 150 });
      bench.sandbox.setFaults('udesk', { latency: 300 });
      const first = startWorker(bench);
      await untilReady(await addressOf(first));
      await until('its walks', () => bench.sandbox.requests.length > 12);
      const second = startWorker(bench);
      await untilReady(await addressOf(second));
      const asked = bench.sandbox.requests.length;
      expect(runsIn(bench).filter(({ state }) => state !== null)).toEqual([]);
      const killed = performance.now();
      first.kill('SIGKILL');
      await first.finished;
      const both = (): boolean => {
        const since = bench.sandbox.requests.slice(asked + 4).map(({ provider }) => provider);
        return options.providers.every((provider) => since.includes(provider));
      };
      await until('the second one', both, 30_000);
      expect(performance.now() - killed).toBeLessThan(15 * SECOND);
      for (const provider of options.providers) bench.sandbox.setFaults(provider, null);
      await until(
        'the end',
        () => runsIn(bench).filter(({ state }) => state === 'ok').length >= 2,
        30_000,
      );
      expect((await stop(second, 'SIGTERM')).code).toBe(143);
      expectTruth(bench, options.providers);
      await forget(bench, place());
    });
  });
}

describeQueue('redis', (place) => {
  onlySqlite('its file')('ends where its store is deleted while it runs', async () => {
    const bench = await queueBench(place().url, { providers: ['okcc'], settings: { every: '1s' } });
    const worker = startWorker(bench);
    await until('polls', () => worker.log().includes('"msg":"done"'), 40_000);
    await forget(bench, place());
    await rm(bench.store);
    const { code, stderr } = await worker.finished;
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('was deleted or replaced');
  });

  it('outlives a Redis that goes away and comes back empty', async () => {
    const redis = await ownRedis();
    await redis.start();
    const options = { providers: ['okcc'], settings: { every: '1s' } } as const;
    const bench = await queueBench(redis.url, options);
    const worker = startWorker(bench);
    const address = await addressOf(worker);
    await until('polls', () => polled(bench) >= 2, 40_000);
    // A server that answers and takes nothing is as good as none.
    await redis.configure('maxmemory', '1');
    await vi.waitFor(async () => expect((await ask(`${address}/readyz`)).status).toBe(503), 10_000);
    await redis.configure('maxmemory', '0');
    await untilReady(address);
    await redis.kill();
    await vi.waitFor(async () => expect((await ask(`${address}/readyz`)).status).toBe(503), 10_000);
    expect((await ask(`${address}/healthz`)).status).toBe(200);
    await sleep(3 * SECOND);
    const before = polled(bench);
    bench.sandbox.insert('okcc', freshRow(bench.sandbox, 'okcc', Date.now() - 5 * 60_000));
    await redis.start();
    const back = performance.now();
    await until('polls again', () => polled(bench) >= before + 2, 20_000);
    expect(performance.now() - back).toBeLessThan(10 * SECOND);
    await until(
      'the new call',
      () =>
        query(
          bench.store,
          z.object({ call_id: z.string() }),
          "select call_id from calls where call_id = 'fresh-1'",
        ).length === 1,
    );
    // It leaves in time while its queue is away.
    await redis.kill();
    const { code, ms } = await stop(worker, 'SIGTERM');
    expect(code).toBe(143);
    expect(ms).toBeLessThan(5 * SECOND);
  });

  it('leaves at once at a second signal', async () => {
    const redis = await ownRedis();
    await redis.start();
    const bench = await queueBench(redis.url, { providers: ['okcc'], settings: { every: '1s' } });
    const worker = startWorker(bench);
    await untilReady(await addressOf(worker));
    await until('polls', () => polled(bench) >= 1, 40_000);
    await redis.kill();
    worker.kill('SIGINT');
    await until('the first signal', () => worker.log().includes('stopping'));
    const { code, ms } = await stop(worker, 'SIGINT');
    expect(code).toBe(130);
    expect(ms).toBeLessThan(SECOND);
  });

  it('waits for a Redis that is not there yet, and says why it cannot log in', async () => {
    const redis = await ownRedis('right-password');
    const bench = await queueBench(redis.url, { providers: ['okcc'], settings: { every: '1s' } });
    const worker = startWorker(bench);
    const address = await addressOf(worker);
    expect((await ask(`${address}/readyz`)).text).toContain('"queue":"unavailable"');
    await redis.start();
    await until('polls', () => polled(bench) >= 1, 40_000);
    expect((await stop(worker, 'SIGTERM')).code).toBe(143);
    expect(worker.log()).not.toContain('right-password');

    const wrong: Json = JSON.parse(
      readFileSync(bench.config, 'utf8').replace('right-password', 'wrong-password'),
    );
    await bench.writeConfig(wrong);
    const refused = await startWorker(bench).finished;
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toContain('refuses the login');
    expect(refused.stderr).not.toContain('wrong-password');
  });
});
