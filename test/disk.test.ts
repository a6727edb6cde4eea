import { statfsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { formatBytes, parseBytes } from '../src/bytes.ts';
import { chooseAccounts } from '../src/commands/session.ts';
import { ConfigError, loadConfig } from '../src/config/config.ts';
import { redactor } from '../src/redact.ts';
import { diskAlarms, diskStatus } from '../src/status/store-status.ts';
import { freeBytes, type RoomCheck, watchRoom } from '../src/store/disk.ts';
import { readGrowth } from '../src/store/growth.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { pollAccount } from '../src/sync/poll.ts';
import type { AccountReport } from '../src/sync/report.ts';
import { DAY, HOUR, isoSeconds } from '../src/time.ts';
import { expectStatus } from './support/status.ts';
import { ago } from './support/tamper.ts';
import {
  accountsOf,
  countIn,
  expectTruth,
  openWorkbench,
  pagesAsked,
  query,
  reportsOf,
  until,
  type Workbench,
} from './support/workbench.ts';

// The room on the store's disk: how it is told, and that nothing is fetched without it.

describe('an amount of bytes', () => {
  it.each([
    ['0B', 0],
    ['512KB', 524_288],
    ['256MB', 268_435_456],
    ['1GB', 1_073_741_824],
    ['2TB', 2_199_023_255_552],
  ])('%s is read', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each(['', '256', 'MB', '1.5GB', '-1GB', '1 GB', '1gb', '1GiB', '1PB', '1234567890B', '1GB\n'])(
    '%j is none',
    (text) => expect(parseBytes(text)).toBeNull(),
  );

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KB'],
    [1_048_575, '1.0 MB'],
    [10_240, '10 KB'],
    [268_435_456, '256 MB'],
    [1_395_864_371, '1.3 GB'],
    [1024 ** 5, '1024 TB'],
  ])('%d is told as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

/** A configuration of one account with a further setting. */
async function problemsOf(diskReserve: unknown): Promise<readonly string[]> {
  const bench = await openWorkbench({ providers: ['okcc'] });
  const accounts = accountsOf(bench.sandbox, ['okcc']);
  await writeFile(bench.config, JSON.stringify({ diskReserve, accounts }));
  try {
    return [String(loadConfig(bench.config, {}).diskReserve)];
  } catch (error) {
    return error instanceof ConfigError
      ? error.problems.map(({ path, message }) => `${path}: ${message}`)
      : expect.fail(String(error));
  }
}

it('"diskReserve" is 256MB unless it says otherwise, and is told what it may be', async () => {
  const wrong = 'diskReserve: must be a size such as 256MB or 1GB, or 0B for none';
  expect(await problemsOf(undefined)).toEqual(['268435456']);
  expect(await problemsOf('0B')).toEqual(['0']);
  for (const value of ['256', '1.5GB', 256, null]) expect(await problemsOf(value)).toEqual([wrong]);
  expect(await problemsOf('1001TB')).toEqual(['diskReserve: must be 0B to 1000TB']);
});

it('what is free is what the system says, also of a folder that is still to be made', async () => {
  const { folder } = await openWorkbench({ providers: ['okcc'] });
  const { bavail, bsize } = statfsSync(folder);
  const free = await freeBytes(`sqlite:${join(folder, 'not/yet/here/cdr.db')}`);
  // Others use the disk too.
  expect(Math.abs((free ?? 0) - bavail * bsize)).toBeLessThan(1e9);
});

describe('the watch over the reserve', () => {
  const isRefused = (room: RoomCheck): Promise<boolean> =>
    room().then(
      () => false,
      (error: unknown) => error instanceof Error && 'fault' in error,
    );

  it('measures once a second, whoever asks', async () => {
    let measured = 0;
    const measure = async () => 100 - measured++;
    const room = watchRoom('sqlite:/x', 100, { measure });
    for (const _ of [1, 2, 3]) expect(await isRefused(room)).toBe(false);
    expect(measured).toBe(1);
    const eager = watchRoom('sqlite:/x', 100, { measure, every: 0 });
    expect(await isRefused(eager)).toBe(true);
    expect(measured).toBe(2);
  });

  it('lets everything through where it is off, or where nobody knows', async () => {
    const measure = async () => 0;
    expect(await isRefused(watchRoom('sqlite:/x', 0, { measure }))).toBe(false);
    expect(await isRefused(watchRoom('sqlite:/x', 1, { measure }))).toBe(true);
    const unknown = watchRoom('sqlite:/x', 1, { measure: async () => null });
    expect(await isRefused(unknown)).toBe(false);
  });
});

describe('the growth', () => {
  /** A store with accounts that were walked from and up to so many days before `now`. */
  async function openGrown(now: number, accounts: readonly (readonly [string, number, number])[]) {
    const { store: path } = await openWorkbench({ providers: ['okcc'] });
    const store = await openStore({ url: `sqlite:${path}`, mustExist: false, onEvent: () => 0 });
    const database = new SQLite(path);
    onTestFinished(async () => {
      database.close();
      await store.close();
    });
    for (const [id, from, to] of accounts) {
      database
        .prepare('insert into accounts (id, provider, start_at, watermark) values (?, ?, ?, ?)')
        .run(id, 'okcc', now - from * DAY, now - to * DAY);
    }
    /** `count` calls that started evenly over a span. */
    const add = (id: string, from: number, to: number, count: number): void => {
      const insert = database.prepare(
        `insert into calls (account_id, provider, call_id, direction, started_at, disposition, recording_state,
           flags, custom, source, listed_on, first_seen_at, changed_at, raw, is_call, listed_exact, version,
           change_seq, mapping_version, identity_key, content_hash)
         values (?, 'okcc', ?, 'inbound', ?, 'answered', 'none', '[]', '{}', 'pull', '', '', '', ?, 1, 1, 1, 0, 1, '', '')`,
      );
      const many = database.transaction(() => {
        for (let index = 0; index < count; index += 1) {
          const at = isoSeconds(from + ((to - from) * index) / count);
          insert.run(id, `${id}-${from}-${index}`, at, 'x'.repeat(500));
        }
      });
      many();
    };
    return { store, path, add };
  }

  const NOON = Math.floor(Date.now() / DAY) * DAY + 12 * HOUR;
  const MIDNIGHT = NOON - 12 * HOUR;

  it('is that of the last seven whole days, by the days that each account was walked for', async () => {
    const { store, path, add } = await openGrown(NOON, [
      ['old', 400, 0],
      ['new', 2.5, 0],
      ['today', 0.4, 0],
      ['behind', 400, 3.5],
      ['gone', 400, 30],
    ]);
    add('old', MIDNIGHT - 7 * DAY, MIDNIGHT, 700);
    add('old', MIDNIGHT - 300 * DAY, MIDNIGHT - 7 * DAY, 3000);
    add('new', MIDNIGHT - 2 * DAY, MIDNIGHT, 400);
    // Not over, and not a whole day of it.
    add('today', MIDNIGHT, NOON, 500);
    add('behind', MIDNIGHT - 7 * DAY, MIDNIGHT - 3 * DAY, 400);
    const growth = await readGrowth(store, NOON);
    expect(growth?.callsPerDay).toBeCloseTo(100 + 200 + 100, 0);
    const perCall = (growth?.bytesPerDay ?? 0) / 400;
    const { size } = statSync(path);
    expect(perCall).toBeGreaterThan(500);
    expect(perCall).toBeLessThan(1.2 * ((size + statSync(`${path}-wal`).size) / 5000));
  });

  it('is not known before a whole day was walked, and nothing where nothing comes', async () => {
    const fresh = await openGrown(NOON, [['a', 1.6, 0]]);
    expect(await readGrowth(fresh.store, MIDNIGHT - DAY)).toBeNull();
    expect(await readGrowth(fresh.store, NOON)).toEqual({ callsPerDay: 0, bytesPerDay: 0 });
    const { store } = await openGrown(NOON, []);
    expect(await readGrowth(store, NOON)).toBeNull();
  });
});

describe('the alarm of the disk', () => {
  const GB = 1024 ** 3;
  const messageOf = (free: number | null, reserve: number, bytesPerDay: number | null) => {
    const growth = bytesPerDay === null ? null : { callsPerDay: 1, bytesPerDay };
    return diskAlarms(diskStatus({ free, reserve }, growth)).map(({ message }) => message)[0];
  };

  it.each([
    ['room for fourteen days', 15 * GB, GB, GB],
    ['twice the reserve', 2 * GB, GB, null],
    ['no growth at all', 2 * GB, GB, 0],
    ['a system that does not tell', null, GB, GB],
    ['no reserve, and room', 14 * GB, 0, GB],
  ])('is silent with %s', (_words, free, reserve, growth) => {
    expect(messageOf(free, reserve, growth)).toBeUndefined();
  });

  it.each([
    ['14 GB free, and at the present growth .* in 13 days', 14 * GB, GB, GB],
    ['2.0 GB free, and at the present growth .* in 1 day$', 2 * GB, GB, GB],
    ['14 GB free, .* in 13 days', 14 * GB - 1, 0, GB],
    ['2.0 GB free; with less than the reserve of 1.0 GB', 2 * GB - 1, GB, 0],
    ['512 MB free, less than the reserve of 1.0 GB: nothing is fetched any more', GB / 2, GB, GB],
  ])('says: %s', (words, free, reserve, growth) => {
    expect(messageOf(free, reserve, growth)).toMatch(new RegExp(words));
  });
});

const NO_LOG = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function poll(bench: Workbench, store: Store, room: RoomCheck): Promise<AccountReport> {
  const config = loadConfig(bench.config, {});
  const [account] = chooseAccounts(config, []);
  if (account === undefined) throw new Error('An account was expected.');
  const { signal } = new AbortController();
  const around = { store, room, log: NO_LOG, redact: redactor(config.secrets), signal };
  return pollAccount(account, { ...around, onProgress: () => undefined }, 'sync');
}

it('stops a walk between two pages, keeps what is stored, and goes on from there', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    // More than five pages on the first day, if that was a Sunday too.
    sandbox: { days: 2, callsPerDay: 200, providers: { okcc: { pageSize: 10 } } },
    // Soon after midnight, the end of yesterday would be read again for its lateness.
    settings: { lookback: '0s' },
  });
  const url = bench.storeUrl;
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  onTestFinished(() => store.close());
  const asked = (): number => pagesAsked(bench.sandbox.requests).length;
  const measure = async (): Promise<number> => 1000 - 100 * asked();
  const report = await poll(bench, store, watchRoom(url, 600, { measure, every: 0 }));
  expect(report).toMatchObject({
    state: 'failed',
    error: { code: 'store.reserve', class: 'store' },
  });
  expect(report.error?.message).toMatch(/has 500 B free, and 600 B are to stay free/);
  // Four pages left 600; the fifth left less, and the sixth was not asked for.
  expect(asked()).toBe(5);
  expect(countIn(bench.store, 'calls')).toBe(50);
  expect(countIn(bench.store, 'runs', "error like '%store.reserve%'")).toBe(1);
  expect((await poll(bench, store, watchRoom(url, 1))).state).toBe('ok');
  expectTruth(bench, ['okcc']);
  // Nothing was read twice.
  expect(
    query(bench.store, z.object({ n: z.int() }), 'select sum(unchanged) as n from runs'),
  ).toEqual([{ n: 0 }]);
});

