import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { parseJson } from '../src/json.ts';
import { versionsQuery } from '../src/store/call-versions.ts';
import { RECORD_COLUMNS } from '../src/store/record-columns.ts';
import { callsBetween, type RecordRange, recordJsonQuery } from '../src/store/records.ts';
import { openStoreToRead } from '../src/store/store.ts';
import { allCalls } from './support/all-calls.ts';
import { planOf } from './support/plan.ts';
import { ago, at, tamper } from './support/tamper.ts';
import { STORE_KIND } from './support/test-store.ts';
import {
  countIn,
  type Finished,
  freshRow,
  openWorkbench,
  type Workbench,
} from './support/workbench.ts';
import { readWorkbook } from './support/workbook.ts';

// Which records an export has, and that its lines are lines for whoever reads them.

vi.setConfig({ testTimeout: 60_000 });

const Line = z.looseObject({ account_id: z.string(), call_id: z.string() });

function linesOf({ code, stdout, stderr }: Finished) {
  expect(code, stderr).toBe(0);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => Line.parse(JSON.parse(line)));
}

async function well(bench: Workbench, ...args: string[]): Promise<Finished> {
  const result = await bench.run(...args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

it('has the accounts that are no longer configured, by name too', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'vos'],
    sandbox: { days: 3, callsPerDay: 20 },
  });
  await well(bench, 'sync');
  // As if it had been taken out the day before yesterday.
  const unread = "delete from days where account_id = 'demo-vos' and day >= ?";
  expect(tamper(bench.store, unread, ago(1))).toBeGreaterThan(0);
  const all = countIn(bench.store, 'calls');
  const left = countIn(bench.store, 'calls', "account_id = 'demo-vos'");
  expect(left).toBeGreaterThan(10);
  await bench.configure({}, ['okcc']);

  const result = await bench.run('--json', 'export');
  expect(linesOf(result)).toHaveLength(all);
  // Nothing reads it any more, so no later day of it is missed.
  expect(JSON.parse(result.stderr)).toMatchObject({ records: all, gaps: [] });
  const only = linesOf(await bench.run('export', '--account', 'demo-vos'));
  expect(only).toHaveLength(left);
  expect(only.every(({ account_id }) => account_id === 'demo-vos')).toBe(true);
  expect(linesOf(await bench.run('export', '--changed-since', '0'))).toHaveLength(all);
  expect(linesOf(await bench.run('export', '--from', ago(9)))).toHaveLength(all);
  await well(bench, 'export', '--format', 'xlsx', '--output', 'calls.xlsx');
  const [sheet] = readWorkbook(await readFile(join(bench.folder, 'calls.xlsx')));
  const zones = new Set(sheet?.rows.map((row) => `${row['account_id']} ${row['time_zone']}`));
  expect(zones).toEqual(new Set(['demo-okcc Asia/Shanghai', 'demo-vos UTC']));

  const shown = await bench.run('show', only[0]?.call_id ?? '', '--account', 'demo-vos');
  expect(shown.code, shown.stderr).toBe(0);
  for (const command of [['export'], ['show', 'any']]) {
    const { code, stderr } = await bench.run(...command, '--account', 'nobody');
    expect([code, stderr]).toEqual([2, expect.stringContaining('demo-okcc, demo-vos')]);
  }
});

it('has the whole last second where a part of it is named', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 2, callsPerDay: 5 } });
  const caller = '13912340000';
  for (const [number, time] of ['23:59:59', '23:59:58', '00:00:00'].entries()) {
    const row = freshRow(bench.sandbox, 'okcc', at(number === 2 ? 0 : 1, time), number);
    bench.sandbox.insert('okcc', { ...row, session: `at ${time}`, caller });
  }
  await well(bench, 'sync');
  const range = (end: string, begin = '12:00:00') => {
    const zone = '+08:00';
    return ['--from', `${ago(1)}T${begin}${zone}`, '--to', `${ago(1)}T${end}${zone}`];
  };
  const found = async (...args: string[]): Promise<string[]> => {
    const ids = linesOf(await bench.run('export', ...args)).map(({ call_id }) => call_id);
    return ids.filter((id) => id.startsWith('at '));
  };
  for (const end of ['23:59:59.999', '23:59:59.0001']) {
    expect(await found(...range(end))).toEqual(['at 23:59:58', 'at 23:59:59']);
    const { stdout } = await well(bench, 'show', '--number', caller, ...range(end));
    expect([stdout.includes('at 23:59:59'), stdout.includes('at 00:00:00')]).toEqual([true, false]);
  }
  for (const end of ['23:59:59', '23:59:59.000', '23:59:58.5']) {
    expect(await found(...range(end))).toEqual(['at 23:59:58']);
  }
  // Two ranges that meet within a second share no call and lose none.
  expect(await found(...range('23:59:59.999', '23:59:58.5'))).toEqual(['at 23:59:59']);
});

