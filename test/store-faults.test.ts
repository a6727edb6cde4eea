import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { type Json, type JsonObject, parseJson } from '../src/json.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { SECOND } from '../src/time.ts';
import { fingerprint, lockStore, onlySqlite, tamper } from './support/test-store.ts';
import {
  accountsOf,
  countIn,
  expectTruth,
  type Finished,
  listedRows,
  openWorkbench,
  ownEnvironment,
  pagesAsked,
  query,
  reportOf,
  reportsOf,
  storedRows,
  until,
  type Workbench,
} from './support/workbench.ts';

// What the binary makes of a store that cannot be opened, written or believed, and of one that is in use.

vi.setConfig({ testTimeout: 60_000 });

const CLI = inject('cli');
const KILLER = new URL('./support/kill-at.ts', import.meta.url).href;

/** The configuration with all five accounts, and the store elsewhere. */
async function storeAt(bench: Workbench, path: string, more: JsonObject = {}): Promise<void> {
  const accounts = accountsOf(bench.sandbox, PROVIDERS);
  await bench.writeConfig({ store: `sqlite:${path}`, accounts, ...more });
}

const Refusal = z.object({
  accounts: z.array(z.unknown()).length(0),
  error: z.object({ code: z.string(), class: z.string(), message: z.string(), hint: z.string() }),
});

/** The command failed as a whole, before it asked any provider for anything. */
function expectRefused(bench: Workbench, result: Finished, code: string, path: string): void {
  const { error } = Refusal.parse(result.json);
  expect([error.class, error.code, result.code], error.message).toEqual(['store', code, 1]);
  expect(error.message).toContain(path);
  expect(error.hint.length).toBeGreaterThan(20);
  expect(result.stderr).toContain(`cdrsync: ${error.message} [${code}]\n  → ${error.hint}\n`);
  expect(bench.sandbox.requests).toEqual([]);
}

