import { readdir } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { addDays, isoSeconds } from '../src/time.ts';
import { storeExists } from './support/test-store.ts';
import {
  countIn,
  instantOf,
  listedRows,
  openWorkbench,
  pagesAsked,
  reportOf,
  shanghai,
  storedRows,
  until,
  watermarkOf,
} from './support/workbench.ts';

vi.setConfig({ testTimeout: 60_000 });

const today = (): string => shanghai.dayOf(Date.now());
const ago = (days: number): string => addDays(today(), -days);

it.each(PROVIDERS)('walks the days asked for and no others: %s', async (provider) => {
  const bench = await openWorkbench({
    providers: [provider],
    sandbox: { days: 5, callsPerDay: 40, providers: { [provider]: { endInclusive: false } } },
    settings: { startAt: ago(4) },
  });
  const account = `demo-${provider}`;
  const range = ['--account', account, '--from', ago(4), '--to', ago(2)];
  const first = await bench.run('--json', 'backfill', ...range);
  expect(first.code, first.stderr).toBe(0);
  const wanted = bench.sandbox
    .rows(provider)
    .filter((row) => [ago(4), ago(3)].includes(shanghai.dayOf(instantOf(provider, row))))
    .map((row) => JSON.stringify(row));
  expect(storedRows(bench.store, account)).toEqual(wanted.sort());
  const report = reportOf(first);
  expect(report).toMatchObject({ state: 'ok', windows: 2, inserted: wanted.length });
  expect(report.days.map(({ day, state }) => [day, state])).toEqual([
    [ago(4), 'complete'],
    [ago(3), 'complete'],
  ]);
  // A backfill is about the past: where polls have come to is another matter.
  expect(watermarkOf(bench, account)).toBe(shanghai.startOfDay(ago(4)));

  // Finished, the same command walks all of it again, and finds nothing.
  const asked = pagesAsked(bench.sandbox.requests).length;
  const again = await bench.run('--json', 'backfill', ...range);
  expect(again.code, again.stderr).toBe(0);
  expect(reportOf(again)).toMatchObject({ windows: 2, inserted: 0, changed: 0 });
  expect(pagesAsked(bench.sandbox.requests).length).toBe(2 * asked);
});

it('leaves the watermark of polls alone, and takes a range of hours', async () => {
  const bench = await openWorkbench({ providers: ['udesk'], sandbox: { days: 4 } });
  await bench.configure({ startAt: ago(1) });
  expect((await bench.run('sync')).code).toBe(0);
  const watermark = watermarkOf(bench, 'demo-udesk');
  const before = countIn(bench.store, 'calls');
  const range = ['--from', `${ago(3)}T09:00:00+08:00`, '--to', `${ago(3)}T12:00:00+08:00`];
  const result = await bench.run('--json', 'backfill', '--account', 'demo-udesk', ...range);
  expect(result.code, result.stderr).toBe(0);
  expect(watermarkOf(bench, 'demo-udesk')).toBe(watermark);
  const [from, to] = ['09:00:00', '12:00:00'].map(
    (time) => shanghai.parse(`${ago(3)} ${time}`)?.at,
  );
  const within = bench.sandbox.rows('udesk').filter((row) => {
    const at = instantOf('udesk', row);
    return from !== undefined && to !== undefined && at >= from && at <= to;
  });
  expect(countIn(bench.store, 'calls') - before).toBe(within.length);
  expect(reportOf(result).days.map(({ day, state }) => [day, state])).toEqual([[ago(3), 'open']]);
});

