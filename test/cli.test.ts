import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, it, vi } from 'vitest';
import { z } from 'zod';
import { type Json, type JsonObject, parseJson } from '../src/json.ts';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { storeName } from '../src/store-url.ts';
import { committedSchema, expectStatus, tooWide } from './support/status.ts';
import { onlySqlite, STORE_KIND, storeExists } from './support/test-store.ts';
import {
  accountsOf,
  countIn,
  type Finished,
  freshRow,
  openWorkbench,
  reportOf,
  reportsOf,
  shanghai,
  startCli,
  type Workbench,
} from './support/workbench.ts';

// What a person or a script meets at the command line.

vi.setConfig({ testTimeout: 60_000 });

/** A refusal is a sentence for a person, never a trace of the program. */
function expectRefusal({ code, stdout, stderr }: Finished, ...words: readonly string[]): void {
  for (const word of words) expect(stderr).toContain(word);
  expect(stdout + stderr).not.toContain('    at ');
  expect(code, stderr).toBe(2);
}

it('tells its version, and what it can do, with examples', async () => {
  const bench = await openWorkbench();
  const manifest = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')));
  const version = await bench.run('--version');
  expect([version.code, version.stdout]).toEqual([0, `${manifest.version}\n`]);
  const help = await bench.run('--help');
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Exit codes');
  const [, list = ''] = help.stdout.split('Commands:\n');
  const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].flatMap(([, name = '']) => name);
  expect(commands).toEqual(
    expect.arrayContaining(['sync', 'backfill', 'status', 'export', 'sandbox', 'demo']),
  );
  const own = commands.filter((name) => name !== 'help');
  const helps = await Promise.all(own.map((name) => bench.run(name, '--help')));
  for (const [index, { code, stdout }] of helps.entries()) {
    expect([own[index], code]).toEqual([own[index], 0]);
    expect(stdout).toMatch(new RegExp(`Examples:\\n +\\$ cdrsync .*${own[index]}`));
    expect(stdout).toContain('--config');
  }
});

it('may be started as a program, also after a build', async () => {
  expect((await stat(inject('cli'))).mode & 0o111).toBe(0o111);
});

it('fails, and says so, where nothing is left that could end its work', async () => {
  // The last that it waits for: that stdout has taken everything.
  const deaf = encodeURIComponent('process.stdout.write = () => true;');
  const environment = { NODE_OPTIONS: `--import data:text/javascript,${deaf}` };
  const bench = await openWorkbench({});
  const { code, stderr } = await startCli(['--version'], bench.folder, environment).finished;
  expect(stderr).toMatch(/^cdrsync: it ended with work left to do \[internal\]$/m);
  expect(code).toBe(1);
});

