import { expect, it, vi } from 'vitest';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { addDays, HOUR } from '../src/time.ts';
import { ago, dayStates, tamper } from './support/tamper.ts';
import {
  countIn,
  type Finished,
  freshRow,
  instantOf,
  openWorkbench,
  pagesAsked,
  reportOf,
  reportsOf,
  shanghai,
  type Workbench,
  type WorkbenchOptions,
} from './support/workbench.ts';

// How days close: built by polls hours apart, on a clock that the tests move.

vi.setConfig({ testTimeout: 60_000 });

const CLOCK = new URL('./support/shift-clock.ts', import.meta.url).href;

interface MovedBench extends Workbench {
  /** Runs the binary at a local time of the days of the world; the providers' clock is the same. */
  runAt(day: string, time: string, ...args: readonly string[]): Promise<Finished>;
}

/** The day whose closing is watched, and the one after it. */
const day = ago(3);
const next = addDays(day, 1);

async function movedBench(options: WorkbenchOptions = {}): Promise<MovedBench> {
  let shift = 0;
  const bench = await openWorkbench({
    ...options,
    sandbox: {
      days: 6,
      callsPerDay: 40,
      live: true,
      now: () => Date.now() + shift,
      ...options.sandbox,
    },
    settings: { startAt: day, ...options.settings },
  });
  return {
    ...bench,
    runAt(on, time, ...args) {
      const instant = shanghai.parse(`${on} ${time}`)?.at;
      if (instant === undefined) throw new Error(`${time} is no time of day.`);
      shift = instant - Date.now();
      const environment = { CDRSYNC_TEST_SHIFT: String(shift), NODE_OPTIONS: `--import ${CLOCK}` };
      return bench.start(args, environment).finished;
    },
  };
}

/** A late row of the day, from before the lookback of the polls to come. */
function comesLate(bench: Workbench, provider: ProviderName): void {
  const instant = shanghai.parse(`${day} 09:00:00`)?.at ?? 0;
  bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, instant));
}

const listedOn = (bench: Workbench, provider: ProviderName): number =>
  bench.sandbox.rows(provider).filter((row) => shanghai.dayOf(instantOf(provider, row)) === day)
    .length;

const storedOn = (bench: Workbench, provider: ProviderName): number =>
  countIn(bench.store, 'calls', `listed_on = '${day}' and provider = '${provider}'`);

const stateOf = (bench: Workbench, provider: ProviderName): string | undefined =>
  dayStates(bench.store, `demo-${provider}`)[day];

/** Several pages a day, so that asking for its total is not reading it. */
const PAGED = {
  infin8linx: { callsPerDay: 1300 },
  itniotech: { callsPerDay: 500 },
  okcc: { pageSize: 10 },
  udesk: { callsPerDay: 500 },
};
const COUNTED = ['infin8linx', 'itniotech', 'okcc', 'udesk'] as const;

it('closes a day that polls have built with one request, where the total agrees', async () => {
  const bench = await movedBench({ providers: COUNTED, sandbox: { providers: PAGED } });
  for (const [on, time] of [
    [day, '13:00:00'],
    [day, '23:30:00'],
    [next, '01:59:00'],
  ] as const) {
    const poll = await bench.runAt(on, time, '--json', 'sync');
    expect(poll.code, poll.stderr).toBe(0);
    // A read that was begun before the day was over for the lookback proves nothing of it.
    for (const provider of COUNTED)
      expect([time, stateOf(bench, provider)]).toEqual([time, 'open']);
  }
  const asked = bench.sandbox.requests.length;
  const closing = await bench.runAt(next, '02:02:00', '--json', 'sync');
  expect(closing.code, closing.stderr).toBe(0);
  for (const provider of COUNTED) {
    expect([provider, stateOf(bench, provider)]).toEqual([provider, 'complete']);
    expect([provider, storedOn(bench, provider)]).toEqual([provider, listedOn(bench, provider)]);
    // The lookback, on both sides of midnight, and the day's total.
    const pages = pagesAsked(bench.sandbox.requests.slice(asked), provider);
    expect([provider, pages.length]).toEqual([provider, 3]);
    const report = reportsOf(closing).find((one) => one.provider === provider);
    const closed = report?.days.find((one) => one.day === day);
    const listed = listedOn(bench, provider);
    expect(closed).toMatchObject({ state: 'complete', provider_total: listed, listed });
  }
  // Closed is closed: it is not asked for again.
  const before = bench.sandbox.requests.length;
  const after = await bench.runAt(next, '05:00:00', '--json', 'sync');
  expect(after.code, after.stderr).toBe(0);
  const again = bench.sandbox.requests.slice(before);
  for (const provider of COUNTED) expect(pagesAsked(again, provider)).toHaveLength(1);
});