it('goes on where a killed one stood', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 6, callsPerDay: 60, providers: { okcc: { pageSize: 10 } } },
  });
  bench.sandbox.setFaults('okcc', { latency: 25 });
  const args = ['--json', 'backfill', '--account', 'demo-okcc', '--from', ago(6), '--to', today()];
  const asked = () => pagesAsked(bench.sandbox.requests).length;
  let kills = 0;
  for (const pages of [4, 7, 5]) {
    const before = asked();
    const running = bench.start(args);
    await until(`${pages} pages`, () => asked() >= before + pages || !running.alive());
    running.kill('SIGKILL');
    if ((await running.finished).signal === 'SIGKILL') kills += 1;
  }
  expect(kills).toBe(3);
  const last = await bench.run(...args);
  expect(last.code, last.stderr).toBe(0);
  const interrupted = asked();
  // Not from its beginning again: the days that were done are not asked for.
  expect(reportOf(last).windows).toBeLessThan(6);
  const wanted = bench.sandbox
    .rows('okcc')
    .filter((row) => shanghai.dayOf(instantOf('okcc', row)) !== today());
  expect(countIn(bench.store, 'calls', `listed_on <> '${today()}'`)).toBe(wanted.length);

  const whole = await bench.run(...args);
  expect(whole.code, whole.stderr).toBe(0);
  expect(reportOf(whole).windows).toBe(6);
  const pages = asked() - interrupted;
  // The page that was being stored, and the one that was read ahead of it.
  expect(interrupted).toBeLessThanOrEqual(pages + 2 * kills);
});

it('walks several windows at once where that is wanted, and no more', async () => {
  const bench = await openWorkbench({ providers: ['vos'], sandbox: { days: 9, callsPerDay: 30 } });
  bench.sandbox.setFaults('vos', { latency: 300 });
  const walk = async (concurrency: number): Promise<number> => {
    const range = ['--from', ago(9), '--to', today(), '--concurrency', String(concurrency)];
    const running = bench.start(['--json', 'backfill', '--account', 'demo-vos', ...range]);
    let most = 0;
    await until('the end', () => {
      const open = bench.sandbox.requests.filter(({ status }) => status === null).length;
      most = Math.max(most, open);
      return !running.alive();
    });
    const result = await running.finished;
    expect(result.code, result.stderr).toBe(0);
    expect(reportOf(result)).toMatchObject({ state: 'ok', windows: 9, requests: 9 });
    return most;
  };
  expect(await walk(3)).toBe(3);
  const listed = bench.sandbox
    .rows('vos')
    .filter((row) => shanghai.dayOf(instantOf('vos', row)) !== today());
  expect(countIn(bench.store, 'calls')).toBe(listed.length);
  expect(await walk(1)).toBe(1);
  expect(listedRows(bench.sandbox, 'vos')).toEqual(
    expect.arrayContaining(storedRows(bench.store, 'demo-vos')),
  );
});

it('stops all its walkers when told so, and goes on with all of them', async () => {
  const bench = await openWorkbench({ providers: ['vos'], sandbox: { days: 9, callsPerDay: 30 } });
  bench.sandbox.setFaults('vos', { latency: 300 });
  const range = ['--from', ago(9), '--to', today(), '--concurrency', '3'];
  const args = ['--json', 'backfill', '--account', 'demo-vos', ...range];
  const running = bench.start(args);
  await until('some windows', () => bench.sandbox.requests.length >= 5);
  running.kill('SIGTERM');
  expect((await running.finished).code).toBe(143);
  bench.sandbox.setFaults('vos', null);
  const last = await bench.run(...args);
  expect(last.code, last.stderr).toBe(0);
  expect(bench.sandbox.requests.length).toBeLessThanOrEqual(9 + 3);
});

const Plan = z.object({
  account: z.string(),
  provider: z.string(),
  windows: z.array(z.object({ from: z.string(), to: z.string() })),
  requests: z.int(),
  out_of_reach: z.object({ from: z.string(), to: z.string() }).nullable(),
  not_settled: z.object({ from: z.string(), to: z.string() }).nullable(),
});

