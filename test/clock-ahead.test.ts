import { createServer } from 'node:http';
import { expect, it, vi } from 'vitest';
import { DAY, isoSeconds, MINUTE, SECOND } from '../src/time.ts';
import { gated, serve } from './support/gate.ts';
import { expectStatus } from './support/status.ts';
import { ago, at, dayStates, tamper } from './support/tamper.ts';
import {
  accountsOf,
  countIn,
  type Finished,
  freshRow,
  instantOf,
  openWorkbench,
  reportOf,
  shanghai,
  type Workbench,
  watermarkOf,
} from './support/workbench.ts';

// A clock of this machine that is ahead concludes nothing by itself, and what it left is taken back.

vi.setConfig({ testTimeout: 90_000 });

const CLOCK = new URL('./support/shift-clock.ts', import.meta.url).href;
const ID = 'demo-itniotech';

/** Runs the binary on a clock that is ahead; the provider's is right. */
function ahead(bench: Workbench, shift: number, ...args: readonly string[]): Promise<Finished> {
  const environment = { CDRSYNC_TEST_SHIFT: String(shift), NODE_OPTIONS: `--import ${CLOCK}` };
  return bench.start(args, environment).finished;
}

const openBench = (settings = {}): Promise<Workbench> =>
  openWorkbench({
    providers: ['itniotech'],
    sandbox: { days: 3, callsPerDay: 30 },
    settings: { startAt: ago(3), ...settings },
  });

/** A call of some minutes ago, which no poll has seen. */
function calls(bench: Workbench, number: number): void {
  const { sandbox } = bench;
  sandbox.insert('itniotech', freshRow(sandbox, 'itniotech', Date.now() - 6 * MINUTE, number));
}

const isStored = (bench: Workbench, number: number): boolean =>
  countIn(bench.store, 'calls', `call_id = 'fresh-${number}'`) === 1;

/** Nothing in the store is of the future. */
function expectNothingAhead(bench: Workbench): void {
  expect(watermarkOf(bench, ID)).toBeLessThanOrEqual(Date.now() - MINUTE);
  const days = dayStates(bench.store, ID);
  expect(Object.keys(days).filter((day) => day > ago(0))).toEqual([]);
  expect(Object.values(days)).not.toContain('unreachable');
}

