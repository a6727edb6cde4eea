import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigError, loadConfig } from '../src/config/config.ts';
import type { JsonObject } from '../src/json.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { CALL_COLUMNS } from '../src/store/hot-columns.ts';
import { DAY, SECOND } from '../src/time.ts';
import { openEngine } from './support/engine.ts';
import { ago, at, dayStates, endNotice, tamper } from './support/tamper.ts';
import { lastChange, STORE_KIND } from './support/test-store.ts';
import {
  countIn,
  freshRow,
  openWorkbench,
  query,
  shanghai,
  type Workbench,
} from './support/workbench.ts';

// Numbers, names and payloads that are kept for so long, and no longer.

vi.setConfig({ testTimeout: 60_000 });

const RETENTION: JsonObject = { retention: '3d', audit: ['1d'], lookback: '2h' };
const days = 6;

const Stored = z.object({
  account_id: z.string(),
  call_id: z.string(),
  started_at: z.string(),
  caller: z.string().nullable(),
  callee: z.string().nullable(),
  raw: z.string(),
  flags: z.string(),
  version: z.int(),
  is_call: z.int(),
  erasure_id: z.string().nullable(),
});

const callsIn = ({ store }: Workbench, where = '1 = 1') =>
  query(store, Stored, `select * from calls where ${where} order by started_at, call_id`);

const Sums = z.object({ account_id: z.string(), listed_on: z.string(), sums: z.string() });

function sumsOf({ store }: Workbench) {
  const sql = `select account_id, listed_on,
    count(*) || ' ' || sum(talk_seconds) || ' ' || coalesce(sum(cost), 0) as sums
    from calls group by account_id, listed_on order by account_id, listed_on`;
  return query(store, Sums, sql);
}

const sequenceOf = ({ store }: Workbench): number => lastChange(store);

/** Whether each call is overwritten if and only if it started before an instant. */
function expectErasedBefore(bench: Workbench, instant: number): void {
  const calls = callsIn(bench);
  const old = calls.filter(({ started_at }) => Date.parse(started_at) < instant);
  expect(old.length).toBeGreaterThan(0);
  expect(old.length).toBeLessThan(calls.length);
  for (const call of calls) {
    const erased = Date.parse(call.started_at) < instant;
    expect(call.raw === 'null').toBe(erased);
    // Fee rows have no numbers to begin with.
    const unnumbered = call.caller === null && call.callee === null;
    if (erased || call.is_call === 1) expect(unnumbered).toBe(erased);
    expect(call.erasure_id).toBe(erased ? `retention ${call.account_id}` : null);
    expect(call.flags.includes('"erased"')).toBe(erased);
  }
}

it('overwrites what is older, in all providers, and changes no sum', async () => {
  const bench = await openWorkbench({
    sandbox: { days, callsPerDay: 20 },
    settings: { startAt: ago(days) },
  });
  const first = await openEngine(bench);
  await first.sync();
  const states = PROVIDERS.map((provider) => dayStates(bench.store, `demo-${provider}`));
  const sums = sumsOf(bench);
  expect(callsIn(bench, 'erasure_id is not null')).toEqual([]);

  await bench.configure(RETENTION);
  const engine = await openEngine(bench);
  await engine.sync();
  endNotice(bench.store);
  const began = Date.now();
  await engine.sync();
  expectErasedBefore(bench, began - 3 * DAY);
  expect(sumsOf(bench)).toEqual(sums);
  expect(engine.log()).toContain('overwrote what lies beyond the retention');
  expect(engine.log()).not.toMatch(/\b1[3-9]\d{9}\b/);

  // Once is enough: nothing is written again, read again or restored.
  const before = sequenceOf(bench);
  await engine.sync();
  for (const report of await engine.verify(ago(5))) {
    expect(report).toMatchObject({ state: 'ok', inserted: 0, changed: 0, missing: 0 });
  }
  const from = shanghai.startOfDay(ago(5));
  for (const report of await engine.backfill({ from, to: from + DAY })) {
    expect(report).toMatchObject({ state: 'ok', inserted: 0, changed: 0 });
  }
  for (const mapped of await engine.reprocess()) {
    expect(mapped).toMatchObject({ changed: 0, rejected: 0 });
    expect(mapped.erased).toBeGreaterThan(0);
  }
  expect(sequenceOf(bench)).toBe(before);
  expect(sumsOf(bench)).toEqual(sums);
  PROVIDERS.forEach((provider, index) => {
    const now = dayStates(bench.store, `demo-${provider}`);
    expect({ ...now, [ago(5)]: '' }).toEqual({ ...states[index], [ago(5)]: '' });
    expect(now[ago(5)]).toBe('verified');
  });

  const shown = await bench.run('--json', 'show', callsIn(bench)[0]?.call_id ?? '');
  expect(shown.json).toMatchObject({
    calls: [{ erasure: { kind: 'retention', reason: 'retention 3d' } }],
  });
});