it('plans with --dry-run, and neither asks nor writes', async () => {
  const bench = await openWorkbench();
  const files = await readdir(bench.folder);
  const plan = async (account: string, from: string, to: string) => {
    const range = ['--account', account, '--from', from, '--to', to];
    const result = await bench.run('--json', 'backfill', '--dry-run', ...range);
    expect(result.code, result.stderr).toBe(0);
    return Plan.parse(result.json);
  };
  const near = await plan('demo-udesk', ago(10), ago(7));
  expect(near).toMatchObject({ account: 'demo-udesk', provider: 'udesk', requests: 3 });
  expect([near.out_of_reach, near.not_settled]).toEqual([null, null]);
  expect(near.windows).toEqual(
    [10, 9, 8].map((days) => ({
      from: isoSeconds(shanghai.startOfDay(ago(days))),
      to: isoSeconds(shanghai.startOfDay(ago(days - 1))),
    })),
  );

  const far = await plan('demo-itniotech', ago(100), ago(50));
  expect(far.out_of_reach?.from).toBe(isoSeconds(shanghai.startOfDay(ago(100))));
  expect(far.windows[0]?.from).toBe(far.out_of_reach?.to);
  expect(far.windows.at(-1)?.to).toBe(isoSeconds(shanghai.startOfDay(ago(50))));
  const gone = await plan('demo-itniotech', ago(100), ago(90));
  expect(gone.windows).toEqual([]);
  expect(gone.out_of_reach?.to).toBe(isoSeconds(shanghai.startOfDay(ago(90))));
  const ahead = await plan('demo-okcc', ago(1), ago(-3));
  expect(ahead.not_settled?.to).toBe(isoSeconds(shanghai.startOfDay(ago(-3))));

  const range = ['--account', 'demo-itniotech', '--from', ago(100), '--to', ago(50)];
  const text = await bench.run('backfill', '--dry-run', ...range);
  expect(text.stdout).toContain("Out of the provider's reach");
  expect(storeExists(bench.store)).toBe(false);
  expect(await readdir(bench.folder)).toEqual(files);
  expect(bench.sandbox.requests).toEqual([]);
});

it('says which days of a backfill are out of reach', async () => {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  const range = ['--account', 'demo-itniotech', '--from', ago(80), '--to', ago(75)];
  const result = await bench.run('--json', 'backfill', ...range);
  expect(result.code, result.stderr).toBe(1);
  expect(reportOf(result).days.map(({ day, state }) => [day, state])).toEqual(
    [80, 79, 78, 77, 76].map((days) => [ago(days), 'unreachable']),
  );
  // The provider's clock is asked for, and none of those days.
  expect(bench.sandbox.requests.map(({ parameters }) => parameters['params'])).toEqual([
    expect.objectContaining({ strTime: expect.stringContaining(ago(1)) }),
  ]);
});

it('refuses what is no range', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  const ranges = [
    [ago(2), ago(3)],
    [ago(2), ago(2)],
    ['2026-02-30', ago(2)],
    [ago(3), 'yesterday'],
    [`${ago(3)}T08:00:00`, ago(2)],
  ] as const;
  const results = await Promise.all(
    ranges.map(([from, to]) =>
      bench.run('backfill', '--account', 'demo-okcc', '--from', from, '--to', to),
    ),
  );
  for (const [index, { code, stderr }] of results.entries()) {
    expect([ranges[index], code]).toEqual([ranges[index], 2]);
    expect(stderr).toMatch(/--from|--to/);
    expect(stderr).not.toContain('    at ');
  }
  expect(storeExists(bench.store)).toBe(false);
  expect(bench.sandbox.requests).toEqual([]);
});

it('refuses a backfill that lacks its account or its range, or walks too many windows at once', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  const whole = ['--account', 'demo-okcc', '--from', ago(3), '--to', ago(2)];
  const commands = [
    whole.slice(2),
    whole.slice(0, 4),
    [...whole, '--concurrency', '0'],
    [...whole, '--concurrency', 'many'],
    ['--account', 'nobody', ...whole.slice(2)],
  ];
  const results = await Promise.all(commands.map((args) => bench.run('backfill', ...args)));
  for (const [index, { code, stderr }] of results.entries()) {
    expect([commands[index], code]).toEqual([commands[index], 2]);
    expect(stderr).not.toContain('    at ');
  }
  expect(storeExists(bench.store)).toBe(false);
});
