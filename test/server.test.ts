import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import SQLite from 'better-sqlite3';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts';
import { CdrError } from '../src/errors.ts';
import { makeMetrics, type RunEnded } from '../src/server/metrics.ts';
import type { Probes } from '../src/server/routes.ts';
import { type RunningServer, type ServerOptions, startServer } from '../src/server/server.ts';
import type { AccountStatus, Alarm, StatusDocument } from '../src/status/document.ts';
import { readStatus } from '../src/status/status.ts';
import { ensureAccount } from '../src/store/accounts.ts';
import { noCounts } from '../src/store/runs.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { Log } from '../src/sync/log.ts';
import { startCli } from './support/workbench.ts';

// The worker's HTTP server as its clients meet it: over sockets, some of them hostile.

const TOKEN = 'a-token-of-the-tests-0123456789';
const SECRET = 'hunter2-hunter2';
/** A phone number, as it must not be seen. */
const NUMBER = '13800138000';

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

interface Bench {
  /** Starts a server on a free port; it and what it listens on are gone when the test has ended. */
  start(change?: Partial<ServerOptions>): Promise<RunningServer>;
  /** Opens a bare connection and sends a text. */
  open(server: RunningServer, text?: string): Promise<Socket>;
  /** A configuration of two accounts, and its store, which knows the first. */
  openWorld(): Promise<World>;
  readonly lines: readonly Line[];
}

interface World {
  readonly config: Config;
  readonly store: Store;
  readonly path: string;
  readonly folder: string;
}

const ITNIO = {
  id: 'itnio-hk',
  provider: 'itniotech',
  baseUrl: 'https://api.example.com/voice',
  credentials: { apiKey: 'key-itnio', apiSecret: SECRET },
};
const OKCC = {
  id: 'okcc-1',
  provider: 'okcc',
  baseUrl: 'https://okcc.example.com/openapi/V2.0.6',
  credentials: { customer: 'C2', password: 'password-okcc' },
};

function openBench({ onTestFinished }: TestContext): Bench {
  const lines: Line[] = [];
  const cleanups: (() => unknown)[] = [];
  onTestFinished(async () => {
    for (const clean of cleanups.reverse()) await clean();
  });
  const note = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  const log: Log = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  };
  return {
    lines,
    start: async (change = {}) => {
      const listen = { host: '127.0.0.1', port: 0 };
      const options = { listen, token: null, log, probes: wellProbes, metrics: makeMetrics() };
      const server = await startServer({ ...options, ...change });
      cleanups.push(() => server.close());
      return server;
    },
    open: async (server, start = '') => {
      const { hostname, port } = new URL(server.address);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      cleanups.push(() => socket.destroy());
      await once(socket, 'connect');
      socket.write(start);
      return socket;
    },
    openWorld: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cdrsync-server-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      const path = join(folder, 'worker.config.json');
      writeFileSync(path, JSON.stringify({ store: 'sqlite:cdr.db', accounts: [ITNIO, OKCC] }));
      const config = loadConfig(path, {});
      const onEvent = () => undefined;
      const store = await openStore({ url: config.store, mustExist: false, onEvent });
      cleanups.push(() => store.close());
      const account = { id: 'itnio-hk', provider: 'itniotech', startAt: 1_790_000_000_000 };
      await store.db.transaction().execute((trx) => ensureAccount(trx, account));
      return { config, store, path, folder };
    },
  };
}

function documentOf(accounts: AccountStatus[], alarms: Alarm[] = []): StatusDocument {
  const disk = { free_bytes: 5e9, reserve_bytes: 1e6, growth_bytes_per_day: null, days_left: null };
  return {
    format: 1,
    generated_at: '2026-10-01T00:00:00Z',
    store: { path: `/data/${SECRET}`, bytes: 4096, disk, alarms },
    accounts,
  };
}

const wellProbes: Probes = {
  status: async () => documentOf([]),
  storeReady: async () => undefined,
  queueReady: async () => undefined,
  queueJobs: async () => ({}),
};

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request on a connection of its own. */
async function ask(
  { address }: RunningServer,
  path: string,
  options: { method?: string; headers?: http.OutgoingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  const request = http.request(address + path, { agent: false, ...rest });
  request.end(body);
  const [response] = await once(request, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** When a connection ends, and all that came over it. */
async function endOf(socket: Socket): Promise<{ readonly ms: number; readonly got: string }> {
  const begun = performance.now();
  let got = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    got += chunk;
  });
  // A reset is an end too, which `once` would take for a failure.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return { ms: performance.now() - begun, got };
}

/** A promise that stays open until it is let go. */
function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { closed: promise, open: resolve };
}