it('stores overwritten what comes late from beyond it', async () => {
  const bench = await openWorkbench({
    sandbox: { days, callsPerDay: 20 },
    settings: { startAt: ago(2), ...RETENTION },
  });
  const engine = await openEngine(bench);
  await engine.sync();
  endNotice(bench.store);
  await engine.sync();
  expect(callsIn(bench, 'erasure_id is not null')).toEqual([]);
  const began = Date.now();
  const span = { from: shanghai.startOfDay(ago(days)), to: shanghai.startOfDay(ago(2)) };
  await engine.backfill(span);
  expectErasedBefore(bench, began - 3 * DAY);
  expect(callsIn(bench, 'erasure_id is not null and version > 1')).toEqual([]);
  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, at(5, '10:00:00')));
  }
  const erased = callsIn(bench, 'erasure_id is not null').length;
  for (const report of await engine.verify(ago(5))) expect(report).toMatchObject({ inserted: 1 });
  expect(callsIn(bench, 'erasure_id is not null')).toHaveLength(erased + PROVIDERS.length);
});

it('overwrites quarantined rows, older ones that wait and those that come', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days, callsPerDay: 10 },
    settings: { startAt: ago(days) },
  });
  const broken = (day: number, index: number): JsonObject => ({
    ...freshRow(bench.sandbox, 'okcc', at(day, '10:00:00'), index),
    answerTime: 'no time',
    timeLength: '5',
  });
  bench.sandbox.insert('okcc', broken(5, 1));
  bench.sandbox.insert('okcc', broken(1, 2));
  await (await openEngine(bench)).sync();
  expect(countIn(bench.store, 'quarantine', "raw <> 'null'")).toBe(2);
  await bench.configure(RETENTION);
  const engine = await openEngine(bench);
  await engine.sync();
  endNotice(bench.store);
  // One to come into force, one to go by it.
  await engine.sync();
  await engine.sync();
  expect(countIn(bench.store, 'quarantine', "raw <> 'null'")).toBe(1);
  expect(countIn(bench.store, 'quarantine', `raw = 'null' and listed_on = '${ago(5)}'`)).toBe(1);
  bench.sandbox.insert('okcc', broken(5, 3));
  await engine.verify(ago(5));
  expect(countIn(bench.store, 'quarantine', `raw = 'null' and listed_on = '${ago(5)}'`)).toBe(2);
  expect(countIn(bench.store, 'quarantine')).toBe(3);
});

it('goes through a large store a few thousand calls a run', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 5 },
    settings: { startAt: ago(1) },
  });
  await (await openEngine(bench)).sync();
  await bench.configure(RETENTION);
  const engine = await openEngine(bench);
  // Five thousand old calls, many of a second, as nothing else of the store needs to know of them.
  const own = ['call_id', 'identity_key', 'native_id', 'started_at'];
  const columns = CALL_COLUMNS.filter((name) => !own.includes(name));
  const time = "'2025-01-01T00:0' || (i / 1000) || ':00Z'";
  const made = tamper(
    bench.store,
    `insert into calls (call_id, identity_key, started_at, ${columns.join(', ')})
     with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
     select 'old-' || i, 'old-' || i, ${STORE_KIND === 'sqlite' ? time : `(${time})::timestamptz`},
       ${columns.join(', ')} from n, (select * from calls limit 1) one`,
  );
  expect(made).toBe(5000);
  await engine.sync();
  endNotice(bench.store);
  await engine.sync();
  expect(countIn(bench.store, 'calls', 'erasure_id is not null')).toBe(4000);
  await engine.sync();
  expect(countIn(bench.store, 'calls', 'erasure_id is not null')).toBe(5000);
  expect(countIn(bench.store, 'call_versions', "change_reason = 'erasure'")).toBe(5000);
  const before = sequenceOf(bench);
  const began = Date.now();
  await engine.sync();
  expect(sequenceOf(bench)).toBe(before);
  // From here the next run goes on: what lies before is not looked through again.
  const Mark = z.object({ erased_to: z.string() });
  const [mark] = query(bench.store, Mark, 'select erased_to from erasures');
  expect(Date.parse(mark?.erased_to ?? '')).toBeGreaterThan(began - 3 * DAY - 2 * SECOND);
});

it.each([
  [{ retention: '9d' }, null],
  [{ retention: '8d' }, /accounts\[0\]\.retention: must be longer than .* more than 8d/],
  [{ retention: '30d', lookback: '29d' }, /more than 30d/],
  [{ retention: '3d', audit: ['1d'] }, null],
  [{ retention: '3d', audit: ['1d', '2d'] }, /more than 3d/],
  [{ retention: '1h' }, /retention: must be 1d to/],
  [{ retention: 'never' }, /retention: must be a duration/],
])('checks the setting %j', async (settings: JsonObject, problem) => {
  const bench = await openWorkbench({ providers: ['okcc'], settings, sandbox: { days: 1 } });
  if (problem === null) {
    expect(loadConfig(bench.config, {}).accounts[0]?.retention).toBeGreaterThan(0);
    return;
  }
  expect(() => loadConfig(bench.config, {})).toThrow(ConfigError);
  expect(() => loadConfig(bench.config, {})).toThrow(problem);
});

it('is off unless it is asked for', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1 } });
  expect(loadConfig(bench.config, {}).accounts[0]?.retention).toBeNull();
});