it('leaves one document where its work stands still, as where it fails', async () => {
  // The pause between two requests never ends, and no timer keeps the process alive.
  const asleep = `import timers from 'node:timers/promises';
    import { syncBuiltinESMExports } from 'node:module';
    timers.setTimeout = () => new Promise(() => undefined);
    syncBuiltinESMExports();`;
  const environment = {
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(asleep)}`,
  };
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 1 } });
  await bench.configure({ minInterval: '1s' });
  const args = ['--config', bench.config, '--json', 'sync'];
  const { code, stdout } = await startCli(args, bench.folder, environment).finished;
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'internal' } });
  expect(code).toBe(1);
});

it('refuses what it does not know, by its name', async () => {
  const bench = await openWorkbench();
  const refused: readonly (readonly [args: readonly string[], word: string])[] = [
    [['nonsense'], 'nonsense'],
    [['sync', '--nonsense'], '--nonsense'],
    [['--log-level', 'loud', 'sync'], 'loud'],
    [['sync', '--max-time', 'soon'], 'soon'],
    [['sandbox', '--port', '70000'], '70000'],
    [['sync', '--account', 'demo-vos', '--account', 'nobody'], 'nobody'],
    [['export', '--account', 'nobody'], 'nobody'],
  ];
  const results = await Promise.all(refused.map(([args]) => bench.run(...args)));
  for (const [index, [args, word]] of refused.entries()) {
    const result = results[index];
    if (result === undefined) throw new Error('A run is missing.');
    expectRefusal(result, word);
    // Whoever misspells an account wants to know which there are.
    if (args.includes('--account')) expectRefusal(result, 'demo-okcc');
  }
  expect(storeExists(bench.store)).toBe(false);
  expect(bench.sandbox.requests).toEqual([]);
});

it('says where it looked for a configuration that is not there', async () => {
  const bench = await openWorkbench();
  const path = join(bench.folder, 'nowhere.json');
  const commands = ['sync', 'status', 'export'];
  const results = await Promise.all(commands.map((name) => bench.run('--config', path, name)));
  for (const result of results) expectRefusal(result, path, 'does not exist');
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);
});

it('says where a file stops being JSON, and does not repeat what stands there', async () => {
  const bench = await openWorkbench();
  await writeFile(bench.config, '{\n  "store": "sqlite:./x.db",\n  "hush": nonsense-of-mine\n}\n');
  const result = await bench.run('sync');
  expectRefusal(result, bench.config, 'is not JSON', 'line 3');
  expect(result.stderr).not.toContain('nonsense-of-mine');
});

it('names every problem of a configuration by its place, one a line', async () => {
  const bench = await openWorkbench();
  const [infin8linx = {}, itniotech = {}, okcc = {}, udesk = {}, vos = {}] = accountsOf(
    bench.sandbox,
    PROVIDERS,
  );
  await bench.writeConfig({
    store: 'mysql:x',
    stoer: 'sqlite:./y.db',
    queue: 'rabbit',
    http: { listen: 'nowhere', port: 1 },
    accounts: [
      { ...infin8linx, every: 'often', lookback: '2 hours', window: '36h', minIntervall: '1s' },
      { ...itniotech, timeZone: 'Asia/Beijing', startAt: '2026-02-30', currency: 'dollars' },
      { ...okcc, baseUrl: 'ftp://example.com', proxy: 'nowhere', ca: './no-such.pem' },
      { ...udesk, credentials: { email: 'a@example.com' }, options: { secret: '1' } },
      { ...vos, options: {}, credentials: { token: `\${CDRSYNC_TEST_UNSET}` } },
      { ...vos, id: 'demo-okcc', provider: 'vso' },
      { ...itniotech, id: 'another' },
      { ...okcc, id: 'no spaces, please', baseUrl: 'https://user:pass@example.com/a?b=c' },
    ],
  });
  const result = await bench.run('sync');
  const places = [
    'store',
    'stoer',
    'queue',
    'http.listen',
    'http.port',
    'accounts[0].every',
    'accounts[0].lookback',
    'accounts[0].window',
    'accounts[0].minIntervall',
    'accounts[1].timeZone',
    'accounts[1].startAt',
    'accounts[1].currency',
    'accounts[2].baseUrl',
    'accounts[2].proxy',
    'accounts[2].ca',
    'accounts[3].credentials.secretKey',
    'accounts[3].options.secret',
    'accounts[4].options.userId',
    'accounts[4].credentials.token',
    'accounts[5].provider',
    'accounts[5].id',
    'accounts[6]',
    'accounts[7].id',
    'accounts[7].baseUrl',
  ];
  expectRefusal(result, 'CDRSYNC_TEST_UNSET', 'vso');
  const lines = result.stderr.split('\n');
  for (const place of places) {
    const about = lines.filter((line) => line.trimStart().startsWith(`${place}: `));
    expect([place, about.length]).toEqual([place, 1]);
  }
  expect(result.stderr).not.toContain('user:pass');
  expect(storeExists(bench.store)).toBe(false);
  expect(bench.sandbox.requests).toEqual([]);

  const json = await bench.run('--json', 'sync');
  const document = z.object({
    accounts: z.array(z.unknown()).length(0),
    error: z.object({
      code: z.literal('config.invalid'),
      class: z.literal('config'),
      message: z.string(),
      hint: z.string().min(1),
    }),
  });
  expect(document.parse(json.json).error.message).toContain('accounts[7].baseUrl');
  expect(json.code).toBe(2);
});

it('takes secrets from variables and files, and tells when they are not there', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 10 } });
  const [okcc = {}] = accountsOf(bench.sandbox, ['okcc']);
  const [udesk = {}] = accountsOf(bench.sandbox, ['udesk']);
  await writeFile(join(bench.folder, 'okcc.secret'), 'sandbox-secret-okcc\n');
  const configOf = (file: string, variable: string): JsonObject => ({
    store: bench.storeUrl,
    accounts: [
      { ...okcc, credentials: { customer: 'C2', password: `\${file:${file}}` } },
      {
        ...udesk,
        credentials: { email: 'sandbox@example.com', secretKey: `sandbox-\${${variable}}-udesk` },
      },
    ],
  });
  await bench.writeConfig(configOf('okcc.secret', 'CDRSYNC_TEST_SECRET'));
  const environment = { CDRSYNC_TEST_SECRET: 'secret' };
  const result = await bench.start(['--json', 'sync'], environment).finished;
  expect(result.code, result.stderr).toBe(0);

  expectRefusal(await bench.run('sync'), 'accounts[1].credentials.secretKey', 'not set');
  const empty = await bench.start(['sync'], { CDRSYNC_TEST_SECRET: '' }).finished;
  expectRefusal(empty, 'accounts[1].credentials.secretKey', 'empty');
  await bench.writeConfig(configOf('elsewhere.secret', 'CDRSYNC_TEST_SECRET'));
  const nowhere = await bench.start(['sync'], environment).finished;
  expectRefusal(nowhere, 'accounts[0].credentials.password', 'elsewhere.secret');
});

it('says what the provider said of wrong credentials, and does not insist', async () => {
  const wrong: readonly (readonly [ProviderName, JsonObject, string])[] = [
    ['infin8linx', { appId: 'sandbox-app', accessKey: 'wrong-key-of-ours' }, '授权失败'],
    ['infin8linx', { token: 'wrong-token-of-ours' }, 'token无效或已过期'],
    ['itniotech', { apiKey: 'sandbox-key', apiSecret: 'wrong-key-of-ours' }, '账号认证异常'],
    ['okcc', { customer: 'C2', password: 'wrong-key-of-ours' }, '认证失败'],
    ['udesk', { email: 'sandbox@example.com', secretKey: 'wrong-key-of-ours' }, '身份认证失败'],
    ['vos', { token: 'wrong-token-of-ours' }, 'Unauthenticated.'],
  ];
  const bench = await openWorkbench();
  const accounts = wrong.flatMap(([provider, credentials], index) =>
    accountsOf(bench.sandbox, [provider], { id: `wrong-${index}`, credentials }),
  );
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const result = await bench.run('--json', 'sync');
  expect(result.code).toBe(1);
  const reports = reportsOf(result);
  for (const [index, [provider, , words]] of wrong.entries()) {
    const report = reports.find(({ account }) => account === `wrong-${index}`);
    expect([provider, report?.state, report?.error?.class]).toEqual([provider, 'failed', 'auth']);
    expect(report?.error?.message).toContain(words);
    expect(report?.error?.message).toContain(`wrong-${index}`);
    expect(report?.error?.hint).not.toBe('');
    expect(report?.requests).toBeLessThanOrEqual(2);
  }
  expect(countIn(bench.store, 'calls')).toBe(0);
  const text = await bench.run('sync', '--account', 'wrong-3');
  expect(text.code).toBe(1);
  expect(text.stdout).toContain('认证失败');
  expect(text.stdout).toContain('→');
  const status = await bench.run('status', '--check');
  expect(status.code).toBe(1);
  expect(status.stdout).toContain('认证失败');
});

it('fails one account and syncs the others', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  bench.sandbox.setFaults('okcc', { rate: 1, kinds: ['redirect'] });
  const result = await bench.run('--json', 'sync');
  expect(result.code).toBe(1);
  for (const { provider, state } of reportsOf(result)) {
    expect([provider, state]).toEqual([provider, provider === 'okcc' ? 'failed' : 'ok']);
  }
  const one = await bench.run('--json', 'sync', '--account', 'demo-vos', '--account', 'demo-udesk');
  expect(one.code).toBe(0);
  expect(reportsOf(one).map(({ provider }) => provider)).toEqual(['udesk', 'vos']);
});

it('creates no store where one is required', async () => {
  const bench = await openWorkbench();
  const commands = [
    ['sync'],
    ['backfill', '--account', 'demo-okcc', '--from', '2026-10-01', '--to', '2026-10-02'],
    ['status'],
    ['export'],
  ];
  const results = await Promise.all(commands.map((args) => bench.run('--require-store', ...args)));
  for (const result of results) expectRefusal(result, storeName(bench.storeUrl));
  const variable = await bench.start(['sync'], { CDRSYNC_REQUIRE_STORE: '1' }).finished;
  expectRefusal(variable, storeName(bench.storeUrl));
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);
  expect(bench.sandbox.requests).toEqual([]);
  await bench.configure({}, ['okcc']);
  const created = await bench.run('sync');
  expect(created.code, created.stderr).toBe(0);
  expect(created.stderr).toContain('a new store was created');
  if (STORE_KIND === 'sqlite') expect((await stat(bench.store)).mode & 0o777).toBe(0o600);
  const required = await bench.start(['sync'], { CDRSYNC_REQUIRE_STORE: '1' }).finished;
  expect(required.code).toBe(0);
  expect(required.stderr).not.toContain('a new store was created');
});

const Status = z.object({
  accounts: z.array(
    z.looseObject({
      account: z.string(),
      watermark: z.string().nullable(),
      lag_seconds: z.number().nullable(),
      pending_windows: z.int(),
      days: z.record(z.string(), z.int()),
      holes: z.array(z.unknown()),
      quarantine: z.int(),
      alarms: z.array(z.object({ code: z.string(), message: z.string(), hint: z.string() })),
    }),
  ),
});

it('tells how each account stands, before the first run and after it', async () => {
  const bench = await openWorkbench();
  const none = await bench.run('--json', 'status');
  expect(none.code, none.stderr).toBe(0);
  for (const { watermark, alarms } of Status.parse(none.json).accounts) {
    expect([watermark, alarms.map(({ code }) => code)]).toEqual([null, ['never_run']]);
  }
  expect((await bench.run('status', '--check')).code).toBe(1);
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);

  expect((await bench.run('sync')).code).toBe(0);
  const well = await bench.run('--json', 'status', '--check');
  expect(well.code, well.stdout).toBe(0);
  for (const status of Status.parse(well.json).accounts) {
    expect(status.alarms).toEqual([]);
    expect([status.pending_windows, status.holes, status.quarantine]).toEqual([0, [], 0]);
    expect(status.lag_seconds).toBeGreaterThanOrEqual(60);
    expect(status.lag_seconds).toBeLessThan(120);
    expect(status.days['complete']).toBeGreaterThanOrEqual(1);
  }
  expect((await bench.run('status', '--schema')).json).toEqual(committedSchema);
  expect(expectStatus(none.json).store.bytes).toBeNull();
  expect(expectStatus(well.json).store.bytes).toBeGreaterThan(0);
  const text = await bench.run('status');
  for (const provider of PROVIDERS) expect(text.stdout).toContain(`demo-${provider}`);

  const row = freshRow(bench.sandbox, 'okcc', Date.now() - 30 * 60_000);
  bench.sandbox.insert('okcc', { ...row, timeLength: 'long' });
  expect((await bench.run('sync')).code).toBe(1);
  const alarmed = await bench.run('--json', 'status', '--check');
  expect(alarmed.code).toBe(1);
  const codes = Status.parse(alarmed.json).accounts.flatMap(({ alarms }) =>
    alarms.map(({ code }) => code),
  );
  expect(codes).toContain('quarantine');
  expect((await bench.run('status')).code).toBe(0);
});

it('is quiet where that is wanted, and logs lines that can be read by machine', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  const quiet = await bench.run('--quiet', '--json', 'sync');
  expect([quiet.code, quiet.stderr]).toEqual([0, '']);
  const loud = await bench.run('--log-level', 'debug', '--json', 'sync');
  expect(reportOf(loud).state).toBe('ok');
  const lines = loud.stderr.trimEnd().split('\n');
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
  expect(loud.stderr).toContain('getCdrList');
});

// export

const Exported = z.looseObject({
  account_id: z.string(),
  call_id: z.string(),
  started_at: z.iso.datetime(),
});

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  return lines;
}

async function filledBench(callsPerDay = 60): Promise<Workbench> {
  const bench = await openWorkbench({ sandbox: { days: 3, callsPerDay } });
  const { code, stderr } = await bench.run('sync');
  expect(code, stderr).toBe(0);
  return bench;
}

it('exports each record once, in order, whole numbers and all', async () => {
  const bench = await filledBench();
  const result = await bench.run('export');
  expect([result.code, result.stderr]).toEqual([0, '']);
  const records = linesOf(result.stdout).map((line) => Exported.parse(parseJson(line)));
  expect(records).toHaveLength(
    PROVIDERS.reduce((sum, name) => sum + bench.sandbox.rows(name).length, 0),
  );
  const keys = records.map((one) => [one.started_at, one.account_id, one.call_id].join(' '));
  expect(keys).toEqual([...new Set(keys)].sort());

  const some = await bench.run('export', '--account', 'demo-vos', '--account', 'demo-okcc');
  const accounts = linesOf(some.stdout).map((line) => Exported.parse(parseJson(line)).account_id);
  expect(new Set(accounts)).toEqual(new Set(['demo-vos', 'demo-okcc']));
  expect(accounts).toHaveLength(
    bench.sandbox.rows('vos').length + bench.sandbox.rows('okcc').length,
  );

  // From a call's second on, up to and without another's.
  const times = [...new Set(records.map(({ started_at }) => started_at))];
  const from = times[10] ?? '';
  const to = times[40] ?? '';
  const part = await bench.run('export', '--from', from, '--to', to);
  const wanted = linesOf(result.stdout).filter((line) => {
    const { started_at } = Exported.parse(parseJson(line));
    return started_at >= from && started_at < to;
  });
  expect(linesOf(part.stdout)).toEqual(wanted);
  // A day is the account's, not the machine's.
  const day = shanghai.dayOf(Date.parse(from));
  const whole = await bench.run('export', '--from', day, '--account', 'demo-vos');
  const first = Exported.parse(parseJson(linesOf(whole.stdout)[0] ?? ''));
  expect(Date.parse(first.started_at)).toBeGreaterThanOrEqual(shanghai.startOfDay(day));
  expectRefusal(await bench.run('export', '--from', 'yesterday'), '--from yesterday');
});

it('is whole in a pipe, and silent when the reader has had enough', async () => {
  const bench = await filledBench(150);
  const piped = await bench.run('export');
  // Many times what a pipe holds.
  expect(piped.stdout.length).toBeGreaterThan(1_000_000);
  expect(linesOf(piped.stdout)).toHaveLength(countIn(bench.store, 'calls'));

  const running = startCli(['--config', bench.config, 'export'], bench.folder);
  await new Promise<void>((resolve) => {
    running.stdout.once('data', () => resolve());
  });
  // What `| head -1` does.
  if ('destroy' in running.stdout && typeof running.stdout.destroy === 'function') {
    running.stdout.destroy();
  }
  const { code, stderr } = await running.finished;
  expect([code, stderr]).toEqual([0, '']);
});

it('writes a file for its owner only, and never half of it', async () => {
  const bench = await filledBench(30);
  const path = join(bench.folder, 'calls.ndjson');
  await writeFile(path, 'yesterday\n');
  await chmod(path, 0o644);
  const old = await stat(path);
  const result = await bench.run('export', '--output', path);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toBe('');
  const { mode, ino } = await stat(path);
  expect(mode & 0o777).toBe(0o600);
  // Another file put into its place, so that a reader of the old one has all of that.
  expect(ino).not.toBe(old.ino);
  const text = await readFile(path, 'utf8');
  expect(text).toBe((await bench.run('export')).stdout);
  const beside = (await readdir(bench.folder)).filter((name) => name.startsWith('calls.'));
  expect(beside).toEqual(['calls.ndjson']);

  // A folder stands where the file is to be.
  const folder = await bench.run('export', '--output', bench.folder);
  expectRefusal(folder, bench.folder);
  expect(existsSync(`${bench.folder}.partial`)).toBe(false);
});

it('exports nothing from no store, and creates none', async () => {
  const bench = await openWorkbench();
  expectRefusal(await bench.run('export'), storeName(bench.storeUrl));
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);
});

onlySqlite('a file')(
  'refuses a store that is none of its own, and leaves it as it is',
  async () => {
    const bench = await openWorkbench();
    await writeFile(bench.store, 'this is no database, whatever its name says\n'.repeat(40));
    const before = await readFile(bench.store);
    for (const command of ['sync', 'status', 'export']) {
      const result = await bench.run('--json', command);
      expect([command, result.code]).toEqual([command, 1]);
      const { error } = z
        .object({ error: z.looseObject({ class: z.string() }) })
        .parse(result.json);
      expect(error.class).toBe('store');
      expect(result.stderr).not.toContain('    at ');
    }
    expect((await readFile(bench.store)).equals(before)).toBe(true);
  },
);

it('demonstrates itself, and leaves nothing behind', async () => {
  const bench = await openWorkbench();
  const running = bench.start(['demo'], { TMPDIR: bench.folder });
  const { code, stdout, stderr } = await running.finished;
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toContain('Complete: every call once, and nothing was written twice.');
  expect(tooWide(stdout)).toEqual([]);
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);
});

it('keeps numbers as the provider wrote them, from its list to the export', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 30, providers: { okcc: { fees: 'exact' } } },
  });
  const precise: Json = parseJson('{"huge": 12345678901234567890, "fee": 1.10}');
  const row = freshRow(bench.sandbox, 'okcc', Date.now() - 2 * 60 * 60_000);
  const odd = z.object({ huge: z.custom<Json>(), fee: z.custom<Json>() }).parse(precise);
  bench.sandbox.insert('okcc', { ...row, huge: odd.huge, fee: odd.fee });
  expect((await bench.run('sync')).code).toBe(0);
  const { stdout } = await bench.run('export');
  const line = linesOf(stdout).find((one) => one.includes('"huge"'));
  expect(line).toContain('"huge":12345678901234567890');
  expect(line).toContain('"fee":1.10');
  expect(line).toContain('"cost":"1.10"');
});

it('repeats nothing of the command line that would move the cursor', async () => {
  const bench = await openWorkbench({ providers: ['vos'] });
  const name = '\u001b[2J\u009b31mred\u202e';
  for (const args of [['sync', '--account', name], [`--${name}`], ['--log-level', name]]) {
    const { code, stderr } = await bench.run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('red');
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});