it.each([70, 800])('concludes nothing by a clock that is %i days ahead', async (shift) => {
  const bench = await openBench();
  expect((await bench.run('sync')).code).toBe(0);
  const before = watermarkOf(bench, ID);
  const wrong = reportOf(await ahead(bench, shift * DAY, '--json', 'sync'));
  expect(wrong.error).toMatchObject({
    code: 'provider.clock',
    hint: expect.stringMatching(/^Check this machine's clock/),
  });
  expectNothingAhead(bench);
  expect(watermarkOf(bench, ID)).toBeGreaterThanOrEqual(before);

  calls(bench, 5);
  const right = await bench.run('--json', 'sync');
  expect(right.code, right.stdout).toBe(0);
  expect(isStored(bench, 5)).toBe(true);
  expectNothingAhead(bench);
});

it.each([
  ['verify', '--from', ago(0), '--to', ago(-1)],
  ['backfill', '--account', ID, '--from', ago(0), '--to', ago(-1)],
])('has a day that is not over open, whatever our clock says (%s)', async (...args) => {
  const bench = await openBench();
  expect((await bench.run('sync')).code).toBe(0);
  await ahead(bench, 3 * DAY, ...args);
  expect(dayStates(bench.store, ID)[ago(0)]).toBe('open');
  expectNothingAhead(bench);
});

/** A window that waits to be walked. */
function addWindow({ store }: Workbench, from: number, to: number): void {
  const columns = 'id, account_id, lane, from_at, to_at, walks, pages, total_moved';
  const values = "'w', ?, 'live', ?, ?, 0, 0, 'held'";
  tamper(store, `insert into windows (${columns}) values (${values})`, ID, from, to);
}

/** The store as a clock 70 days ahead left it, by a version that believed it. */
function leaveAhead(bench: Workbench, watermark: number): void {
  const { store } = bench;
  tamper(store, 'update accounts set watermark = ?', watermark);
  tamper(store, "update days set state = 'unreachable' where state = 'open'");
  tamper(store, 'update days set updated_at = ? where state = ?', later, 'unreachable');
  for (let day = 1; day <= 10; day += 1) {
    const values = [ID, ago(-day), shanghai.startOfDay(ago(-day)), later];
    const columns = 'account_id, day, state, proven_to, updated_at';
    const sql = `insert into days (${columns}) values (?, ?, 'unreachable', ?, ?)`;
    tamper(store, sql, ...values);
  }
  addWindow(bench, watermark, watermark + DAY);
}

const later = Date.now() + 70 * DAY;

it.each([10, -0.01])(
  'steps back where a clock that was ahead left the watermark %d days from now',
  async (days) => {
    const bench = await openBench();
    expect((await bench.run('sync')).code).toBe(0);
    leaveAhead(bench, Math.floor((Date.now() + days * DAY) / SECOND) * SECOND);
    // Behind the watermark by more than the lookback, and after it.
    const morning = freshRow(bench.sandbox, 'itniotech', at(0, '00:00:01'), 4);
    bench.sandbox.insert('itniotech', morning);
    calls(bench, 5);
    const alarmed = expectStatus((await bench.run('--json', 'status')).json);
    const alarms = alarmed.accounts.flatMap((account) => account.alarms);
    const codes = days > 0 ? ['days_unreachable', 'watermark_ahead'] : ['days_unreachable'];
    expect(alarms.map(({ code }) => code)).toEqual(codes);
    for (const { since } of alarms)
      expect(Date.parse(since ?? isoSeconds(0))).toBeLessThanOrEqual(Date.now() + SECOND);

    const sync = await bench.run('--json', 'sync');
    expect(sync.code, sync.stdout).toBe(0);
    expect([isStored(bench, 4), isStored(bench, 5)]).toEqual([true, true]);
    expectNothingAhead(bench);
    expect(watermarkOf(bench, ID)).toBeGreaterThan(Date.now() - 5 * MINUTE);
    const well = await bench.run('status', '--check');
    expect(well.code, well.stdout).toBe(0);

    // Once is enough: the next poll asks for the lookback and no more.
    const again = reportOf(await bench.run('--json', 'sync'));
    expect(again.days.map(({ day }) => day).every((day) => day >= ago(1))).toBe(true);
    expect(again.requests).toBeLessThanOrEqual(2);
  },
);

it('begins anew where the first run of all had a clock that was ahead', async () => {
  const bench = await openWorkbench();
  const providers = ['itniotech', 'vos'] as const;
  const accounts = accountsOf(bench.sandbox, providers).map(
    ({ startAt: _startAt, ...account }) => account,
  );
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  await ahead(bench, 70 * DAY, 'sync');
  expect(countIn(bench.store, 'calls')).toBe(0);
  const right = await bench.run('--json', 'sync');
  expect(right.code, right.stdout).toBe(0);
  for (const provider of providers) {
    const starts = bench.sandbox.rows(provider).map((row) => instantOf(provider, row));
    const listed = starts.filter((start) => start >= at(1, '00:00:00')).length;
    expect([provider, countIn(bench.store, 'calls', `provider = '${provider}'`)]).toEqual([
      ...[provider, listed],
    ]);
  }
  expectNothingAhead(bench);
});

it('does not step back by a clock of ours that is behind', async () => {
  const bench = await openBench();
  expect((await bench.run('sync')).code).toBe(0);
  const [states, watermark] = [dayStates(bench.store, ID), watermarkOf(bench, ID)];
  const wrong = reportOf(await ahead(bench, -2 * DAY, '--json', 'sync'));
  expect(wrong.error).toMatchObject({
    code: 'provider.clock',
    message: expect.stringMatching(/ ahead/),
  });
  expect([dayStates(bench.store, ID), watermarkOf(bench, ID)]).toEqual([states, watermark]);
});

interface Gate {
  readonly url: string;
}

/** Something in front of a simulated provider, which keeps its time to itself. */
async function openGate(sandbox: Workbench['sandbox']): Promise<Gate> {
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const headers = Object.entries(message.headers)
      .filter(([name]) => !['host', 'connection', 'content-length'].includes(name))
      .map(([name, value]): [string, string] => [name, String(value)]);
    const body = Buffer.concat(chunks);
    response.sendDate = false;
    const answer = await fetch(sandbox.url + message.url, { method: 'POST', headers, body });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(await answer.text());
  });
  return { url: await serve(server) };
}

