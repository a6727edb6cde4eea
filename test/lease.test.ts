import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { MINUTE } from '../src/time.ts';
import { ago } from './support/tamper.ts';
import {
  countIn,
  expectTruth,
  freshRow,
  instantOf,
  openWorkbench,
  pagesAsked,
  query,
  reportOf,
  reportsOf,
  shanghai,
  until,
  type Workbench,
  watermarkOf,
} from './support/workbench.ts';

// One walker an account: processes that meet over a store, stop, wake up and die.

vi.setConfig({ testTimeout: 60_000 });

const SLOW = ['okcc', 'udesk', 'vos'] as const;

/** Providers of many small pages, each of which takes its time. */
async function slowBench(latency: number): Promise<Workbench> {
  const bench = await openWorkbench({
    providers: SLOW,
    sandbox: {
      days: 2,
      callsPerDay: 60,
      providers: {
        okcc: { pageSize: 6 },
        udesk: { callsPerDay: 900 },
        vos: { list: 'meta', pageSize: 6 },
      },
    },
  });
  for (const provider of SLOW) bench.sandbox.setFaults(provider, { latency });
  return bench;
}

const Run = z.object({
  account_id: z.string(),
  state: z.string().nullable(),
  requests: z.int(),
});

function runsIn(store: string): z.infer<typeof Run>[] {
  return query(store, Run, 'select account_id, state, requests from runs order by account_id');
}

it('lets three processes at once walk each account one at a time', async () => {
  const bench = await slowBench(200);
  const all = [1, 2, 3].map(() => bench.start(['--json', 'sync']));
  // Whoever walks waits for one answer before it asks again: two requests at once are two walkers.
  const most = { okcc: 0, udesk: 0, vos: 0 };
  await until('the end', () => {
    for (const provider of SLOW) {
      const open = pagesAsked(bench.sandbox.requests, provider).filter(
        ({ status }) => status === null,
      );
      most[provider] = Math.max(most[provider], open.length);
    }
    return all.every((child) => !child.alive());
  });
  expect(most).toEqual({ okcc: 1, udesk: 1, vos: 1 });
  const results = await Promise.all(all.map(({ finished }) => finished));
  const walkers = new Map<string, number | undefined>();
  for (const [index, result] of results.entries()) {
    expect(result.code, result.stderr).toBe(0);
    for (const { account, state } of reportsOf(result)) {
      if (state === 'ok') walkers.set(account, all[index]?.pid);
    }
  }
  const reports = results.flatMap(reportsOf);
  for (const provider of SLOW) {
    const account = `demo-${provider}`;
    const own = reports.filter((report) => report.account === account);
    expect(own.map(({ state }) => state).toSorted()).toEqual(['ok', 'skipped', 'skipped']);
    for (const { state, held_by, requests, fetched, error } of own) {
      if (state === 'ok') continue;
      // Told by whom, asked for nothing, and nothing is wrong.
      expect(held_by).toContain(`process ${walkers.get(account)} on `);
      expect([requests, fetched, error]).toEqual([0, 0, null]);
    }
  }
  // The store tells the same: one run an account, with all requests that there were.
  expect(runsIn(bench.store)).toEqual(
    SLOW.map((provider) => ({
      account_id: `demo-${provider}`,
      state: 'ok',
      requests: bench.sandbox.requests.filter((request) => request.provider === provider).length,
    })),
  );
  expectTruth(bench, SLOW);
});

