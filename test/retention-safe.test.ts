import { describe, expect, it, test, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import { certainNow } from '../src/sync/context.ts';
import { NOTICE, settleRetention } from '../src/sync/retention-notice.ts';
import { DAY, HOUR, SECOND } from '../src/time.ts';
import { openEngine } from './support/engine.ts';
import { shifted } from './support/runbook.ts';
import { ago, at, endNotice, tamper } from './support/tamper.ts';
import {
  countIn,
  freshRow,
  openWorkbench,
  query,
  shanghai,
  type Workbench,
} from './support/workbench.ts';

// What is overwritten is gone: a wrong clock or a slip of the pen must not do that.

vi.setConfig({ testTimeout: 60_000 });

const RETENTION: JsonObject = { retention: '3d', audit: ['1d'], lookback: '2h' };
const days = 6;

const erased = ({ store }: Workbench): number => countIn(store, 'calls', 'erasure_id is not null');

const iso = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;

const clearBefore = ({ store }: Workbench, instant: number): number =>
  countIn(store, 'calls', `erasure_id is null and started_at < '${iso(instant)}'`);

const erasedSince = ({ store }: Workbench, instant: number): number =>
  countIn(store, 'calls', `erasure_id is not null and started_at >= '${iso(instant)}'`);

/** Brings the retention of the configuration into force. */
async function inForce(bench: Workbench): Promise<void> {
  const engine = await openEngine(bench);
  await engine.sync();
  endNotice(bench.store);
  await engine.sync();
}

describe('the clock', () => {
  it.each([
    ['years ahead', 500 * DAY, false],
    ['years ahead of a provider that is silent', 500 * DAY, true],
    ['a day ahead', 20 * HOUR, false],
  ])('%s destroys nothing, and nothing later', async (_what, shift, silent) => {
    const bench = await openWorkbench({
      providers: ['vos', 'infin8linx'],
      sandbox: { days: 3, callsPerDay: 30 },
      settings: { startAt: ago(3), ...RETENTION },
    });
    await inForce(bench);
    expect(countIn(bench.store, 'retentions', 'in_force is not null')).toBe(2);
    expect(erasedSince(bench, Date.now() - 3 * DAY)).toBe(0);
    const calls = countIn(bench.store, 'calls');
    for (const provider of ['vos', 'infin8linx'] as const) {
      if (silent)
        bench.sandbox.setFaults(provider, { script: Array.from({ length: 20 }, () => 'reset') });
    }
    await bench.start(['--json', 'sync'], shifted(shift)).finished;
    expect(erasedSince(bench, Date.now() - 3 * DAY)).toBe(0);

    for (const provider of ['vos', 'infin8linx'] as const) {
      bench.sandbox.setFaults(provider, null);
      bench.sandbox.insert(
        provider,
        freshRow(bench.sandbox, provider, Date.now() - 8 * 60 * SECOND),
      );
    }
    const { code, stderr } = await bench.run('sync');
    expect(code, stderr).toBe(0);
    expect(erasedSince(bench, Date.now() - 3 * DAY)).toBe(0);
    expect(countIn(bench.store, 'calls')).toBe(calls + 2);
  });

  it('is what both machines say, heard in this run', () => {
    const now = Date.now();
    const client = (heard: number | null) => ({
      heard: () => heard,
      skew: () => (heard === null ? null : heard - now),
    });
    expect(certainNow(client(null))).toBeNull();
    expect(certainNow(client(now - 26 * HOUR))).toBeNull();
    expect(certainNow(client(now + 26 * HOUR))).toBeNull();
    expect(certainNow(client(now - HOUR))).toBe(now - HOUR);
    expect(certainNow(client(now + HOUR))).toBeLessThan(now + HOUR / 2);
  });

  it('that was wrong when something was overwritten does not go on destroying', async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 2, callsPerDay: 10 },
      settings: { startAt: ago(2), ...RETENTION },
    });
    await inForce(bench);
    // As an older run may have left it.
    tamper(bench.store, "update erasures set erased_to = '2030-01-01T00:00:00Z'");
    bench.sandbox.insert('okcc', freshRow(bench.sandbox, 'okcc', Date.now() - 8 * 60 * SECOND));
    await (await openEngine(bench)).sync();
    expect(erased(bench)).toBe(0);
    // And it does not hide what is in clear and too old.
    const Mark = z.object({ erased_to: z.string() });
    const [mark] = query(bench.store, Mark, 'select erased_to from erasures');
    expect(Date.parse(mark?.erased_to ?? '')).toBeLessThan(Date.now() - 2 * DAY);
  });
});