it('walks a day that polls have built where the total disagrees', async () => {
  const bench = await movedBench({ sandbox: { providers: PAGED } });
  for (const [on, time] of [
    [day, '13:00:00'],
    [day, '23:30:00'],
  ] as const) {
    const poll = await bench.runAt(on, time, '--json', 'sync');
    expect(poll.code, poll.stderr).toBe(0);
  }
  for (const provider of PROVIDERS) comesLate(bench, provider);
  const open = await bench.runAt(next, '01:30:00', '--json', 'sync');
  expect(open.code, open.stderr).toBe(0);
  for (const provider of COUNTED) {
    // Hours behind the watermark: no poll sees it. VOS is asked for whole days only.
    expect(storedOn(bench, provider)).toBe(listedOn(bench, provider) - 1);
  }
  const closing = await bench.runAt(next, '03:00:00', '--json', 'sync');
  expect(closing.code, closing.stderr).toBe(0);
  for (const provider of PROVIDERS) {
    expect([provider, stateOf(bench, provider)]).toEqual([provider, 'complete']);
    expect([provider, storedOn(bench, provider)]).toEqual([provider, listedOn(bench, provider)]);
  }
});

it('closes a first day that begins in its middle by what lies behind startAt', async () => {
  const bench = await movedBench({ settings: { startAt: `${day}T11:30:00+08:00` } });
  const start = shanghai.parse(`${day} 11:30:00`)?.at ?? 0;
  expect((await bench.runAt(day, '15:00:00', 'sync')).code).toBe(0);
  for (const provider of PROVIDERS) expect(stateOf(bench, provider)).toBe('open');
  const closing = await bench.runAt(next, '03:00:00', '--json', 'sync');
  expect(closing.code, closing.stderr).toBe(0);
  for (const provider of PROVIDERS) {
    expect([provider, stateOf(bench, provider)]).toEqual([provider, 'complete']);
    const behind = bench.sandbox
      .rows(provider)
      .filter((row) => shanghai.dayOf(instantOf(provider, row)) === day)
      .filter((row) => provider === 'vos' || instantOf(provider, row) >= start);
    expect([provider, storedOn(bench, provider)]).toEqual([provider, behind.length]);
    // What came before it was never wanted.
    expect(behind.length > 0).toBe(true);
  }
  expect(listedOn(bench, 'udesk')).toBeGreaterThan(storedOn(bench, 'udesk'));
});

it('never takes back what is known of a day because a part of it is read again', async () => {
  const bench = await openWorkbench({
    providers: ['udesk', 'vos'],
    sandbox: { days: 4, callsPerDay: 20 },
  });
  const whole = ['--from', ago(4), '--to', ago(2)];
  expect((await bench.run('sync')).code).toBe(0);
  expect((await bench.run('verify', '--from', ago(4), '--to', ago(3))).code).toBe(0);
  const known = { [ago(4)]: 'verified', [ago(3)]: 'complete' };
  const states = () => dayStates(bench.store, 'demo-udesk');
  expect(states()).toMatchObject(known);
  // All of it, a part of it, and behind the watermark.
  for (const args of [
    ['backfill', '--account', 'demo-udesk', ...whole],
    ...[4, 3].map((days) => [
      ...['backfill', '--account', 'demo-udesk', '--from', `${ago(days)}T10:00:00+08:00`],
      ...['--to', `${ago(days)}T12:00:00+08:00`],
    ]),
  ]) {
    const result = await bench.run('--json', ...args);
    expect(result.code, result.stderr).toBe(0);
    expect(states()).toMatchObject(known);
  }
  await bench.configure({ lookback: '4d' });
  expect((await bench.run('sync')).code).toBe(0);
  expect(states()).toMatchObject(known);
  expect(dayStates(bench.store, 'demo-vos')).toMatchObject(known);

  // A row that cannot be read makes a verified day incomplete, and an accepted one stays closed.
  tamper(
    bench.store,
    "update days set state = 'accepted', accepted_reason = 'so' where day = ?",
    ago(3),
  );
  for (const days of [4, 3]) {
    const instant = shanghai.startOfDay(ago(days)) + 11 * HOUR;
    const row = freshRow(bench.sandbox, 'udesk', instant, days);
    bench.sandbox.insert('udesk', { ...row, duration: 'long' });
  }
  const spoilt = await bench.run('--json', 'backfill', '--account', 'demo-udesk', ...whole);
  expect(spoilt.code, spoilt.stderr).toBe(1);
  expect(reportOf(spoilt).quarantined).toBe(2);
  expect(states()).toMatchObject({ [ago(4)]: 'incomplete', [ago(3)]: 'accepted' });
});