it('fetches nothing with less than the reserve free, and reads and copies all the same', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 3, callsPerDay: 20 } });
  expect((await bench.run('sync')).code).toBe(0);
  const accounts = accountsOf(bench.sandbox, ['okcc']);
  const store = bench.storeUrl;
  const http = { listen: '127.0.0.1:0' };
  await bench.writeConfig({ store, http, diskReserve: '1000TB', accounts });
  const requests = bench.sandbox.requests.length;
  const calls = countIn(bench.store, 'calls');

  const range = ['--account', 'demo-okcc', '--from', ago(3), '--to', ago(1)];
  for (const args of [['sync'], ['backfill', ...range], ['verify', ...range]]) {
    const result = await bench.run('--json', ...args);
    const error = reportsOf(result)[0]?.error;
    expect([args[0], result.code, error?.code]).toEqual([args[0], 1, 'store.reserve']);
    expect(error?.message).toMatch(/ free, and 1000 TB are to stay free/);
  }

  const worker = bench.start(['--log-level', 'info', 'worker']);
  const address = (): string => /"address":"([^"]+)"/.exec(worker.log())?.[1] ?? '';
  await until('its address', () => address() !== '');
  await until('a failed poll', () => worker.log().includes('store.reserve'));
  const ready = await fetch(`${address()}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { store: 'store.reserve' }]);
  expect(expectStatus(await (await fetch(`${address()}/status`)).json()).store.alarms).toHaveLength(
    1,
  );
  expect(await (await fetch(`${address()}/metrics`)).text()).toContain(
    'cdrsync_alarms{code="disk"} 1',
  );
  worker.kill('SIGTERM');
  expect((await worker.finished).code).toBe(143);

  const [status, exported, backup] = await Promise.all([
    bench.run('--json', 'status', '--check'),
    bench.run('export'),
    bench.run('backup', '--to', join(bench.folder, 'copy.db')),
  ]);
  expect([status.code, exported.code, backup.code], backup.stderr).toEqual([1, 0, 0]);
  expect(exported.stdout.trimEnd().split('\n')).toHaveLength(calls);
  const told = expectStatus(status.json);
  expect(told.store.alarms.map(({ code }) => code)).toEqual(['disk']);
  expect(told.accounts[0]?.alarms).toMatchObject([{ code: 'run_failed', error: 'store.reserve' }]);
  expect(bench.sandbox.requests).toHaveLength(requests);
  expect(countIn(bench.store, 'calls')).toBe(calls);
});