/** Runs `work` on the database file, past the code under test. */
function meddle<Result>(path: string, work: (database: SQLite.Database) => Result): Result {
  const database = new SQLite(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

onlySqlite('a file')('makes the folders that are missing, for its owner alone', async () => {
  const bench = await openWorkbench();
  const path = join(bench.folder, 'a', 'b', 'cdrsync.db');
  await storeAt(bench, path);
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toContain('a new store was created');
  for (const folder of ['a', 'a/b']) {
    expect(statSync(join(bench.folder, folder)).mode & 0o777).toBe(0o700);
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

onlySqlite('a file')('takes an empty file for a new store', async () => {
  const bench = await openWorkbench();
  writeFileSync(bench.store, '', { mode: 0o600 });
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expectTruth(bench);
});

/** What is in the place of the store, by the code that it is refused with. */
const PLACES: readonly (readonly [string, string, (path: string) => void])[] = [
  [
    'a file in the place of its folder',
    'store.unopened',
    (path) => writeFileSync(dirname(path), ''),
  ],
  ['a folder in its place', 'store.unopened', (path) => mkdirSync(path, { recursive: true })],
  [
    'a text',
    'store.corrupt',
    (path) => {
      mkdirSync(dirname(path));
      writeFileSync(path, 'these are not the pages of a database\n'.repeat(200));
    },
  ],
  [
    "another program's database",
    'store.foreign',
    (path) => {
      mkdirSync(dirname(path));
      meddle(path, (database) =>
        database.exec(
          "create table invoices (id integer primary key, who text);\ninsert into invoices values (1, 'them')",
        ),
      );
    },
  ],
  [
    "another program's database that Kysely migrates",
    'store.foreign',
    (path) => {
      mkdirSync(dirname(path));
      meddle(path, (database) =>
        database.exec('create table kysely_migration (name text primary key, timestamp text)'),
      );
    },
  ],
];

/** Every file of a folder, with what is in it. */
function contentOf(folder: string): readonly (readonly [string, string])[] {
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'hex')]);
}

onlySqlite('a file').each(PLACES)(
  'refuses %s (%s), and leaves it as it is',
  async (_what, code, make) => {
    const bench = await openWorkbench();
    const path = join(bench.folder, 'data', 'cdrsync.db');
    await storeAt(bench, path);
    make(path);
    const folder = statSync(join(bench.folder, 'data')).isDirectory();
    const before = folder && code !== 'store.unopened' ? contentOf(dirname(path)) : null;
    // What cannot be reached at all is, for those that make none, no store yet.
    const commands = code === 'store.unopened' ? ['sync'] : ['sync', 'status'];
    for (const command of commands) {
      expectRefused(bench, await bench.run('--json', '--quiet', command), code, path);
    }
    if (before !== null) expect(contentOf(dirname(path))).toEqual(before);
  },
);

it('refuses a store of a newer version, and leaves it as it is', async () => {
  const bench = await openWorkbench();
  expect((await bench.run('sync')).code).toBe(0);
  tamper(bench.store, "insert into kysely_migration values ('9999_later', '2030-01-01T00:00:00Z')");
  const before = fingerprint(bench.store);
  const asked = bench.sandbox.requests.length;
  const result = await bench.run('--json', '--quiet', 'sync');
  const { error } = Refusal.parse(result.json);
  expect([result.code, error.class, error.code]).toEqual([1, 'store', 'store.newer']);
  expect(error.hint).toMatch(/newer cdrsync again/);
  expect(bench.sandbox.requests).toHaveLength(asked);
  expect(fingerprint(bench.store)).toBe(before);
});

onlySqlite('a file')('stops at a store whose pages are damaged', async () => {
  const bench = await openWorkbench();
  expect((await bench.run('sync')).code).toBe(0);
  meddle(bench.store, (database) => database.pragma('wal_checkpoint(truncate)'));
  const bytes = readFileSync(bench.store);
  // All pages but the first few, of the schema: the store opens, and its content cannot be read.
  for (let at = Math.floor(bytes.length / 4); at < bytes.length; at += 1) {
    bytes[at] = 0xff ^ (bytes[at] ?? 0);
  }
  writeFileSync(bench.store, bytes);
  const result = await bench.run('--json', '--quiet', 'sync');
  expect(result.code).toBe(1);
  const Whole = z.object({
    accounts: z.array(
      z.object({
        state: z.string(),
        error: z.looseObject({ code: z.string(), class: z.string(), hint: z.string() }),
      }),
    ),
    error: z.object({ code: z.string(), class: z.string(), hint: z.string() }).optional(),
  });
  const { accounts, error } = Whole.parse(result.json);
  const errors = [...accounts.map((one) => one.error), ...(error === undefined ? [] : [error])];
  expect(errors.length).toBeGreaterThan(0);
  for (const { class: kind, code, hint } of errors) {
    expect([kind, code]).toEqual(['store', 'store.corrupt']);
    expect(hint).toMatch(/Restore the newest backup|restore the newest backup/);
  }
});

/** Runs the binary through a shell that prepares for it, with a limit or without a right. */
function runThrough(
  bench: Workbench,
  prefix: readonly string[],
  ...args: readonly string[]
): Promise<Finished> {
  const [file = '', ...rest] = prefix;
  return new Promise((resolve) => {
    const child = execFile(
      file,
      [...rest, process.execPath, CLI, '--config', bench.config, ...args],
      { cwd: bench.folder, env: ownEnvironment(), timeout: 30_000 },
      (_error, stdout, stderr) => {
        const { exitCode: code, signalCode: signal } = child;
        let json: Json | undefined;
        try {
          json = parseJson(stdout);
        } catch {
          json = undefined;
        }
        resolve({ code, signal, stdout, stderr, json });
      },
    );
  });
}

/** The modes of files bind everyone but root, who has to give up that right first. */
const BOUND_BY_MODES =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : ['env'];

onlySqlite('modes of files').each([
  ['the file', 0o444, 0o755],
  ['the file and its folder', 0o444, 0o555],
])('says that the store cannot be written: %s', async (_what, fileMode, folderMode) => {
  const bench = await openWorkbench();
  const path = join(bench.folder, 'data', 'cdrsync.db');
  await storeAt(bench, path);
  expect((await bench.run('sync')).code).toBe(0);
  const asked = bench.sandbox.requests.length;
  const stored = countIn(path, 'calls');
  chmodSync(path, fileMode);
  chmodSync(dirname(path), folderMode);
  try {
    const result = await runThrough(bench, BOUND_BY_MODES, '--json', '--quiet', 'sync');
    expect(result.code).toBe(1);
    expect(reportsOf(result)).toHaveLength(PROVIDERS.length);
    for (const { state, error } of reportsOf(result)) {
      expect([state, error?.class, error?.code]).toEqual(['failed', 'store', 'store.readonly']);
      expect(error?.message).toMatch(/the store cannot be written$/);
      expect(error?.hint).toMatch(/rights on the file and its folder/);
    }
  } finally {
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o600);
  }
  expect(bench.sandbox.requests).toHaveLength(asked);
  expect(countIn(path, 'calls')).toBe(stored);
  const again = await bench.run('--json', 'sync');
  expect(again.code, again.stderr).toBe(0);
});

const RunCounts = z.object({ state: z.string().nullable(), inserted: z.int(), fetched: z.int() });

/** A small disk under the store, where this user may mount one; null where not. */
function mountSmallDisk(folder: string): ((size: string) => void) | null {
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=900k,mode=700', 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    return null;
  }
  // Runs before the folder itself is removed: the last registered is the first.
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  return (size) => execFileSync('mount', ['-o', `remount,size=${size}`, folder]);
}