it('has one line for each record, wherever a reader ends its lines', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 5 } });
  const agent = 'a\u2028b\u2029c\u0085d';
  const row = { ...freshRow(bench.sandbox, 'okcc', Date.now() - 1_800_000), session: 'odd' };
  bench.sandbox.insert('okcc', { ...row, agent, userData: agent, [`key${agent}`]: agent });
  await well(bench, 'sync');
  const results = [
    await well(bench, 'export'),
    await well(bench, 'export', '--history'),
    await well(bench, '--json', 'show', 'odd'),
  ];
  for (const { stdout } of results) {
    expect(stdout).not.toMatch(/[\u0085\u2028\u2029]/);
    const read: string[] = [];
    const lines = createInterface({ input: Readable.from([stdout]) }).on('line', (line) => {
      read.push(line);
    });
    await once(lines, 'close');
    expect(read.join('\n')).toBe(stdout.trimEnd());
    const documents = read.map((line) => JSON.stringify(parseJson(line)));
    expect(documents.join()).toContain(JSON.stringify(agent).slice(1, -1));
  }
});

/** PostgreSQL plans by what the tables hold, which is too little here to tell anything. */
const PLANS = STORE_KIND === 'sqlite';

it('reads what it writes by the index that has the order, and no more than the range', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'vos'],
    sandbox: { days: 3, callsPerDay: 20 },
  });
  await well(bench, 'sync');
  const store = await openStoreToRead(bench.storeUrl);
  if (store === null) throw new Error('There is no store.');
  const [one, two, three] = [
    '2026-11-01T00:00:00Z',
    '2026-11-02T00:00:00Z',
    '2026-11-03T00:00:00Z',
  ];
  const okcc = (from: string | null, to: string | null): RecordRange => ({
    ...{ accountId: 'demo-okcc', from, to },
  });
  const vos = (from: string | null, to: string | null): RecordRange => ({
    ...{ accountId: 'demo-vos', from, to },
  });
  const scan = 'SCAN calls USING INDEX calls_in_order';
  const search = (bounds: string): string => `SEARCH calls USING INDEX calls_in_order (${bounds})`;
  const both = 'started_at>? AND started_at<?';
  const cases: readonly (readonly [ranges: readonly RecordRange[], plan: string])[] = [
    [[okcc(null, null)], scan],
    [[okcc(null, null), vos(null, null)], scan],
    [[okcc(one, two)], search(both)],
    [[okcc(one, null)], search('started_at>?')],
    [[okcc(null, two)], search('started_at<?')],
    [[okcc(one, two), vos(one, two)], search(both)],
    // A day of accounts in two time zones.
    [[okcc(one, two), vos(two, three)], search(both)],
    [[okcc(one, two), vos(two, null)], search('started_at>?')],
  ];
  for (const [ranges, plan] of PLANS ? cases : []) {
    const calls = callsBetween(store, ranges);
    const queries = [calls.select(RECORD_COLUMNS), recordJsonQuery(store, calls)];
    const plans = queries.map((query) => planOf(bench.store, query.compile()));
    expect(plans).toEqual([plan, plan]);
  }
  // What `--history` adds.
  if (PLANS) {
    expect(planOf(bench.store, versionsQuery(store, 'demo-okcc', ['c', 'd']).compile())).toMatch(
      /^SEARCH call_versions USING (INDEX \S+|PRIMARY KEY) \(account_id=\? AND call_id=\?\)$/,
    );
  }

  // And each record of the ranges, in order.
  const all = await allCalls(store).select(RECORD_COLUMNS).execute();
  const [a, b, c] = [5, 15, 30].map((index) => all[index]?.started_at ?? '');
  if (a === undefined || b === undefined || c === undefined) throw new Error('too few');
  for (const ranges of [
    [okcc(a, b), vos(b, c)],
    [okcc(null, b), vos(a, null)],
    [okcc(b, null)],
    [okcc(a, c), vos(a, c)],
  ]) {
    const wanted = all.filter(({ account_id, started_at }) =>
      ranges.some(
        ({ accountId, from, to }) =>
          accountId === account_id &&
          (from === null || started_at >= from) &&
          (to === null || started_at < to),
      ),
    );
    expect(wanted.length).toBeGreaterThan(1);
    expect(await callsBetween(store, ranges).select(RECORD_COLUMNS).execute()).toEqual(wanted);
  }
  await store.close();
});