it('takes over from a process that does not answer, which finds that out when it wakes up', async () => {
  const bench = await slowBench(250);
  const only = ['--json', 'sync', '--account', 'demo-okcc'];
  const asked = () => pagesAsked(bench.sandbox.requests, 'okcc').length;
  const stopped = bench.start(only);
  await until('some pages', () => asked() >= 4);
  // Waiting for an answer: what stops while it writes keeps every other writer of the file out.
  await sleep(120);
  stopped.kill('SIGSTOP');
  const since = Date.now();
  await sleep(200);
  const before = asked();

  // Not yet: for all that anyone knows it is only slow.
  const early = await bench.run(...only);
  expect(early.code, early.stderr).toBe(0);
  expect(reportOf(early).state).toBe('skipped');
  expect(asked()).toBe(before);

  // Its last heartbeat may be as old as three seconds, and counts for ten.
  await sleep(Math.max(0, since + 10_200 - Date.now()));
  const heir = bench.start(only);
  await until('pages of the heir', () => asked() >= before + 3 || !heir.alive());
  expect(Date.now() - since).toBeLessThan(15_000);
  expect(heir.alive()).toBe(true);
  stopped.kill('SIGCONT');
  const [lost, taken] = await Promise.all([stopped.finished, heir.finished]);
  expect(lost.code, lost.stderr).toBe(1);
  const report = reportOf(lost);
  expect([report.state, report.error?.code, report.held_by]).toEqual([
    ...['failed', 'lease.lost', null],
  ]);
  expect(taken.code, taken.stderr).toBe(0);
  expect(reportOf(taken).state).toBe('ok');

  // Nothing twice, nothing torn: each call belongs to the one that committed it.
  expectTruth(bench, ['okcc']);
  const inserted = report.inserted + reportOf(taken).inserted;
  expect(inserted).toBe(countIn(bench.store, 'calls'));
  expect(report.inserted).toBeGreaterThan(0);
  for (const table of ['windows', 'window_pages', 'window_rows', 'holes', 'call_versions']) {
    expect([table, countIn(bench.store, table)]).toEqual([table, 0]);
  }
  expect(countIn(bench.store, 'leases', 'holder is not null')).toBe(0);
});

it('replaces a killed holder at once, whatever each of the two was about', async () => {
  const bench = await slowBench(60);
  const range = ['--from', ago(2), '--to', ago(1)];
  const asked = () => pagesAsked(bench.sandbox.requests, 'vos').length;
  const killed = bench.start(['backfill', '--account', 'demo-vos', ...range]);
  await until('some pages', () => asked() >= 3);
  killed.kill('SIGKILL');
  await killed.finished;
  expect(countIn(bench.store, 'leases', 'holder is not null')).toBe(1);
  bench.sandbox.setFaults('vos', null);
  const begun = Date.now();
  const next = await bench.run('--json', 'verify', '--account', 'demo-vos', ...range);
  expect(next.code, next.stderr).toBe(0);
  expect(reportOf(next)).toMatchObject({ state: 'ok', held_by: null });
  // Had it waited for the heartbeat to be missed, it would have skipped the account instead.
  expect(Date.now() - begun).toBeLessThan(8000);
});

it('lets polls that are due run between the windows of a backfill', async () => {
  const bench = await openWorkbench({
    providers: ['udesk'],
    sandbox: { days: 14, callsPerDay: 10 },
    settings: { startAt: ago(1), every: '1s' },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const watermark = watermarkOf(bench, 'demo-udesk');
  bench.sandbox.setFaults('udesk', { latency: 250 });
  const range = ['--from', ago(14), '--to', ago(2)];
  const running = bench.start(['--json', 'backfill', '--account', 'demo-udesk', ...range]);
  const old = `listed_on < '${ago(2)}'`;
  await until('a first window', () => countIn(bench.store, 'calls', old) > 0);
  const live = freshRow(bench.sandbox, 'udesk', Date.now() - 20 * MINUTE);
  bench.sandbox.insert('udesk', live);
  // In the middle of the backfill, not after it.
  await until('the live call', () => countIn(bench.store, 'calls', "call_id = 'fresh-1'") > 0);
  expect(running.alive()).toBe(true);
  expect(countIn(bench.store, 'windows', "lane like 'backfill%'")).toBeGreaterThan(0);
  const result = await running.finished;
  expect(result.code, result.stderr).toBe(0);
  expect(watermarkOf(bench, 'demo-udesk')).toBeGreaterThan(watermark);
  const wanted = bench.sandbox
    .rows('udesk')
    .filter((row) => shanghai.dayOf(instantOf('udesk', row)) < ago(2));
  expect(countIn(bench.store, 'calls', old)).toBe(wanted.length);
});

it('does not poll an account that was never polled, however long its backfill takes', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 6, callsPerDay: 10 },
    settings: { startAt: ago(1), every: '1s' },
  });
  bench.sandbox.setFaults('okcc', { latency: 500 });
  const range = ['--from', ago(6), '--to', ago(2)];
  const result = await bench.run('--json', 'backfill', '--account', 'demo-okcc', ...range);
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result).requests).toBe(4);
  expect(watermarkOf(bench, 'demo-okcc')).toBe(shanghai.startOfDay(ago(1)));
  expect(countIn(bench.store, 'calls', `listed_on >= '${ago(2)}'`)).toBe(0);
});