async function refusal(starting: Promise<RunningServer>): Promise<CdrError> {
  const outcome = await starting.then(
    (server) => server.close().then(() => 'it listens'),
    (error: unknown) => error,
  );
  return outcome instanceof CdrError ? outcome : expect.fail(`not refused: ${String(outcome)}`);
}

describe.concurrent('what takes its time', () => {
  test('a status behind a held lock is 503 in time, and back when the lock is gone', async (context) => {
    const bench = openBench(context);
    const { config, store, folder } = await bench.openWorld();
    const status = () => readStatus(config, store, Date.now());
    const server = await bench.start({ probes: { ...wellProbes, status } });
    const other = new SQLite(join(folder, 'cdr.db'));
    other.exec('begin immediate');
    // The worker's own write waits for the lock, and what it reads on the same connection waits behind it.
    const writing = store.db.transaction().execute(async () => 'written');
    const order: string[] = [];
    const answers = ['/status', '/metrics', '/healthz'].map(async (path) => {
      const { status } = await ask(server, path);
      order.push(path);
      return status;
    });
    // Had it waited for as long as the write, that would have given up and let the status through.
    expect(await Promise.all(answers)).toEqual([503, 503, 200]);
    expect(order[0]).toBe('/healthz');
    other.exec('rollback');
    other.close();
    expect(await writing).toBe('written');
    await vi.waitFor(async () => expect((await ask(server, '/status')).status).toBe(200));
  });

  test('a client that sends its headers or nothing at all is cut off', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    const dripping = await bench.open(server, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n');
    const drip = setInterval(() => dripping.write('x: y\r\n'), 200);
    const silent = await bench.open(server);
    const ends = await Promise.all([endOf(dripping), endOf(silent)]);
    clearInterval(drip);
    for (const { ms } of ends) expect(ms).toBeLessThan(10_000);
    expect(ends[1].got).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a probe that hangs is unavailable in time, and not called again meanwhile', async (context) => {
    const bench = openBench(context);
    let calls = 0;
    const hanging = gate();
    const queueReady = () => {
      calls += 1;
      return hanging.closed;
    };
    const server = await bench.start({ probes: { ...wellProbes, queueReady } });
    const first = await Promise.all([ask(server, '/readyz'), ask(server, '/readyz')]);
    expect(bench.lines).toMatchObject([{ fields: { reason: 'no answer within 2000 ms' } }]);
    const again = performance.now();
    const later = await ask(server, '/readyz');
    expect(performance.now() - again).toBeLessThan(1500);
    for (const { status, body } of [...first, later]) {
      expect(status).toBe(503);
      expect(body).toBe('{"status":"unavailable","store":"ok","queue":"unavailable"}');
    }
    expect(calls).toBe(1);
    expect(bench.lines).toHaveLength(1);
    hanging.open();
    expect((await ask(server, '/readyz')).status).toBe(200);
    expect(calls).toBe(2);
  });

  test('the process ends by itself once the server is closed', async () => {
    const script = `
      import { connect } from 'node:net';
      import { once } from 'node:events';
      const { startServer } = await import(${url('server/server.ts')});
      const { makeMetrics } = await import(${url('server/metrics.ts')});
      const none = () => undefined;
      const hang = () => new Promise(none);
      const server = await startServer({
        listen: { host: 'localhost', port: 0 }, token: null, metrics: makeMetrics(),
        log: { debug: none, info: none, warn: none, error: none },
        probes: { status: hang, storeReady: hang, queueReady: hang, queueJobs: hang },
      });
      const { hostname, port } = new URL(server.address);
      for (const path of ['/readyz', '/metrics', '/status']) {
        const socket = connect(port, hostname).on('error', none);
        await once(socket, 'connect');
        socket.write('GET ' + path + ' HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      await server.close();
      const closed = performance.now();
      process.on('exit', () => console.log(Math.round(performance.now() - closed)));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    clearTimeout(kill);
    expect(code).toBe(0);
    expect(Number(out)).toBeLessThan(1500);
  });
});

function url(file: string): string {
  return JSON.stringify(new URL(`../src/${file}`, import.meta.url).href);
}

describe.concurrent('the routes', () => {
  test('/healthz is well while the process runs', async (context) => {
    const bench = openBench(context);
    const fail = () => Promise.reject(new Error('down'));
    const server = await bench.start({
      probes: { status: fail, storeReady: fail, queueReady: fail, queueJobs: fail },
    });
    const { status, headers, body } = await ask(server, '/healthz', {
      headers: { origin: 'https://elsewhere.example.com' },
    });
    expect([status, body]).toEqual([200, '{"status":"ok"}']);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('/readyz names the part that is not ready, and why only in the log', async (context) => {
    const bench = openBench(context);
    let down = false;
    const parts = { store: false, queue: false };
    const probe = (part: 'store' | 'queue') => async () => {
      if (parts[part] && down) throw new Error(`redis://me:${SECRET}@host from ${NUMBER}`);
    };
    const server = await bench.start({
      probes: { ...wellProbes, storeReady: probe('store'), queueReady: probe('queue') },
    });
    expect(await ask(server, '/readyz')).toMatchObject({
      status: 200,
      body: '{"status":"ready","store":"ok","queue":"ok"}',
    });
    down = true;
    for (const [store, queue] of [
      ['unavailable', 'ok'],
      ['ok', 'unavailable'],
    ]) {
      Object.assign(parts, { store: store !== 'ok', queue: queue !== 'ok' });
      const expected = {
        status: 503,
        body: JSON.stringify({ status: 'unavailable', store, queue }),
      };
      for (const _ of [1, 2, 3]) expect(await ask(server, '/readyz')).toMatchObject(expected);
    }
    down = false;
    expect((await ask(server, '/readyz')).status).toBe(200);
    // Once when it began and once when it ended, for each of the two.
    expect(bench.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn store cannot be used',
      'info store can be used again',
      'warn queue cannot be used',
      'info queue can be used again',
    ]);
    expect(JSON.stringify(bench.lines)).toContain('redis://');
    expect(JSON.stringify(bench.lines)).not.toContain(NUMBER);
  });

  test('/status is what `status --json` prints', async (context) => {
    const bench = openBench(context);
    const { config, store, path, folder } = await bench.openWorld();
    const status = () => readStatus(config, store, Date.now());
    const server = await bench.start({ probes: { ...wellProbes, status } });
    const answer = await ask(server, '/status');
    const printed = await startCli(['--config', path, '--json', 'status'], folder).finished;
    const moving = /"(?:lag_seconds|free_bytes|bytes)":\d+|"generated_at":"[^"]+"|is [^"]+ behind/g;
    const fixed = (json: string) => json.replaceAll(moving, 'now');
    expect(answer.status).toBe(200);
    expect(`${fixed(answer.body)}\n`).toBe(fixed(printed.stdout));
    expect(JSON.parse(answer.body).accounts).toMatchObject([
      { account: 'itnio-hk', watermark: '2026-09-21T14:13:20Z' },
      { account: 'okcc-1', watermark: null, alarms: [{ code: 'never_run' }] },
    ]);
  });

  test('a store that is broken fails what needs it, and nothing else', async (context) => {
    const bench = openBench(context);
    const { config, store } = await bench.openWorld();
    await store.db.schema.dropTable('quarantine').execute();
    const status = () => readStatus(config, store, Date.now());
    const server = await bench.start({ probes: { ...wellProbes, status } });
    for (const path of ['/status', '/metrics', '/status']) {
      const { status, body } = await ask(server, path);
      expect(status).toBe(500);
      expect(JSON.parse(body)).toEqual({
        error: {
          code: 'http.failed',
          message: 'The request failed; the log of the worker says why.',
        },
      });
    }
    expect(bench.lines).toMatchObject([{ level: 'warn', fields: { code: 'store.failed' } }]);
    expect((await ask(server, '/healthz')).status).toBe(200);
  });

  test('an error nobody foresaw is told to the log alone', async (context) => {
    const bench = openBench(context);
    const scrape = () => Promise.reject(new TypeError(`no ${SECRET} for\n${NUMBER}`));
    const status = (): never => {
      throw new Error(`at once, with ${SECRET}`);
    };
    const metrics = { ...makeMetrics(), scrape };
    const first = await bench.start({ metrics });
    const second = await bench.start({ probes: { ...wellProbes, status } });
    for (const answer of [await ask(first, '/metrics'), await ask(second, '/status')]) {
      expect(answer.status).toBe(500);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(answer.body).not.toContain(SECRET);
    }
    const [thrown, probed] = bench.lines;
    expect(thrown).toMatchObject({ level: 'error', fields: { code: 'internal' } });
    expect(thrown?.fields).toMatchObject({ reason: `TypeError: no ${SECRET} for 138****8000` });
    expect(JSON.stringify(probed)).toContain('at once');
  });

  test('answer HEAD as GET, without the body', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    for (const path of ['/healthz', '/readyz', '/status']) {
      const get = await ask(server, path);
      const head = await ask(server, path, { method: 'HEAD' });
      expect([head.status, head.body]).toEqual([200, '']);
      expect(head.headers['content-length']).toBe(String(get.body.length));
    }
    const head = await ask(server, '/metrics', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    expect((await ask(server, '/nothing', { method: 'HEAD' })).status).toBe(404);
  });

  test('are no others', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    for (const path of ['/', '/status/', '/Status', `/${SECRET}`, '//status', '/healthz/../x']) {
      const { status, headers, body } = await ask(server, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body).error.code).toBe('http.not_found');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
      expect(body).not.toContain(SECRET);
    }
    expect((await ask(server, '/status?since=1')).status).toBe(200);
  });

  test('take no other method and no body', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      for (const path of ['/status', '/nothing']) {
        const headers = { 'content-type': 'application/x-odd', 'content-length': 2 };
        const answer = await ask(server, path, { method, headers, body: '{}' });
        expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
        expect(answer.headers.connection).toBe('close');
      }
    }
    const long = await ask(server, '/status', { headers: { 'content-length': 2 }, body: '{}' });
    expect([long.status, long.headers.connection]).toEqual([413, 'close']);
    const headers = { 'transfer-encoding': 'chunked' };
    expect((await ask(server, '/status', { headers, body: '{}' })).status).toBe(413);
    // Nor is a body waited for that never comes.
    const head = 'POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n';
    expect((await endOf(await bench.open(server, head))).ms).toBeLessThan(2500);
  });
});