const unreachable = (bench: Workbench): number =>
  countIn(bench.store, 'days', "state = 'unreachable'");

it('gives up what is out of reach by both clocks, and nothing where the provider tells no time', async () => {
  const bench = await openBench({ startAt: ago(90) });
  const { sandbox } = bench;
  const gate = await openGate(sandbox);
  const accounts = [gated(gate, sandbox, 'itniotech', { id: ID, startAt: ago(90) })];
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const silent = reportOf(await bench.run('--json', 'sync'));
  expect(silent.error).toMatchObject({
    code: 'provider.clock',
    message: expect.stringMatching(/no Date header/),
  });
  expect([unreachable(bench), countIn(bench.store, 'days')]).toEqual([0, 0]);

  await bench.configure();
  expect(reportOf(await bench.run('--json', 'sync')).error).toBeNull();
  expect(unreachable(bench)).toBeGreaterThan(20);
});

it('goes by our clock where there is no other, and takes back what it said when it was ahead', async () => {
  const bench = await openBench();
  const { sandbox } = bench;
  const accounts = [
    gated(await openGate(sandbox), sandbox, 'itniotech', { id: ID, startAt: ago(3) }),
  ];
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  expect((await bench.run('sync')).code).toBe(0);
  const before = watermarkOf(bench, ID);
  // One that was planned and not walked, and then one that was.
  addWindow(bench, before, before + 2 * DAY);
  calls(bench, 5);
  expect((await bench.run('sync')).code).toBe(0);
  expect([isStored(bench, 5), watermarkOf(bench, ID) < Date.now()]).toEqual([true, true]);
  tamper(bench.store, 'update accounts set watermark = ?', before + 10 * DAY);
  calls(bench, 6);
  expect((await bench.run('sync')).code).toBe(0);
  expect([isStored(bench, 6), watermarkOf(bench, ID) < Date.now()]).toEqual([true, true]);
});

it('leaves an outage as it is where a poll of it is stopped', async () => {
  const bench = await openBench();
  expect((await bench.run('sync')).code).toBe(0);
  bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['redirect'] });
  await bench.run('sync');
  const failing = async () => {
    const status = expectStatus((await bench.run('--json', 'status')).json);
    const [account] = status.accounts;
    const codes = account?.alarms.map(({ code, since }) => [code, since]);
    return { codes, failing: account?.failing };
  };
  const before = await failing();
  expect(before.codes).toMatchObject([['run_failed', before.failing?.since]]);
  bench.sandbox.setFaults('itniotech', { latency: 20 * SECOND });
  const stopped = reportOf(await bench.run('--json', 'sync', '--max-time', '1s'));
  expect(stopped).toMatchObject({ state: 'incomplete', error: null });
  expect(await failing()).toEqual(before);
  expect((await bench.run('status', '--check')).code).toBe(1);
  bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['redirect'] });
  await bench.run('sync');
  const { since } = before.failing ?? {};
  expect((await failing()).failing).toEqual({ since, runs: 2 });
});