describe('the notice', () => {
  const stored = (in_force: number | null, announced: number | null, at: number | null) => ({
    in_force,
    announced,
    announced_at: at,
  });

  test.each([
    ['a first one waits', null, 4, 100, 'announced', stored(null, 4, 100)],
    ['it goes on waiting', stored(null, 4, 100), 4, 99 + NOTICE, 'kept', stored(null, 4, 100)],
    ['and acts', stored(null, 4, 100), 4, 100 + NOTICE, 'in force', stored(4, null, null)],
    [
      'corrected, it never acts',
      stored(null, 4, 0),
      400,
      NOTICE,
      'announced',
      stored(null, 400, NOTICE),
    ],
    ['a shorter one waits', stored(400, null, null), 4, 7, 'announced', stored(400, 4, 7)],
    [
      'and leaves with its configuration',
      stored(400, 4, 7),
      400,
      9,
      'in force',
      stored(400, null, null),
    ],
    [
      'a longer one acts at once',
      stored(4, null, null),
      400,
      7,
      'in force',
      stored(400, null, null),
    ],
    ['the same one is settled', stored(4, null, null), 4, 7, 'kept', stored(4, null, null)],
    [
      'one announced in the future is announced again',
      stored(null, 4, 900),
      4,
      7,
      'announced',
      stored(null, 4, 7),
    ],
  ] as const)('%s', (_what, before, wanted, now, kind, after) => {
    expect(settleRetention(before, wanted, now)).toEqual({ kind, retention: after });
  });

  it('is given in the log, in status and by config check, and takes back a slip', async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days, callsPerDay: 20 },
      settings: { startAt: ago(days), audit: ['1d'], lookback: '2h' },
    });
    await (await openEngine(bench)).sync();
    const all = countIn(bench.store, 'calls');
    await bench.configure(RETENTION);
    const older = clearBefore(bench, Date.now() - 3 * DAY);
    expect(older).toBeGreaterThan(0);
    const checked = await bench.run('config', 'check', '--offline');
    expect(checked.code, checked.stderr).toBe(0);
    expect(checked.stdout).toContain('retention.older');
    expect(checked.stdout.replaceAll(/\s+/g, ' ')).toContain(
      `retention 3d: ${older} of ${all} stored calls are older`,
    );

    const began = Date.now();
    const told = await openEngine(bench);
    await told.sync();
    await told.sync();
    const notices = told
      .log()
      .split('\n')
      .filter((line) => line.includes('will overwrite calls'));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(`"calls":${older}`);
    expect(erased(bench)).toBe(0);
    const status = await bench.run('--json', 'status');
    expect(status.json).toMatchObject({
      accounts: [{ retention_state: 'announced', retention_seconds: (3 * DAY) / SECOND }],
    });
    const From = z.object({ accounts: z.tuple([z.looseObject({ retention_from: z.string() })]) });
    const from = Date.parse(From.parse(status.json).accounts[0].retention_from);
    expect(from).toBeGreaterThan(began + NOTICE - 5 * SECOND);
    expect(from).toBeLessThan(Date.now() + NOTICE);
    expect((await bench.run('status')).stdout).toMatch(/calls older than 3d are\s+overwritten/);
    expect((await bench.run('status', '--check')).code).toBe(0);

    // What was meant.
    await bench.configure({ ...RETENTION, retention: '400d' });
    endNotice(bench.store);
    await (await openEngine(bench)).sync();
    endNotice(bench.store);
    await (await openEngine(bench)).sync();
    expect(erased(bench)).toBe(0);
    expect((await bench.run('--json', 'status')).json).toMatchObject({
      accounts: [{ retention_state: 'in_force', retention_from: null }],
    });
  });
});

