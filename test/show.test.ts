import SQLite from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { type JsonObject, writeJson } from '../src/json.ts';
import { numberForms } from '../src/phone-number.ts';
import { strayQuery } from '../src/store/day-numbers.ts';
import { idQueries } from '../src/store/find-calls.ts';
import { hoursCallsQuery, hoursQuery } from '../src/store/sqlite/number-calls.ts';
import { openStoreToRead } from '../src/store/store.ts';
import { addDays, HOUR, isoMillis, isoSeconds } from '../src/time.ts';
import { planOf } from './support/plan.ts';
import { ago, at, tamper } from './support/tamper.ts';
import { fingerprint, newStore, STORE_KIND, storeExists, storeUrl } from './support/test-store.ts';
import {
  accountsOf,
  type Finished,
  freshRow,
  openWorkbench,
  query,
  type Workbench,
} from './support/workbench.ts';

// One call with all that is known of it, and the calls of a number, through the real binary.

vi.setConfig({ testTimeout: 60_000 });

const Run = z.object({
  wrote: z.string(),
  at: z.string(),
  id: z.string(),
  trigger: z.string(),
  started_at: z.string(),
  ended_at: z.string(),
  state: z.string(),
});

const Document = z.strictObject({
  calls: z.array(
    z.looseObject({
      account_id: z.string(),
      call_id: z.string(),
      started_at: z.string(),
      caller: z.string().nullable(),
      callee: z.string().nullable(),
      version: z.int(),
      versions: z.array(
        z.looseObject({
          version: z.int(),
          change_reason: z.string(),
          replaced_at: z.string(),
          changes: z.array(
            z.strictObject({ field: z.string(), old: z.unknown(), new: z.unknown() }),
          ),
        }),
      ),
      runs: z.array(Run),
      day_state: z.string().nullable(),
      audits: z.array(z.looseObject({ audited_at: z.string(), cost: z.unknown() })),
    }),
  ),
  more: z.boolean(),
});

function shown({ code, stdout, stderr }: Finished) {
  expect(code, stderr).toBe(0);
  return Document.parse(JSON.parse(stdout));
}

const only = (day: string): string[] => ['--from', day, '--to', addDays(day, 1)];