onlySqlite('a disk of its own').each(['disk', 'limit'] as const)(
  'keeps what it stored when there is no more room: %s',
  async (kind) => {
    const bench = await openWorkbench({ sandbox: { providers: { okcc: { pageSize: 20 } } } });
    const folder = join(bench.folder, 'disk');
    const path = join(folder, 'cdrsync.db');
    const resize = kind === 'disk' ? mountSmallDisk(folder) : null;
    // With a reserve no run would fill the disk.
    await storeAt(bench, path, { diskReserve: '0B' });
    // Without the right to mount, a limit on the size of files stands in for the disk.
    const limited = ['sh', '-c', 'ulimit -f 1400; exec "$@"', 'sh'];
    const full =
      resize === null
        ? await runThrough(bench, limited, '--json', '--quiet', 'sync')
        : await bench.run('--json', '--quiet', 'sync');
    expect(full.code, full.stdout).toBe(1);
    const reports = reportsOf(full);
    const failed = reports.filter(({ state }) => state === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const { error } of failed) {
      expect([error?.class, error?.code]).toEqual([
        'store',
        resize === null ? 'store.io' : 'store.full',
      ]);
      expect(error?.message).toMatch(resize === null ? /the disk failed/ : /the disk is full/);
      expect(error?.hint).toMatch(/the last page that was stored/);
    }
    expect(countIn(path, 'calls')).toBeGreaterThan(0);
    for (const { account, inserted, fetched } of reports) {
      const stored = countIn(path, 'calls', `account_id = '${account}'`);
      const sql = 'select state, inserted, fetched from runs where account_id = ?';
      const [run] = query(path, RunCounts, sql, account);
      expect([account, run?.inserted ?? 0]).toEqual([account, stored]);
      // Where there was room for the end of the run's record.
      if (run?.state != null) expect([inserted, fetched]).toEqual([run.inserted, run.fetched]);
    }
    resize?.('64m');
    const again = await bench.run('--json', '--quiet', 'sync');
    expect(again.code, again.stdout).toBe(0);
    for (const provider of PROVIDERS) {
      expect(storedRows(path, `demo-${provider}`)).toEqual(listedRows(bench.sandbox, provider));
    }
  },
);