describe('a retention that is changed', () => {
  it.each([
    ['removed', {}],
    ['lengthened', { retention: '400d' }],
  ])('%s and set again, overwrites what came in clear meanwhile', async (_what, meanwhile) => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days, callsPerDay: 20 },
      settings: { startAt: ago(5), audit: ['1d'], lookback: '2h' },
    });
    await bench.configure(RETENTION);
    await inForce(bench);
    const before = erased(bench);
    expect(before).toBeGreaterThan(0);
    await bench.configure(meanwhile);
    const span = { from: shanghai.startOfDay(ago(days)), to: shanghai.startOfDay(ago(5)) };
    for (const report of await (await openEngine(bench)).backfill(span)) {
      expect(report).toMatchObject({ state: 'ok', error: null });
      expect(report.inserted).toBeGreaterThan(0);
    }
    expect(erased(bench)).toBe(before);
    await bench.configure(RETENTION);
    await inForce(bench);
    expect(clearBefore(bench, Date.now() - 3 * DAY - SECOND)).toBe(0);
    expect(erased(bench)).toBeGreaterThan(before);
  });

  it('lengthened, overwrites nothing that is not beyond it', async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days, callsPerDay: 20 },
      settings: { startAt: ago(5), ...RETENTION },
    });
    await inForce(bench);
    const before = erased(bench);
    await bench.configure({ ...RETENTION, retention: '400d' });
    bench.sandbox.insert('okcc', freshRow(bench.sandbox, 'okcc', at(5, '10:00:00')));
    const engine = await openEngine(bench);
    for (const report of await engine.verify(ago(5))) expect(report).toMatchObject({ inserted: 1 });
    await engine.sync();
    expect(erased(bench)).toBe(before);
  });
});

it('leaves no row in clear that waits for the proof of its walk', async () => {
  const bench = await openWorkbench({
    providers: ['vos'],
    settings: { startAt: ago(1), audit: ['1d'], lookback: '2h' },
    sandbox: { days, callsPerDay: 40, providers: { vos: { list: 'meta', pageSize: 15 } } },
  });
  const first = await openEngine(bench);
  await first.sync();
  const row = freshRow(bench.sandbox, 'vos', at(5, '23:59:59'));
  for (const fee of ['1.10', '1.10', '2.20']) {
    bench.sandbox.insert('vos', { ...row, fee: JSON.rawJSON(fee) });
  }
  bench.sandbox.setFaults('vos', { script: [null, 'auth'] });
  const span = { from: shanghai.startOfDay(ago(5)), to: shanghai.startOfDay(ago(4)) };
  await first.backfill(span);
  const held = (): number => countIn(bench.store, 'window_rows', "raw not like '[%'");
  expect(held()).toBeGreaterThan(0);
  bench.sandbox.setFaults('vos', null);
  await bench.configure(RETENTION);
  await inForce(bench);
  const engine = await openEngine(bench);
  await engine.sync();
  expect(held()).toBe(0);
  expect(countIn(bench.store, 'windows', 'pages > 0')).toBe(0);
  // The backfill goes on, and what it brings comes overwritten.
  const calls = countIn(bench.store, 'calls');
  for (const report of await engine.backfill(span)) expect(report).toMatchObject({ error: null });
  expect(countIn(bench.store, 'calls')).toBeGreaterThan(calls);
  expect(clearBefore(bench, Date.now() - 3 * DAY - SECOND)).toBe(0);
});

it('refuses a request of erasure by a clock that is ahead of everything', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  await (await openEngine(bench)).sync();
  const args = ['--json', 'erase', '--number', '13800138000', '--reason', 'ticket 4711'];
  const refused = await bench.start(args, shifted(30 * DAY)).finished;
  expect(refused.code, refused.stderr).toBe(2);
  expect(refused.stderr + refused.stdout).toContain('erase.clock');
  expect(countIn(bench.store, 'erasures')).toBe(0);
  const asked = await bench.start([...args, '--trust-clock'], shifted(30 * DAY)).finished;
  expect(asked.code, asked.stderr).toBe(0);
  expect(countIn(bench.store, 'erasures')).toBe(1);
});
