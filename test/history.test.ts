import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type JsonObject, writeJson } from '../src/json.ts';
import { MINUTE } from '../src/time.ts';
import {
  countIn,
  freshRow,
  openWorkbench,
  query,
  reportOf,
  type Workbench,
} from './support/workbench.ts';

// What a call was before each of its changes, as the export tells it.

vi.setConfig({ testTimeout: 60_000 });

/** Recent enough for every poll to read it again, and old enough to be settled. */
const recent = (): number => Date.now() - 30 * MINUTE;

const Line = z.looseObject({
  call_id: z.string(),
  version: z.int(),
  flags: z.array(z.string()),
  cost: z.string().nullable(),
  change_reason: z.string().optional(),
  replaced_at: z.string().optional(),
});

interface ReadLine extends z.infer<typeof Line> {
  readonly text: string;
}

/** The exported lines of the calls whose id begins so. */
async function linesOf(bench: Workbench, id: string, ...args: string[]): Promise<ReadLine[]> {
  const { code, stdout, stderr } = await bench.run('export', ...args);
  expect(code, stderr).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map((text) => ({ ...Line.parse(JSON.parse(text)), text }))
    .filter(({ call_id }) => call_id.startsWith(id));
}

async function sync(bench: Workbench) {
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  return reportOf(result);
}

it('tells what a call was before each change, the oldest first, to the digit', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 2, callsPerDay: 10 } });
  const first: JsonObject = {
    ...freshRow(bench.sandbox, 'okcc', recent()),
    fee: JSON.rawJSON('1.10'),
    // What a double cannot hold, and what it would write otherwise.
    big: JSON.rawJSON('9007199254740993123'),
    odd: [JSON.rawJSON('-0'), JSON.rawJSON('1E+2'), JSON.rawJSON('0.10')],
    text: 'a "quote", ü, \u2028, 坐席',
  };
  const rows = [
    first,
    { ...first, fee: JSON.rawJSON('1.1000') },
    { ...first, fee: JSON.rawJSON('2.20'), big: JSON.rawJSON('-9007199254740993124') },
  ];
  const isIt = (row: JsonObject) => row['session'] === 'fresh-1';
  const since = new Date().toISOString();
  for (const [index, row] of rows.entries()) {
    if (index === 0) bench.sandbox.insert('okcc', row);
    else bench.sandbox.change('okcc', isIt, row);
    const { changed } = await sync(bench);
    expect([index, changed]).toEqual([index, index === 0 ? 0 : 1]);
  }
  const lines = await linesOf(bench, 'fresh-1', '--history');
  expect(lines.map(({ version, cost }) => [version, cost])).toEqual([
    [1, '1.10'],
    [2, '1.1000'],
    [3, '2.20'],
  ]);
  for (const [index, line] of lines.entries()) {
    // As it was received at the time: parsed and written again it would be another text.
    const raw = writeJson(rows[index] ?? {}).replaceAll('\u2028', '\\u2028');
    expect(line.text).toContain(`"raw":${raw}`);
    const current = index === rows.length - 1;
    expect(line.change_reason).toBe(current ? undefined : 'provider');
    expect(line.replaced_at === undefined).toBe(current);
  }
  const [one, two] = lines.map(({ replaced_at }) => replaced_at ?? '');
  expect([since, one, two].toSorted()).toEqual([since, one, two]);
  // Each version has the columns of a record, in their order.
  const names = lines.map(({ text }) => Object.keys(JSON.parse(text)));
  expect(names[0]).toEqual([...(names[2] ?? []), 'change_reason', 'replaced_at']);

  // Left out unless asked for, and a call that never changed has none.
  const plain = await linesOf(bench, '');
  const all = await linesOf(bench, '', '--history');
  expect(plain).toHaveLength(countIn(bench.store, 'calls'));
  expect(all).toHaveLength(plain.length + 2);
  expect(all.filter(({ change_reason }) => change_reason === undefined)).toEqual(plain);
  // A version comes just before the record that replaced it.
  const index = all.findIndex(({ call_id }) => call_id === 'fresh-1');
  expect(all.slice(index, index + 3)).toEqual(lines);
});

it('keeps two records under one uuid apart, in each version of them', async () => {
  const bench = await openWorkbench({
    providers: ['infin8linx'],
    sandbox: { days: 2, callsPerDay: 10, providers: { infin8linx: { fields: 'table' } } },
  });
  const uuid = '00000000-0000-4000-8000-00000000000c';
  const row = (number: number): JsonObject => ({
    ...freshRow(bench.sandbox, 'infin8linx', recent(), number),
    ...{ uuid, recordurl: '', hangupcause: 10_001 },
  });
  const change = (number: number, hangupcause: number) =>
    bench.sandbox.change('infin8linx', ({ id }) => id === 900_000_000 + number, { hangupcause });
  bench.sandbox.insert('infin8linx', row(1));
  await sync(bench);
  change(1, 10_002);
  await sync(bench);
  bench.sandbox.insert('infin8linx', row(2));
  expect(await sync(bench)).toMatchObject({ inserted: 1, changed: 0 });
  change(1, 10_003);
  change(2, 10_003);
  expect(await sync(bench)).toMatchObject({ inserted: 0, changed: 2 });
  const second = `${uuid}#900000002`;
  const lines = await linesOf(bench, uuid, '--history');
  const versionsOf = (id: string): unknown[] =>
    lines
      .filter(({ call_id }) => call_id === id)
      .map(({ version, flags }) => [version, flags.includes('identity_conflict')]);
  // What it was before anybody else claimed its uuid.
  expect(versionsOf(uuid)).toEqual([
    [1, false],
    [2, true],
    [3, true],
  ]);
  expect(versionsOf(second)).toEqual([
    [1, true],
    [2, true],
  ]);
});

it('makes no version of a link that is signed anew, and one of a link that is gone', async () => {
  const bench = await openWorkbench({
    providers: ['infin8linx'],
    sandbox: { days: 2, callsPerDay: 10, providers: { infin8linx: { fields: 'table' } } },
    settings: { lookback: '3d' },
  });
  const row = { ...freshRow(bench.sandbox, 'infin8linx', recent()), uuid: 'linked' };
  const link = 'http://192.0.2.10/record/linked.mp3';
  bench.sandbox.insert('infin8linx', { ...row, recordurl: link });
  await sync(bench);
  const raws = () =>
    query(
      bench.store,
      z.object({ raw: z.string() }),
      "select raw from calls where call_id = 'linked'",
    );
  const signed = raws();
  expect(signed[0]?.raw).toContain(`${link}?sign=`);
  for (const _ of [1, 2]) {
    expect(await sync(bench)).toMatchObject({ inserted: 0, changed: 0 });
  }
  expect(raws()).toEqual(signed);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
  bench.sandbox.change('infin8linx', ({ uuid }) => uuid === 'linked', { recordurl: '' });
  expect(await sync(bench)).toMatchObject({ inserted: 0, changed: 1 });
  const [before, now] = await linesOf(bench, 'linked', '--history');
  expect(before?.text).toContain(`"raw":${signed[0]?.raw}`);
  expect(now?.text).toContain('"recordurl":""');
});
