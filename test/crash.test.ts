import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../src/sandbox/random.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { RECORD_COLUMNS } from '../src/store/record-columns.ts';
import { newStore, storeUrl } from './support/test-store.ts';
import {
  accountsOf,
  countIn,
  expectTruth,
  openWorkbench,
  pagesAsked,
  query,
  reportOf,
  reportsOf,
  startCli,
  until,
  type Workbench,
} from './support/workbench.ts';

// Processes that die, stop and meet: whatever happens, the store is that of a run that was left in peace.

vi.setConfig({ testTimeout: 90_000 });

const Row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/** What a store says of the calls, but for when it learnt it and in which order. */
function contentOf(store: string): unknown[] {
  const own = new Set<string>(['first_seen_at', 'changed_at', 'change_seq']);
  const columns = RECORD_COLUMNS.filter((column) => !own.has(column)).join(', ');
  const sql = `select ${columns}, identity_key, content_hash from calls order by account_id, call_id`;
  return query(store, Row, sql);
}

function daysOf(store: string): unknown[] {
  const sql = `select account_id, day, state, provider_total, listed from days order by 1, 2`;
  return query(store, Row, sql);
}

/** A bench whose providers take their time, with pages enough to be killed between. */
async function slowBench(latency = 25): Promise<Workbench> {
  const bench = await openWorkbench({
    sandbox: {
      days: 3,
      callsPerDay: 100,
      providers: {
        itniotech: { callsPerDay: 600 },
        okcc: { pageSize: 8 },
        udesk: { callsPerDay: 600 },
        vos: { list: 'meta', pageSize: 8 },
      },
    },
  });
  for (const provider of PROVIDERS) bench.sandbox.setFaults(provider, { latency });
  return bench;
}

/** Starts a sync and waits until it has asked for so many pages. */
async function startSync(bench: Workbench, pages: number, ...args: string[]) {
  const before = pagesAsked(bench.sandbox.requests).length;
  const running = bench.start(['--json', 'sync', ...args]);
  await until(
    `${pages} pages`,
    () => pagesAsked(bench.sandbox.requests).length >= before + pages || !running.alive(),
  );
  return running;
}

it('ends with the store of an undisturbed run, however often it was killed', async () => {
  const bench = await slowBench();
  const random = seededRandom(20_261_101);
  let killed = 0;
  for (let round = 0; round < 6; round += 1) {
    const running = await startSync(bench, random.int(1, 12));
    // Somewhere between asking, reading and committing.
    await new Promise((resolve) => setTimeout(resolve, random.int(0, 30)));
    running.kill('SIGKILL');
    const { signal } = await running.finished;
    if (signal === 'SIGKILL') killed += 1;
  }
  expect(killed).toBeGreaterThanOrEqual(4);
  for (const provider of PROVIDERS) bench.sandbox.setFaults(provider, null);
  const last = await bench.run('--json', 'sync');
  expect(last.code, last.stderr).toBe(0);
  expectTruth(bench);
  const interrupted = pagesAsked(bench.sandbox.requests).length;

  const other = newStore(bench.folder, 'undisturbed.db');
  await bench.writeConfig({
    store: storeUrl(other),
    accounts: accountsOf(bench.sandbox, PROVIDERS),
  });
  const undisturbed = await bench.run('--json', 'sync');
  expect(undisturbed.code, undisturbed.stderr).toBe(0);
  const pages = pagesAsked(bench.sandbox.requests).length - interrupted;

  expect(contentOf(bench.store)).toEqual(contentOf(other));
  expect(daysOf(bench.store)).toEqual(daysOf(other));
  for (const table of ['windows', 'window_pages', 'window_rows', 'holes', 'call_versions']) {
    expect([table, countIn(bench.store, table)]).toEqual([table, 0]);
  }
  // Of each account one page at most was on its way when the process died. A run that came to
  // settled now leaves the next one the lookback to read, which may hold a few pages.
  const accounts = PROVIDERS.length;
  expect(interrupted).toBeLessThanOrEqual(pages + killed * accounts + 12 * accounts);
  const runs = query(
    bench.store,
    z.object({ inserted: z.int() }),
    'select cast(sum(inserted) as bigint) as inserted from runs',
  );
  // What each run counted was committed with its pages, that of the killed ones too.
  expect(runs[0]?.inserted).toBe(countIn(bench.store, 'calls'));
});

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)(
  'stops at a page when told so by %s, and the next run goes on',
  async (signal, code) => {
    const bench = await slowBench(40);
    const running = await startSync(bench, 15);
    running.kill(signal);
    const asked = Date.now();
    const stopped = await running.finished;
    expect(Date.now() - asked).toBeLessThan(3000);
    expect(stopped.code, stopped.stderr).toBe(code);
    // Stopped is not failed: the report says how far it came.
    for (const { state, error } of reportsOf(stopped)) {
      expect(error).toBeNull();
      expect(state).toBe('incomplete');
    }
    const stored = countIn(bench.store, 'calls');
    expect(stored).toBe(reportsOf(stopped).reduce((sum, { inserted }) => sum + inserted, 0));
    expect(countIn(bench.store, 'leases', 'holder is not null')).toBe(0);

    for (const provider of PROVIDERS) bench.sandbox.setFaults(provider, null);
    const next = await bench.run('--json', 'sync');
    expect(next.code, next.stderr).toBe(0);
    expectTruth(bench);
    const inserted = reportsOf(next).reduce((sum, report) => sum + report.inserted, 0);
    expect(stored + inserted).toBe(countIn(bench.store, 'calls'));
  },
);