async function runs(bench: Workbench, ...args: string[]): Promise<Finished> {
  const result = await bench.run(...args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

/** A call of two days ago that was listed, changed twice, and is gone: each told by an audit. */
async function openHistory() {
  const bench = await openWorkbench({
    providers: ['infin8linx', 'okcc', 'udesk'],
    sandbox: { days: 2, callsPerDay: 8, providers: { infin8linx: { fields: 'table' } } },
  });
  const day = ago(2);
  const noon = at(2, '12:00:00');
  const first: JsonObject = {
    ...freshRow(bench.sandbox, 'okcc', noon),
    ...{ session: 'disputed', caller: '+8613800138000', callee: '02155550000' },
    ...{ fee: JSON.rawJSON('1.10'), big: JSON.rawJSON('9007199254740993123') },
  };
  const rows = [
    first,
    { ...first, fee: JSON.rawJSON('1.1000') },
    { ...first, fee: JSON.rawJSON('2.20'), callee: '02155550001', note: 'by hand' },
  ];
  bench.sandbox.insert('okcc', first);
  const twin = { ...freshRow(bench.sandbox, 'udesk', noon + HOUR), callId: 'disputed' };
  bench.sandbox.insert('udesk', { ...twin, customerNumber: '013800138000' });
  for (const number of [1, 2]) {
    const row = { ...freshRow(bench.sandbox, 'infin8linx', noon, number), uuid: 'shared' };
    bench.sandbox.insert('infin8linx', row);
  }
  await runs(bench, 'sync');
  const isIt = ({ session }: JsonObject): boolean => session === 'disputed';
  for (const row of rows.slice(1)) {
    expect(bench.sandbox.change('okcc', isIt, row)).toBe(1);
    await runs(bench, 'verify', '--account', 'demo-okcc', ...only(day));
  }
  bench.sandbox.remove('okcc', isIt);
  await runs(bench, 'verify', '--account', 'demo-okcc', ...only(day));
  return { bench, day, noon, rows };
}

it('shows a call, its versions and what differs, its runs, and the audits of its day', async () => {
  const { bench, day, noon, rows } = await openHistory();
  const before = fingerprint(bench.store);
  const okcc = ['--account', 'demo-okcc'];
  const [json, text, rawText, both, exported, history, shared, native] = await Promise.all([
    bench.run('--json', 'show', 'disputed', ...okcc),
    bench.run('show', 'disputed', ...okcc),
    bench.run('show', 'disputed', ...okcc, '--raw'),
    bench.run('--json', 'show', 'disputed'),
    bench.run('export', ...okcc),
    bench.run('export', ...okcc, '--history'),
    bench.run('--json', 'show', 'shared'),
    bench.run('--json', 'show', '900000001', '--account', 'demo-infin8linx'),
  ]);

  const [call, ...others] = shown(json).calls;
  expect(others).toEqual([]);
  if (call === undefined) throw new Error('One call was expected.');
  expect(call).toMatchObject({ call_id: 'disputed', version: 3, day_state: 'verified' });
  // The record as the export writes it, to the digit; then what an export does not tell.
  const isIt = (line: string): boolean => line.includes('"call_id":"disputed"');
  const line = exported.stdout.split('\n').find(isIt) ?? 'none';
  expect(json.stdout).toContain(line.slice(0, -1));
  const [one = 'none', two = 'none'] = history.stdout.split('\n').filter(isIt);
  expect(json.stdout).toContain(one.slice(0, -1));
  expect(json.stdout).toContain(two.slice(0, -1));
  for (const row of rows) expect(json.stdout).toContain(`"raw":${writeJson(row)}`);

  const changes = call.versions.map((version) => ({
    ...{ version: version.version, reason: version.change_reason },
    fields: version.changes.map(({ field, old, new: now }) => [field, old, now]),
  }));
  expect(changes).toEqual([
    {
      ...{ version: 1, reason: 'provider' },
      fields: [
        ['cost', '1.10', '1.1000'],
        ['raw.fee', 1.1, 1.1],
      ],
    },
    {
      ...{ version: 2, reason: 'provider' },
      fields: expect.arrayContaining([
        ['callee', '02155550000', '02155550001'],
        ['cost', '1.1000', '2.20'],
        ['raw.fee', 1.1, 2.2],
        ['raw.note', null, 'by hand'],
      ]),
    },
  ]);
  expect(json.stdout).toContain('{"field":"raw.fee","old":1.10,"new":1.1000}');

  // Which run wrote what follows from the time alone: those of an account never overlap.
  const told = z.object({ id: z.string(), trigger: z.string(), started_at: z.int() });
  const sql = "select * from runs where account_id = 'demo-okcc' order by started_at";
  const known = query(bench.store, told, sql);
  expect(call.runs.map(({ wrote, id, trigger }) => [wrote, id, trigger])).toEqual(
    ['version 1', 'version 2', 'version 3', 'missing_since'].map((wrote, index) => [
      ...[wrote, known[index]?.id, index === 0 ? 'sync' : 'verify'],
    ]),
  );
  for (const { at: written, started_at, ended_at } of call.runs) {
    expect([started_at, written, ended_at].toSorted()).toEqual([started_at, written, ended_at]);
  }

  const Kept = z.object({ audited_at: z.int(), digest: z.string(), cost: z.string() });
  const audits = query(
    bench.store,
    Kept.loose(),
    "select * from audits where account_id = 'demo-okcc' and day = ? order by audited_at",
    day,
  );
  expect(audits).toHaveLength(3);
  expect(call.audits).toEqual(
    audits.map(({ account_id: _id, audited_at, cost, ...audit }) => ({
      ...audit,
      audited_at: isoMillis(audited_at),
      cost: JSON.parse(cost),
    })),
  );
  expect(call.audits.map(({ changed, missing }) => [changed, missing])).toEqual([
    [1, 0],
    [1, 0],
    [0, 1],
  ]);

  // The same for people.
  expect(text.code, text.stderr).toBe(0);
  const words = text.stdout;
  expect(words).toContain(`started     ${ago(2)}T12:00:00+08:00  ${isoSeconds(noon)}`);
  expect(words).toContain('caller      +8613800138000');
  expect(words).toMatch(/cost {8}2\.20 CNY/);
  expect(words).toMatch(/missing {5}since [\s\S]*no longer listed/);
  expect(words).toMatch(/1 to 2 {2}\S+\+08:00 {2}\S+Z {2}provider\n {4}cost: 1\.10 → 1\.1000\n/);
  expect(words).toContain('raw.note: null → by hand');
  expect(words).toMatch(/version 1 .*\n {4}by sync, .*, ok\n/);
  expect(words).toMatch(/missing_since .*\n {4}by verify, .*, ok\n/);
  for (const { digest } of audits) expect(words).toContain(`sha256 ${digest}`);
  expect(words).not.toContain('"session"');
  for (const row of rows) expect(rawText.stdout).toContain(`raw ${writeJson(row)}`);

  // Without an account, all that carry the id.
  expect(
    shown(both)
      .calls.map(({ account_id }) => account_id)
      .toSorted(),
  ).toEqual(['demo-okcc', 'demo-udesk']);
  // The provider's own number of a record finds it, and an id that two records claim finds both.
  const idsIn = (result: Finished): string[] => shown(result).calls.map(({ call_id }) => call_id);
  expect(idsIn(shared)).toEqual(['shared', 'shared#900000001']);
  expect(idsIn(native)).toEqual(['shared#900000001']);
  expect(fingerprint(bench.store)).toBe(before);

  await numbersOf(bench);
  if (STORE_KIND === 'sqlite') await plansIn(bench);
  await notFoundIn(bench);
});

/** The calls of a number, in whatever spelling the provider wrote it. */
async function numbersOf(bench: Workbench): Promise<void> {
  const look = (...args: string[]) => bench.run('--json', 'show', '--number', ...args);
  const day = ago(2);
  const results = await Promise.all([
    look('13800138000'),
    look('0086 138-0013-8000', '--account', 'demo-okcc'),
    look('+8613800138000', '--from', `${day}T12:30:00+08:00`, '--to', addDays(day, 1)),
    look('13800138000', '--limit', '1'),
    look('2155550001'),
    bench.run('show', '--number', '13800138000', '--limit', '1'),
    look('13800138000', '--from', day, '--to', `${day}T12:30:00+08:00`),
  ]);
  const [all, one, late, limited, callee, text, early] = results;
  const keys = (result: Finished): string[] =>
    shown(result).calls.map(({ account_id, started_at }) => `${account_id} ${started_at}`);
  const okcc = `demo-okcc ${isoSeconds(at(2, '12:00:00'))}`;
  const udesk = `demo-udesk ${isoSeconds(at(2, '13:00:00'))}`;
  // The newest first.
  expect(keys(all)).toEqual([udesk, okcc]);
  expect(keys(one)).toEqual([okcc]);
  expect(keys(late)).toEqual([udesk]);
  expect(keys(early)).toEqual([okcc]);
  expect(keys(callee)).toEqual([okcc]);
  expect(keys(limited)).toEqual([udesk]);
  expect(results.slice(0, 5).map((result) => shown(result).more)).toEqual([
    ...[false, false, false, true, false],
  ]);
  expect(limited.stderr).toContain('more than the 1 shown');
  const [, row, whose, ...rest] = text.stdout.trimEnd().split('\n');
  expect(rest).toEqual([]);
  expect(row).toMatch(new RegExp(`^${day} 13:00:00 .*013800138000`));
  expect(whose).toBe('  demo-udesk  disputed');
  expect(text.stderr).toContain('--limit');
}

async function notFoundIn(bench: Workbench): Promise<void> {
  const hole = ago(1);
  tamper(
    bench.store,
    "update days set state = 'incomplete' where account_id = 'demo-okcc' and day in (?, ?)",
    ...[hole, ago(2)],
  );
  const okcc = ['--account', 'demo-okcc'];
  const [text, json, number, usage] = await Promise.all([
    bench.run('show', 'nobody', ...okcc),
    bench.run('--json', 'show', 'nobody', ...okcc),
    bench.run('--json', 'show', '--number', '1999', ...okcc, ...only(hole)),
    bench.run('show', 'nobody', '--number', '1999'),
  ]);
  expect([text.code, text.stdout]).toEqual([1, '']);
  expect(text.stderr).toMatch(/holds no call of this id/);
  expect(text.stderr).toContain(`${ago(2)} to ${hole} incomplete`);
  expect(text.stderr).toContain('cdrsync backfill --account demo-okcc');
  expect(json.code).toBe(1);
  expect(json.json).toMatchObject({
    calls: [],
    unproven: [
      { account: 'demo-okcc', days: expect.arrayContaining([{ day: hole, state: 'incomplete' }]) },
    ],
  });
  // Of the days asked for alone.
  expect([number.code, number.json]).toEqual([
    1,
    {
      calls: [],
      unproven: [expect.objectContaining({ days: [{ day: hole, state: 'incomplete' }] })],
    },
  ]);
  expect(usage.code).toBe(2);

  // Nobody's store is made or brought up to date by a look into it.
  if (STORE_KIND === 'sqlite') {
    // Of PostgreSQL there is one version so far.
    tamper(bench.store, "delete from kysely_migration where name = '0004_show'");
    const old = await bench.run('show', 'disputed');
    expect([old.code, old.stderr]).toEqual([1, expect.stringContaining('older version')]);
  }
  const none = newStore(bench.folder, 'none.db');
  const accounts = accountsOf(bench.sandbox, ['okcc']);
  await bench.writeConfig({ store: storeUrl(none), accounts });
  expect((await bench.run('show', 'disputed')).code).toBe(2);
  expect(storeExists(none)).toBe(false);
}

/** The hours of a number and its calls in one are found by indexes, and the strays of a day by theirs. */
async function plansIn({ store: path }: Workbench): Promise<void> {
  const store = await openStoreToRead(`sqlite:${path}`);
  if (store === null) throw new Error('There is no store.');
  const database = new SQLite(path, { readonly: true });
  const Step = z.object({ detail: z.string() });
  const planOf = (query: { compile(): CompiledQuery }): string[] => {
    const { sql, parameters } = query.compile();
    const steps = database.prepare<unknown[]>(`explain query plan ${sql}`).all(...parameters);
    return steps.map((step) => Step.parse(step).detail);
  };
  const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  const scope = { accountIds: ['demo-okcc'], ...range };
  const look = { forms: ['13800138000', '008613800138000'], scope, limit: 50 };
  const byNumber = (party: string): string =>
    `SEARCH calls USING INDEX calls_by_${party} (<expr>=? AND <expr>=?)`;
  try {
    const hours = hoursQuery(look);
    expect(planOf({ compile: () => hours.compile(store.db) }).filter(looksUp)).toEqual([
      'SEARCH calls USING COVERING INDEX calls_in_order (started_at<?)',
      'SEARCH calls USING COVERING INDEX calls_in_order (started_at<?)',
      byNumber('caller'),
      byNumber('callee'),
    ]);
    for (const party of ['caller', 'callee'] as const) {
      expect(
        planOf(hoursCallsQuery(store.db, look, party, ['2026-01-01T08', '2026-01-01T09'])),
      ).toEqual([byNumber(party), 'USE TEMP B-TREE FOR ORDER BY']);
    }
    expect(planOf(strayQuery(store, 'demo-okcc', '2026-01-01', range))).toEqual([
      'SEARCH calls USING INDEX calls_in_order (started_at>? AND started_at<?)',
    ]);
  } finally {
    database.close();
    await store.close();
  }
}

/** Not how the steps hang together. */
function looksUp(step: string): boolean {
  return step.includes('calls');
}

it.each([
  ['13800138000', ['+8613800138000', '008613800138000', '8613800138000', '013800138000']],
  ['008613800138000', ['13800138000', '013800138000', '+8613800138000']],
  ['021-5555 0000', ['021-5555 0000', '02155550000', '2155550000', '+862155550000']],
  ['+852 2123 4567', ['85221234567', '+85221234567', '0085221234567']],
  ['85221234567', ['+85221234567', '0085221234567']],
  ['１３８００１３８０００', ['13800138000', '+8613800138000']],
  ['＋86 138–0013–8000', ['13800138000', '+8613800138000']],
  ['\u202a+8613800138000\u202c', ['13800138000', '+8613800138000']],
  ['+86 (0)138 0013 8000', ['13800138000', '+8613800138000', '013800138000']],
  ['+86（0）755 1234 5678', ['075512345678', '+8675512345678']],
  ['0086 0755 12345678', ['075512345678', '+8675512345678']],
  ['+44 (0)20 7946 0958', ['+442079460958', '00442079460958']],
])('knows the spellings of %s', (given, spellings) => {
  expect(numberForms(given)).toEqual(expect.arrayContaining(spellings));
});

it('takes no number for another one of the same digits', () => {
  // An extension, a service number; and +1 380 013 8000 is no Chinese mobile, nor the reverse.
  expect(numberForms('8001')).toEqual(['8001']);
  expect(numberForms('10086')).toEqual(['10086']);
  expect(numberForms('+13800138000')).not.toContain('13800138000');
  expect(numberForms('13800138000')).not.toContain('+13800138000');
  expect(numberForms('sip:alice')).toEqual(['sip:alice']);
});

it('shows the newest calls of an id that many share', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 3 },
  });
  for (const number of [3, 1, 2]) {
    const row = freshRow(bench.sandbox, 'okcc', at(1, `1${number}:00:00`), number);
    bench.sandbox.insert('okcc', { ...row, session: 'shared' });
  }
  await runs(bench, 'sync');
  const { calls, more } = shown(await bench.run('--json', 'show', 'shared', '--limit', '2'));
  expect(more).toBe(true);
  expect(calls.map(({ started_at }) => started_at)).toEqual(
    ['13:00:00', '12:00:00'].map((time) => isoSeconds(at(1, time))),
  );
  const store = await openStoreToRead(bench.storeUrl);
  if (store === null) throw new Error('There is no store.');
  onTestFinished(() => store.close());
  // It plans otherwise, by what the tables hold.
  if (STORE_KIND === 'postgres') return;
  const plans = idQueries(store, 'shared', ['demo-okcc', 'other'], 2).map((one) =>
    planOf(bench.store, one.compile()),
  );
  const looks = [
    /^SEARCH calls USING (PRIMARY KEY|INDEX sqlite_autoindex_calls_1) \(account_id=\? AND call_id=\?\)\n/,
    /^SEARCH calls USING INDEX calls_by_native_id \(account_id=\? AND native_id=\?\)\n/,
    /^SEARCH calls USING INDEX calls_by_other_identity \(account_id=\? AND identity_key=\?\)\n/,
  ];
  for (const [index, look] of looks.entries()) expect(plans[index]).toMatch(look);
});