describe.concurrent('on loopback', () => {
  const own = [
    'localhost',
    'LocalHost:1',
    'localhost.',
    'localhost.:8787',
    '127.0.0.1:8787',
    '127.8.9.10',
    '[::1]',
    '[::1]:8787',
  ];
  const foreign = [
    'elsewhere.example.com',
    'elsewhere.example.com:8787',
    '127.0.0.1.example.com',
    'localhost.example.com',
    'notlocalhost',
    'localhost@example.com',
    '127.1',
    '192.168.0.1',
    '0.0.0.0',
    '[::]',
    '[fe80::1]:80',
    '::1',
  ];

  test('the host is one of this machine', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    for (const host of own) {
      const { status } = await ask(server, '/status', { headers: { host } });
      expect([host, status]).toEqual([host, 200]);
    }
    for (const host of foreign) {
      const { status, body } = await ask(server, '/status', { headers: { host } });
      expect([host, status]).toEqual([host, 403]);
      expect(body).toContain('ask it as localhost');
    }
    for (const path of ['/healthz', '/readyz', '/metrics', '/nothing']) {
      const headers = { host: 'elsewhere.example.com' };
      expect([path, (await ask(server, path, { headers })).status]).toEqual([path, 403]);
    }
    // An empty one, and HTTP/1.0, which names none at all.
    for (const rest of ['HTTP/1.1\r\nConnection: close\r\nHost: \r\n', 'HTTP/1.0\r\n']) {
      const { got } = await endOf(await bench.open(server, `GET /status ${rest}\r\n`));
      expect(got).toMatch(/^HTTP\/1\.1 403 /);
    }
  });

  test('a token is demanded where there is one', async (context) => {
    const bench = openBench(context);
    const server = await bench.start({ token: TOKEN });
    for (const authorization of [
      TOKEN,
      'Bearer',
      'Bearer ',
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.slice(0, -1)}0`,
      `Bearer ${TOKEN.toUpperCase()}`,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      const answer = await ask(server, '/status', { headers: { authorization } });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.body).not.toContain(TOKEN);
    }
    for (const path of ['/status', '/metrics', '/nothing', '/', '/healthz/', '/%68ealthzz']) {
      expect([path, (await ask(server, path)).status]).toEqual([path, 401]);
    }
    for (const path of ['/status', '/metrics']) {
      expect((await ask(server, path, bearer(TOKEN))).status).toBe(200);
    }
    const headers = { authorization: `bearer ${TOKEN}`, host: 'elsewhere.example.com' };
    expect((await ask(server, '/status', { headers })).status).toBe(403);
    expect(
      (await ask(server, '/status', { headers: { ...headers, host: 'localhost' } })).status,
    ).toBe(200);
    expect((await ask(server, '/nothing', bearer(TOKEN))).status).toBe(404);
    expect((await ask(server, `/status?token=${TOKEN}`)).status).toBe(401);
    for (const path of ['/healthz', '/readyz']) expect((await ask(server, path)).status).toBe(200);
  });

  test('localhost and ::1 can be listened on', async (context) => {
    const bench = openBench(context);
    const server = await bench.start({ listen: { host: 'localhost', port: 0 } });
    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await ask(server, '/healthz')).status).toBe(200);
    // A machine without IPv6 says so.
    const told = await bench.start({ listen: { host: '::1', port: 0 } }).then(
      async (six) => `${six.address} ${(await ask(six, '/healthz')).status}`,
      (error: unknown) => `${String(error)} 200`,
    );
    expect(told).toMatch(/\[::1\]:\d+.* 200$/);
  });
});

describe.concurrent('beyond loopback', () => {
  const listen = { host: '0.0.0.0', port: 0 };

  test('nothing listens without a token, or with a short one', async (context) => {
    const bench = openBench(context);
    for (const token of [null, '', 'x'.repeat(15)]) {
      const { fault } = await refusal(bench.start({ listen, token }));
      expect(fault).toMatchObject({ class: 'config', code: 'http.token' });
      expect(fault.hint.en).toContain('"token"');
    }
  });

  test('any host is answered, with the token', async (context) => {
    const bench = openBench(context);
    const server = await bench.start({ listen, token: TOKEN });
    const local = { ...server, address: server.address.replace('0.0.0.0', '127.0.0.1') };
    const host = 'worker.example.com';
    expect((await ask(local, '/status', { headers: { host } })).status).toBe(401);
    const headers = { host, ...bearer(TOKEN).headers };
    expect((await ask(local, '/status', { headers })).status).toBe(200);
    for (const path of ['/healthz', '/readyz']) {
      expect((await ask(local, path, { headers: { host } })).status).toBe(200);
    }
  });
});

describe.concurrent('an address', () => {
  test('in use, or of another machine, is a problem of the configuration', async (context) => {
    const bench = openBench(context);
    const port = Number(new URL((await bench.start()).address).port);
    const taken = await refusal(bench.start({ listen: { host: '127.0.0.1', port } }));
    expect(taken.fault).toMatchObject({
      class: 'config',
      code: 'http.listen',
      message: `cannot listen on 127.0.0.1:${port}: another program listens there`,
    });
    expect(taken.fault.hint.en).toContain('another port');
    const foreign = { listen: { host: '192.0.2.1', port }, token: TOKEN };
    expect((await refusal(bench.start(foreign))).fault).toMatchObject({
      code: 'http.listen',
      message: `cannot listen on 192.0.2.1:${port}: it is no address of this machine`,
    });
  });

  const problems = (config: object): readonly string[] => {
    const folder = mkdtempSync(join(tmpdir(), 'cdrsync-listen-'));
    const file = join(folder, 'worker.config.json');
    writeFileSync(file, JSON.stringify({ accounts: [ITNIO], ...config }));
    try {
      const { host, port } = loadConfig(file, {}).http;
      return [`${host} ${port}`];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ path, message }) => `${path}: ${message}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test.each<readonly [listen: string, read: string]>([
    ['127.0.0.1:8787', '127.0.0.1 8787'],
    ['127.200.0.9:80', '127.200.0.9 80'],
    ['localhost:0', 'localhost 0'],
    ['LOCALHOST:65535', 'LOCALHOST 65535'],
    ['[::1]:9000', '::1 9000'],
    ['[0:0:0:0:0:0:0:1]:9000', '0:0:0:0:0:0:0:1 9000'],
  ])('%j is read as %j', (listen, expected) => {
    expect(problems({ http: { listen } })).toEqual([expected]);
  });

  test.each([
    ...[':8787', '*:80', '8787', '::1:80', '[127.0.0.1]:80', '[]:80', '127.1:80', '1.2.3:80'],
    ...['127.0.0.1:65536', '127.0.0.1:', '127.0.0.1', ' :80', 'a b:80', 'a_b:80', 'http://a:80'],
  ])('is not %j', (listen) => {
    expect(problems({ http: { listen } })).toEqual([
      'http.listen: must be HOST:PORT such as 127.0.0.1:8787 or [::1]:8787',
    ]);
  });

  test('beyond loopback needs a token, and a long one', () => {
    for (const listen of [
      '0.0.0.0:80',
      '[::]:80',
      '192.168.0.1:80',
      'worker.local:80',
      '[fe80::1]:80',
    ]) {
      expect(problems({ http: { listen } })).toEqual([
        expect.stringMatching(/^http\.token: is missing: http\.listen can be reached from other/),
      ]);
      expect(problems({ http: { listen, token: 'x'.repeat(15) } })).toEqual([
        expect.stringMatching(/^http\.token: is too short .* 16 characters/),
      ]);
      expect(problems({ http: { listen, token: 'x'.repeat(16) } })).toHaveLength(1);
      expect(problems({ http: { listen, token: 'x'.repeat(16) } })[0]).toMatch(/ 80$/);
    }
    // Other problems do not hide it.
    const { length } = problems({ stoer: 1, http: { listen: '0.0.0.0:80', tokens: 'x' } });
    expect(length).toBe(3);
    expect(problems({ http: { token: 'short' } })).toEqual(['127.0.0.1 8787']);
    expect(problems({ http: { token: 'with blanks within it' } })).toEqual([
      'http.token: must be printable ASCII without blanks',
    ]);
  });
});

describe.concurrent('hostile clients', () => {
  test('get 431 for headers without end, and the connection ends', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    const headers = `Host: localhost\r\nx: ${'y'.repeat(9000)}\r\n\r\n`;
    const { got } = await endOf(await bench.open(server, `GET /healthz HTTP/1.1\r\n${headers}`));
    expect(got).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('learn nothing from what is no request', async (context) => {
    const bench = openBench(context);
    const server = await bench.start({ token: TOKEN });
    const sent = [
      [`${SECRET}\r\n\r\n`, 400],
      [`GET /%zz${SECRET} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, 400],
      ['GET /status HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
      ['OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 401],
      ['GET http://x/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 401],
    ] as const;
    for (const [request, status] of sent) {
      const { got } = await endOf(await bench.open(server, request));
      expect(got.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(got).not.toContain(SECRET);
      expect(got).not.toContain('FST_');
    }
  });

  test('take no more connections than there are', async (context) => {
    const bench = openBench(context);
    const server = await bench.start();
    const held = await Promise.all(Array.from({ length: 64 }, () => bench.open(server)));
    // Long before it would be cut off for its silence.
    expect((await endOf(await bench.open(server))).ms).toBeLessThan(2500);
    expect(held.every(({ destroyed }) => !destroyed)).toBe(true);
    held[0]?.destroy();
    await vi.waitFor(async () => expect((await ask(server, '/healthz')).status).toBe(200));
  });
});

test('close() ends what clients hold open, at once', async (context) => {
  const bench = openBench(context);
  const begun = gate();
  const queueReady = () => {
    begun.open();
    return new Promise<void>(() => undefined);
  };
  const server = await bench.start({ probes: { ...wellProbes, queueReady } });
  const idle = await bench.open(server, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(idle, 'data');
  const held = [
    idle,
    await bench.open(server),
    await bench.open(server, 'GET /healthz HTTP/1.1\r\nHo'),
    await bench.open(server, 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  ];
  await begun.closed;
  const ends = Promise.all(held.map(endOf));
  const start = performance.now();
  await Promise.all([server.close(), server.close()]);
  await ends;
  expect(performance.now() - start).toBeLessThan(1000);
  await expect(ask(server, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.close();
});

describe.concurrent('the metrics', () => {
  const alarm = (code: Alarm['code']): Alarm => ({
    ...{ code, message: `about ${NUMBER}`, hint: SECRET, since: null, day: null, error: null },
  });
  const account = (change: Partial<AccountStatus> = {}): AccountStatus => ({
    account: 'itnio-hk',
    provider: 'itniotech',
    time_zone: 'Asia/Shanghai',
    running: false,
    first_sync: false,
    failing: null,
    days_in_question: 2,
    watermark: '2026-10-01T00:00:00Z',
    lag_seconds: 90,
    clock_skew_seconds: -3,
    last_run: {
      trigger: 'poll',
      started_at: '2026-10-01T00:00:00Z',
      ended_at: null,
      state: 'failed',
      windows: 1,
      requests: 1,
      fetched: 0,
      inserted: 0,
      changed: 0,
      error: { code: 'x', class: 'store', message: `${SECRET} ${NUMBER}`, hint: SECRET },
    },
    next_poll: null,
    pending_windows: 4,
    days: { complete: 7, incomplete: 2 },
    holes: [1, 2].map((attempts) => ({
      ...{ from: 'a', to: 'b', reason: NUMBER, since: 'c', attempts, next_try_at: 'd' },
    })),
    quarantine: 5,
    accepted: [{ day: '2026-09-01', reason: `lost by ${NUMBER}` }],
    lateness: { calls: 0, latest_seconds: null },
    pause: null,
    retention_seconds: null,
    retention_state: 'off',
    retention_from: null,
    backfills: [],
    alarms: [alarm('holes'), alarm('provider_down')],
    ...change,
  });
  const run = (change: Partial<RunEnded> = {}): RunEnded => ({
    ...{ account: 'itnio-hk', provider: 'itniotech', trigger: 'poll', state: 'ok', error: null },
    counts: { ...noCounts(), inserted: 3, changed: 2, unchanged: 4, duplicates: 1, missing: 6 },
    ...change,
  });
  const OWN = 'account="itnio-hk",provider="itniotech"';
  const seriesOf = (scrape: string): string[] =>
    scrape.split('\n').filter((line) => line.startsWith('cdrsync_'));

  test('are served as Prometheus reads them', async (context) => {
    const bench = openBench(context);
    const metrics = makeMetrics();
    metrics.run(run());
    const server = await bench.start({
      metrics,
      probes: {
        ...wellProbes,
        status: async () => documentOf([account()]),
        queueJobs: async () => ({ poll: { waiting: 2, 'waiting-children': 0 } }),
      },
    });
    const { status, headers, body } = await ask(server, '/metrics');
    expect([status, headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(seriesOf(body)).toEqual(
      expect.arrayContaining([
        `cdrsync_rows_total{${OWN},outcome="inserted"} 3`,
        `cdrsync_lag_seconds{${OWN}} 90`,
        'cdrsync_queue_jobs{queue="poll",state="waiting"} 2',
        'cdrsync_queue_jobs{queue="poll",state="waiting-children"} 0',
      ]),
    );
    expect(body).toMatch(/^process_cpu_seconds_total /m);
    expect(body).toMatch(/^nodejs_eventloop_lag_seconds /m);
    // One block for each name, and each line of a form that a parser takes.
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const line of body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
      expect(line).toMatch(/^\w+(\{(\w+="[^"\n]*",?)+\})? (-?[\d.e+-]+|Nan)$/);
    }
  });

  test('live without the queue', async (context) => {
    const bench = openBench(context);
    const queueJobs = () => Promise.reject(new Error('down'));
    const probes = { ...wellProbes, status: async () => documentOf([account()]), queueJobs };
    const { status, body } = await ask(await bench.start({ probes }), '/metrics');
    expect(status).toBe(200);
    expect(body).toContain(`cdrsync_holes{${OWN}} 2`);
    expect(body).not.toContain('cdrsync_queue_jobs{');
  });

  test('count rows, runs and requests', async () => {
    const metrics = makeMetrics();
    const seen = { account: 'itnio-hk', provider: 'itniotech', operation: 'recordSipQuery' };
    metrics.run(run());
    metrics.run(run({ state: 'failed', error: 'lease.lost' }));
    metrics.request({ ...seen, outcome: '200', ms: 300 });
    metrics.request({ ...seen, outcome: '200', ms: 59_000 });
    metrics.request({ ...seen, outcome: 'http.timeout', ms: 400_000 });
    const series = seriesOf(await metrics.scrape(documentOf([]), {}));
    const rows = {
      inserted: 6,
      changed: 4,
      unchanged: 8,
      duplicate: 2,
      quarantined: 0,
      missing: 12,
    };
    const times = `cdrsync_request_duration_seconds`;
    expect(series.filter((line) => line.includes('_rows_'))).toEqual(
      Object.entries(rows).map(
        ([outcome, n]) => `cdrsync_rows_total{${OWN},outcome="${outcome}"} ${n}`,
      ),
    );
    expect(series).toEqual(
      expect.arrayContaining([
        `cdrsync_runs_total{${OWN},trigger="poll",state="ok"} 1`,
        `cdrsync_runs_total{${OWN},trigger="poll",state="failed"} 1`,
        'cdrsync_lease_lost_total{account="itnio-hk"} 1',
        `cdrsync_requests_total{${OWN},operation="recordSipQuery",outcome="200"} 2`,
        `cdrsync_requests_total{${OWN},operation="recordSipQuery",outcome="http.timeout"} 1`,
        `${times}_bucket{le="0.25",${OWN}} 0`,
        `${times}_bucket{le="0.5",${OWN}} 1`,
        `${times}_bucket{le="60",${OWN}} 2`,
        `${times}_bucket{le="+Inf",${OWN}} 3`,
        `${times}_sum{${OWN}} 459.3`,
      ]),
    );
    expect(series.find((line) => line.includes('build_info'))).toMatch(
      /^cdrsync_build_info\{version="\d+\.\d+\.\d+[^"]*"\} 1$/,
    );
  });

  test('tell how accounts stand, and forget one that is gone', async () => {
    const metrics = makeMetrics();
    const unknown = { lag_seconds: null, clock_skew_seconds: null, last_run: null, days: {} };
    const bare = account({ account: 'new', ...unknown, holes: [], alarms: [] });
    const states = { open: 0, complete: 7, verified: 0, incomplete: 2, mismatch: 0 };
    const days = { ...states, unreachable: 0, accepted: 0 };
    const series = seriesOf(
      await metrics.scrape(documentOf([account(), bare], [alarm('disk')]), {
        poll: { waiting: 1 },
      }),
    );
    expect(series.filter((line) => line.includes(OWN)).sort()).toEqual(
      [
        `cdrsync_lag_seconds{${OWN}} 90`,
        `cdrsync_clock_skew_seconds{${OWN}} -3`,
        `cdrsync_holes{${OWN}} 2`,
        `cdrsync_quarantined_rows{${OWN}} 5`,
        `cdrsync_pending_windows{${OWN}} 4`,
        `cdrsync_last_run_timestamp_seconds{${OWN}} ${Date.UTC(2026, 9, 1) / 1000}`,
        `cdrsync_alarms{${OWN},code="holes"} 1`,
        `cdrsync_alarms{${OWN},code="provider_down"} 1`,
        ...Object.entries(days).map(([state, n]) => `cdrsync_days{${OWN},state="${state}"} ${n}`),
      ].sort(),
    );
    expect(series).toEqual(
      expect.arrayContaining([
        'cdrsync_alarms{code="disk"} 1',
        'cdrsync_store_bytes 4096',
        'cdrsync_disk_free_bytes 5000000000',
        'cdrsync_disk_reserve_bytes 1000000',
      ]),
    );
    // What is not known has no series: a zero would be a claim.
    const ofBare = series.filter((line) => line.includes('account="new"'));
    expect(ofBare.filter((line) => /lag|skew|last_run|alarms/.test(line))).toEqual([]);
    expect(ofBare.filter((line) => / 0$/.test(line))).toHaveLength(7 + 1);

    const [one, two] = await Promise.all([
      metrics.scrape(documentOf([bare]), {}),
      metrics.scrape(documentOf([]), {}),
    ]);
    expect(one).not.toContain('account="itnio-hk"');
    expect(one).toContain('account="new"');
    expect(two).not.toContain('account=');
  });

  test('let nothing into a label but ids, codes and states', async () => {
    const metrics = makeMetrics();
    const words = `the token ${SECRET} was refused`;
    const odd = ['', words, NUMBER, `+86${NUMBER}`, `call_${NUMBER}`, 'a"b\\c\nd', SECRET, '密码'];
    for (const text of [...odd, 'x'.repeat(500), 'deadbeef0123456789deadbeef']) {
      metrics.run(run({ provider: text, trigger: text, state: text, error: text }));
      metrics.request({ ...run(), operation: text, outcome: text, ms: 1 });
      const status = account({ provider: text, days: { [text]: 9 } });
      const scrape = await metrics.scrape(documentOf([status]), { [text]: { [text]: 1 } });
      for (const hidden of [SECRET, NUMBER, '138', 'token', 'deadbeef', 'xxx', 'b\\', '密']) {
        expect(seriesOf(scrape).filter((line) => line.includes(hidden))).toEqual([]);
      }
      expect(scrape).toContain('trigger="other",state="other"');
      expect(scrape).toContain('operation="other",outcome="other"');
      expect(scrape).toContain('cdrsync_queue_jobs{queue="other",state="other"} 1');
      expect(scrape).not.toMatch(/cdrsync_days\{.*state="other"/);
    }
    for (const id of ['a b', `${words}`, 'a"b', 'x'.repeat(65), '']) {
      metrics.run(run({ account: id }));
      metrics.request({ ...run(), account: id, operation: 'list', outcome: '200', ms: 1 });
      const series = seriesOf(await metrics.scrape(documentOf([account({ account: id })]), {}));
      expect(series.filter((line) => line.includes('account="other"'))).not.toEqual([]);
      expect(series.filter((line) => id !== '' && line.includes(id))).toEqual([]);
    }
  });
});