it('does not wait for a provider that does not answer when it is told to stop', async () => {
  const bench = await openWorkbench();
  for (const provider of PROVIDERS) {
    bench.sandbox.setFaults(provider, { rate: 1, kinds: ['timeout'] });
  }
  const running = bench.start(['--json', 'sync']);
  await until('a request', () => bench.sandbox.requests.length >= PROVIDERS.length);
  running.kill('SIGTERM');
  const asked = Date.now();
  const { code, stderr } = await running.finished;
  expect(code, stderr).toBe(143);
  expect(Date.now() - asked).toBeLessThan(3000);
});

it('stops by itself after --max-time, at a page, and says that more is to come', async () => {
  const bench = await slowBench(60);
  const limited = await bench.run('--json', 'sync', '--max-time', '1s');
  expect(limited.code, limited.stderr).toBe(1);
  const states = new Set(reportsOf(limited).map(({ state }) => state));
  expect(states).toContain('incomplete');
  expect(states).not.toContain('failed');
  for (const provider of PROVIDERS) bench.sandbox.setFaults(provider, null);
  expect((await bench.run('sync')).code).toBe(0);
  expectTruth(bench);
});

it('lets one process work on an account; another is told by whom it is held', async () => {
  const bench = await slowBench();
  const only = ['--account', 'demo-okcc'];
  const first = await startSync(bench, 3, ...only);
  const asked = () => bench.sandbox.requests.length;
  const second = await bench.run('--json', 'sync', ...only);
  expect(first.alive()).toBe(true);
  expect(second.code, second.stderr).toBe(0);
  const report = reportOf(second);
  expect([report.state, report.error, report.requests]).toEqual(['skipped', null, 0]);
  expect(report.held_by).toContain(`process ${first.pid} on `);
  // Another account is nobody's.
  const other = await bench.run('--json', 'sync', '--account', 'demo-infin8linx');
  expect(reportOf(other).state).toBe('ok');
  const done = await first.finished;
  expect(done.code, done.stderr).toBe(0);
  expectTruth(bench, ['okcc', 'infin8linx']);
  expect(asked()).toBeGreaterThan(0);
});

it('replaces a killed process at once', async () => {
  const bench = await slowBench();
  const only = ['--account', 'demo-vos'];
  const first = await startSync(bench, 4, ...only);
  first.kill('SIGKILL');
  await first.finished;
  const before = countIn(bench.store, 'calls');
  expect(before).toBeGreaterThan(0);
  bench.sandbox.setFaults('vos', null);
  const begun = Date.now();
  const second = await bench.run('--json', 'sync', ...only);
  expect(second.code, second.stderr).toBe(0);
  expect(reportOf(second).state).toBe('ok');
  // The lease of one that only stopped to answer is good for ten seconds.
  expect(Date.now() - begun).toBeLessThan(8000);
  expectTruth(bench, ['vos']);
});

it('lets several processes create and fill one store at the same moment', async () => {
  const bench = await openWorkbench();
  const args = ['--config', bench.config, '--json', 'sync'];
  const all = [1, 2, 3].map(() => startCli(args, bench.folder));
  const results = await Promise.all(all.map(({ finished }) => finished));
  for (const { code, stderr } of results) expect(code, stderr).toBe(0);
  expectTruth(bench);
  const reports = results.flatMap(reportsOf);
  for (const provider of PROVIDERS) {
    const own = reports.filter((report) => report.provider === provider);
    expect(own.every(({ state }) => state === 'ok' || state === 'skipped')).toBe(true);
    const inserted = own.reduce((sum, report) => sum + report.inserted, 0);
    expect(inserted).toBe(countIn(bench.store, 'calls', `provider = '${provider}'`));
  }
});