it('waits for another program that holds the store for some seconds, and serves the rest meanwhile', async () => {
  const bench = await openWorkbench();
  for (const provider of PROVIDERS) bench.sandbox.setFaults(provider, { latency: 100 });
  bench.sandbox.setFaults('itniotech', { script: ['500', '500'] });
  const running = bench.start(['--json', '--quiet', 'sync']);
  const asked = (): number => pagesAsked(bench.sandbox.requests, 'itniotech').length;
  await until('the first request', () => asked() > 0);
  const release = lockStore(bench.store);
  const first = asked();
  await sleep(3 * SECOND);
  // Attempts go on while a commit waits.
  expect(asked()).toBeGreaterThan(first);
  release();
  const result = await running.finished;
  expect(result.code, result.stdout).toBe(0);
  expectTruth(bench);
});

it('gives up on a store that stays locked, and goes on when it is free', async () => {
  const bench = await openWorkbench();
  expect((await bench.run('sync', '--account', 'demo-vos')).code).toBe(0);
  const release = lockStore(bench.store);
  const started = Date.now();
  const result = await bench.run('--json', '--quiet', 'sync', '--account', 'demo-okcc');
  const took = Date.now() - started;
  expect(result.code, result.stderr).toBe(1);
  expect(took).toBeGreaterThan(9 * SECOND);
  expect(reportOf(result).account).toBe('demo-okcc');
  for (const { account, state, error } of reportsOf(result)) {
    expect([account, state, error?.class, error?.code]).toEqual([
      account,
      'failed',
      'store',
      'store.busy',
    ]);
    expect(error?.message).toMatch(/another process holds the store|other transactions hold/);
    expect(error?.hint).toMatch(/keeps a transaction open/);
  }
  release();
  const again = await bench.run('--json', '--quiet', 'sync');
  expect(again.code, again.stdout).toBe(0);
  expectTruth(bench);
});

it('listens to signals while it waits for the store', async () => {
  const bench = await openWorkbench();
  expect((await bench.run('sync')).code).toBe(0);
  lockStore(bench.store);
  const running = bench.start(['--json', '--log-level', 'debug', 'sync']);
  await sleep(1500);
  expect(running.alive()).toBe(true);
  running.kill('SIGTERM');
  await sleep(200);
  const second = Date.now();
  running.kill('SIGTERM');
  const { code } = await running.finished;
  expect(code).toBe(143);
  expect(Date.now() - second).toBeLessThan(SECOND);
});

onlySqlite('a journal beside the file')(
  'recovers what a killed process had in its journal',
  async () => {
    const bench = await openWorkbench();
    const environment = {
      CDRSYNC_TEST_KILL: 'after 30 commit',
      NODE_OPTIONS: `--import ${KILLER}`,
    };
    const killed = await bench.start(['sync'], environment).finished;
    expect(killed.signal).toBe('SIGKILL');
    // Nothing was moved into the store itself yet: without the journal it holds no call.
    expect(statSync(`${bench.store}-wal`).size).toBeGreaterThan(0);
    const copy = join(bench.folder, 'without-journal.db');
    writeFileSync(copy, readFileSync(bench.store));
    expect(() => countIn(copy, 'calls')).toThrow();
    const First = z.object({
      account_id: z.string(),
      call_id: z.string(),
      first_seen_at: z.string(),
    });
    const sql = 'select account_id, call_id, first_seen_at from calls';
    const stored = query(bench.store, First, sql);
    expect(stored.length).toBeGreaterThan(0);
    const result = await bench.run('--json', 'sync');
    expect(result.code, result.stderr).toBe(0);
    expectTruth(bench);
    // They are those of the first run, and not read anew.
    expect(query(bench.store, First, sql)).toEqual(expect.arrayContaining(stored));
    expect(countIn(bench.store, 'call_versions')).toBe(0);
  },
);
