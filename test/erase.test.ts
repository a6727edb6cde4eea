import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import SQLite from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { type JsonObject, writeJson } from '../src/json.ts';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { erasureAlarms } from '../src/status/erasure-alarms.ts';
import { storeBytes } from '../src/store/disk.ts';
import { oldCallsQuery } from '../src/store/find-erasable.ts';
import { acquireLease } from '../src/store/leases.ts';
import { BEGINNING } from '../src/store/retentions.ts';
import { rebuildFile } from '../src/store/sqlite/remains.ts';
import { addDays, HOUR, MINUTE } from '../src/time.ts';
import { type Engine, openEngine } from './support/engine.ts';
import { ago, at, dayStates, tamper } from './support/tamper.ts';
import {
  lastChange,
  onlyPostgres,
  onlySqlite,
  readOn,
  STORE_KIND,
  wholeText,
} from './support/test-store.ts';
import {
  countIn,
  type Finished,
  freshRow,
  openWorkbench,
  query,
  shanghai,
  until,
  type Workbench,
} from './support/workbench.ts';

// A person's number out of the store, for good: whatever is read again, late, or by whom.

vi.setConfig({ testTimeout: 60_000 });

const NUMBER = '13912345678';
const REASON = 'request of a person, ticket 47';
/** What else of the person stands in a row. */
const NAME = '王小明-4711';

/** A call of the person, in the provider's words, each with the number as it writes them. */
function ownRow(bench: Workbench, provider: ProviderName, start: number, index = 1): JsonObject {
  const row = freshRow(bench.sandbox, provider, start, index);
  const own: Readonly<Record<ProviderName, JsonObject>> = {
    infin8linx: { destnumber: NUMBER, extnumber: NAME },
    itniotech: { callee: `86${NUMBER}`, phoneName: NAME, cost: JSON.rawJSON('1.10') },
    okcc: { caller: `0${NUMBER}`, userData: NAME, fee: JSON.rawJSON('1.10') },
    udesk: { customerNumber: NUMBER, agentName: NAME },
    vos: { phone: NUMBER, customer_name: NAME, fee: JSON.rawJSON('1.10') },
  };
  return { ...row, ...own[provider] };
}

/** How often a text stands in the bytes of the folder's files; those of a server are not ours to read, but its rows. */
function timesOnDisk(bench: Workbench, text: string): number {
  if (STORE_KIND === 'postgres') return wholeText(bench.store).split(text).length - 1;
  // By a process of its own: this one has the store open, and SQLite would lose its locks.
  const { stdout } = spawnSync('grep', ['-raoF', '--', text, bench.folder], { encoding: 'latin1' });
  return stdout.split('\n').length - 1;
}

const Sums = z.object({
  account_id: z.string(),
  listed_on: z.string(),
  calls: z.int(),
  talk: z.int().nullable(),
  cost: z.number().nullable(),
});

/** What must not change: calls, seconds and money of each day. */
function sumsOf({ store }: Workbench) {
  const sql = `select account_id, listed_on, count(*) as calls,
    cast(sum(talk_seconds) as bigint) as talk, cast(sum(cost) as float) as cost from calls where missing_since is null
    group by account_id, listed_on order by account_id, listed_on`;
  return query(store, Sums, sql);
}

const Stored = z.object({
  account_id: z.string(),
  call_id: z.string(),
  native_id: z.string().nullable(),
  started_at: z.string(),
  caller: z.string().nullable(),
  callee: z.string().nullable(),
  agent: z.string().nullable(),
  custom: z.string(),
  recording_ref: z.string().nullable(),
  recording_state: z.string(),
  raw: z.string(),
  flags: z.string(),
  version: z.int(),
  change_seq: z.int(),
  cost: z.string().nullable(),
  content_hash: z.string(),
  erasure_id: z.string().nullable(),
});

function erasedIn({ store }: Workbench): z.infer<typeof Stored>[] {
  const sql = 'select * from calls where erasure_id is not null order by started_at, call_id';
  return query(store, Stored, sql);
}

const Version = z.object({ change_reason: z.string(), record: z.string(), raw: z.string() });

function versionsIn({ store }: Workbench) {
  const sql = 'select * from call_versions order by account_id, call_id, version';
  return query(store, Version, sql);
}

const sequenceOf = ({ store }: Workbench): number => lastChange(store);

const BLANK = {
  ...{ caller: null, callee: null, agent: null, custom: '{}', raw: 'null' },
  ...{ recording_ref: null, recording_state: 'unknown', flags: '["erased"]' },
};

async function eraseByCommand(bench: Workbench, ...args: string[]): Promise<Finished> {
  return bench.run('--json', 'erase', '--number', NUMBER, '--reason', REASON, ...args);
}

const Document = z.object({
  erasure: z.string().nullable(),
  number_masked: z.string(),
  accounts: z.array(
    z.looseObject({
      account: z.string(),
      calls: z.int(),
      versions: z.int(),
      quarantined: z.int(),
      held: z.int(),
      calls_as_party: z.int(),
      calls_in_payload: z.int(),
      payload_keys: z.array(z.string()),
      digits_inside: z.int(),
      digits_inside_calls: z.array(z.string()),
      state: z.string(),
      error: z.looseObject({ code: z.string(), hint: z.string() }).nullable(),
    }),
  ),
  files: z.looseObject({ state: z.string(), occurrences: z.int().nullable() }),
  backups: z.array(z.string()),
});

function documentOf({ json, stderr }: Finished) {
  expect(json, stderr).toBeDefined();
  return Document.parse(json);
}

it.each(PROVIDERS)(
  'takes a number out of the calls of %s, and nothing brings it back',
  async (provider) => {
    const bench = await openWorkbench({
      providers: [provider],
      sandbox: { days: 2, callsPerDay: 40, providers: { udesk: {} } },
    });
    const day = ago(2);
    const own = [at(2, '10:00:00'), at(2, '15:00:00')].map((start, index) =>
      ownRow(bench, provider, start, index + 1),
    );
    for (const row of own) bench.sandbox.insert(provider, row);
    const engine = await openEngine(bench);
    await engine.sync();
    await engine.verify(day);
    const account = `demo-${provider}`;
    const [sums, states] = [sumsOf(bench), dayStates(bench.store, account)];
    expect(states[day]).toBe('verified');
    expect(timesOnDisk(bench, NUMBER)).toBeGreaterThan(1);
    const followed = sequenceOf(bench);

    const result = await eraseByCommand(bench);
    expect(result.code, result.stderr).toBe(0);
    const { accounts, number_masked } = documentOf(result);
    expect(number_masked).toBe('139****5678');
    expect(accounts).toEqual([
      {
        ...{
          account,
          calls: 2,
          versions: 0,
          quarantined: 0,
          held: 0,
          state: 'erased',
          error: null,
        },
        ...{ calls_as_party: 2, calls_in_payload: 0, payload_keys: [] },
        ...{ digits_inside: 0, digits_inside_calls: [] },
      },
    ]);
    // The sandbox's own rows stand in memory; in the folder is all that is ours.
    const gone = (): void => {
      expect(timesOnDisk(bench, NUMBER)).toBe(0);
      expect(timesOnDisk(bench, NAME)).toBe(0);
      expect(result.stdout + result.stderr + engine.log()).not.toContain(NUMBER);
      expect(erasedIn(bench)).toEqual([
        expect.objectContaining(BLANK),
        expect.objectContaining(BLANK),
      ]);
      expect(sumsOf(bench)).toEqual(sums);
    };
    gone();
    expect(erasedIn(bench).map(({ version }) => version)).toEqual([2, 2]);
    expect(versionsIn(bench).map(({ change_reason, raw }) => [change_reason, raw])).toEqual([
      ['erasure', 'null'],
      ['erasure', 'null'],
    ]);

    // Followers are told, once.
    const news = await bench.run('export', '--changed-since', String(followed));
    const lines = news.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        caller: null,
        callee: null,
        raw: null,
        flags: ['erased'],
      });
    }

    const before = sequenceOf(bench);
    const [polled] = await engine.sync();
    expect(polled).toMatchObject({ state: 'ok', inserted: 0, changed: 0 });
    const [audited] = await engine.verify(day);
    expect(audited).toMatchObject({
      state: 'ok',
      inserted: 0,
      changed: 0,
      missing: 0,
      quarantined: 0,
    });
    const span = { from: shanghai.startOfDay(day), to: shanghai.startOfDay(addDays(day, 1)) };
    const [filled] = await engine.backfill(span);
    expect(filled).toMatchObject({ state: 'ok', inserted: 0, changed: 0 });
    const [mapped] = await engine.reprocess();
    expect(mapped).toMatchObject({ changed: 0, rejected: 0, erased: 2 });
    expect(sequenceOf(bench)).toBe(before);
    expect(dayStates(bench.store, account)).toEqual(states);
    gone();

    // Gone at the provider, and back: marked and cleared as ever.
    const [call] = erasedIn(bench);
    const isOne = (row: JsonObject): boolean =>
      writeJson(row).includes(NUMBER) && writeJson(row).includes('10:00:00');
    expect(bench.sandbox.remove(provider, isOne)).toBe(1);
    expect((await engine.verify(day))[0]).toMatchObject({ missing: 1 });
    expect(
      countIn(bench.store, 'calls', `missing_since is not null and call_id = '${call?.call_id}'`),
    ).toBe(1);
    bench.sandbox.insert(provider, own[0] ?? {});
    expect((await engine.verify(day))[0]).toMatchObject({ missing: 0, inserted: 0, changed: 0 });
    expect(countIn(bench.store, 'calls', 'missing_since is not null')).toBe(0);
    gone();
  },
);

it('overwrites what comes late, and lets in what is new', async () => {
  const bench = await openWorkbench({ sandbox: { days: 2, callsPerDay: 20 } });
  const engine = await openEngine(bench);
  await engine.sync();
  const requestedAt = Date.now() - HOUR;
  for (const { calls } of await engine.erase(NUMBER, { requestedAt })) expect(calls).toBe(0);
  // A later request of another person is none of this one's.
  await engine.erase('13700000000');

  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, ownRow(bench, provider, at(2, '10:00:00'), 1));
    bench.sandbox.insert(provider, ownRow(bench, provider, requestedAt - 30 * MINUTE, 2));
    bench.sandbox.insert(provider, ownRow(bench, provider, requestedAt + 30 * MINUTE, 3));
  }
  // Those of the lookback by a poll, the other one by an audit.
  await engine.sync();
  for (const days of [2, 1]) await engine.verify(ago(days));
  const erased = erasedIn(bench);
  expect(erased).toHaveLength(2 * PROVIDERS.length);
  for (const call of erased) {
    expect(call).toMatchObject(BLANK);
    expect(call.version).toBe(1);
    expect(Date.parse(call.started_at)).toBeLessThan(requestedAt);
  }
  const clear = query(
    bench.store,
    Stored,
    `select * from calls where cast(raw as text) like '%${NUMBER}%'`,
  );
  expect(clear.map(({ account_id }) => account_id).sort()).toEqual(
    PROVIDERS.map((provider) => `demo-${provider}`).sort(),
  );
  for (const { started_at } of clear) expect(Date.parse(started_at)).toBeGreaterThan(requestedAt);

  const before = sequenceOf(bench);
  await engine.sync();
  await engine.verify(ago(2));
  expect(sequenceOf(bench)).toBe(before);
});

it('overwrites every version of a call whose number changed, and follows what it costs', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  const engine = await openEngine(bench);
  const row = { ...ownRow(bench, 'okcc', Date.now() - 30 * MINUTE), fee: JSON.rawJSON('1.10') };
  bench.sandbox.insert('okcc', row);
  await engine.sync();
  const isIt = (one: JsonObject): boolean => one['session'] === 'fresh-1';
  bench.sandbox.change('okcc', isIt, { caller: '13711112222' });
  await engine.sync();
  expect(await engine.erase(NUMBER)).toEqual([{ calls: 1, versions: 1, quarantined: 0, held: 0 }]);
  expect(erasedIn(bench)).toEqual([expect.objectContaining({ ...BLANK, version: 3 })]);
  const versions = versionsIn(bench);
  expect(versions.map(({ change_reason }) => change_reason)).toEqual(['provider', 'erasure']);
  for (const { record, raw } of versions) {
    expect(raw).toBe('null');
    expect(JSON.parse(record)).toMatchObject({ caller: null, callee: null, custom: '{}' });
    expect(record).not.toMatch(/13912345678|13711112222/);
  }
  // Another number, and another price: the one does not come in, the other does.
  bench.sandbox.change('okcc', isIt, { caller: '13733334444' });
  expect((await engine.sync())[0]).toMatchObject({ changed: 0 });
  bench.sandbox.change('okcc', isIt, { fee: JSON.rawJSON('2.20') });
  expect((await engine.sync())[0]).toMatchObject({ changed: 1 });
  expect((await engine.sync())[0]).toMatchObject({ changed: 0 });
  expect(erasedIn(bench)).toEqual([
    expect.objectContaining({ ...BLANK, version: 4, cost: '2.20' }),
  ]);
  expect(timesOnDisk(bench, '13733334444')).toBe(0);
});

it('overwrites a call of which the number becomes an erased one, with what it was before', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  const engine = await openEngine(bench);
  const row = { ...ownRow(bench, 'okcc', Date.now() - 30 * MINUTE), caller: '13711112222' };
  bench.sandbox.insert('okcc', row);
  await engine.sync();
  await engine.erase(NUMBER);
  expect(erasedIn(bench)).toEqual([]);
  bench.sandbox.change('okcc', ({ session }) => session === 'fresh-1', { caller: NUMBER });
  expect((await engine.sync())[0]).toMatchObject({ changed: 1 });
  expect(erasedIn(bench)).toEqual([expect.objectContaining({ ...BLANK, version: 2 })]);
  expect(versionsIn(bench).map(({ raw }) => raw)).toEqual(['null']);
  expect((await engine.sync())[0]).toMatchObject({ changed: 0 });
});

it('finds the number where the record has no party of it', async () => {
  const bench = await openWorkbench({
    providers: ['udesk'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  const engine = await openEngine(bench);
  const odd = {
    ...ownRow(bench, 'udesk', Date.now() - 30 * MINUTE),
    callType: 'of some other kind',
  };
  const note = {
    ...freshRow(bench.sandbox, 'udesk', Date.now() - 40 * MINUTE, 2),
    remark: `call back +86${NUMBER} at nine`,
  };
  const other = {
    ...freshRow(bench.sandbox, 'udesk', Date.now() - 50 * MINUTE, 3),
    // Its digits are a part of another number.
    remark: `order 9${NUMBER}9`,
  };
  for (const row of [odd, note, other]) bench.sandbox.insert('udesk', row);
  await engine.sync();
  expect(await engine.erase(NUMBER)).toEqual([{ calls: 2, versions: 0, quarantined: 0, held: 0 }]);
  expect(
    erasedIn(bench)
      .map(({ call_id }) => call_id)
      .sort(),
  ).toEqual(['fresh-1', 'fresh-2']);
});

it.each([
  ['(0755) 86123456', '075586123456'],
  ['0755 86123456', '+86 755-8612-3456'],
  ['+86-755-86123456', '075586123456'],
  ['１３９１２３４５６７８', '13912345678'],
  ['139\u20111234\u20115678', '１３９１２３４５６７８'],
  ['+86 (0)139 1234 5678', '13912345678'],
  ['(021) 5612-345', '0215612345'],
  ['5612-3456', '56123456'],
])('finds a party stored as %s by %s, now and later', async (stored, number) => {
  const bench = await openWorkbench({ providers: ['vos'], sandbox: { days: 1, callsPerDay: 5 } });
  const engine = await openEngine(bench);
  const rowOf = (phone: string, index: number): JsonObject => ({
    ...freshRow(bench.sandbox, 'vos', Date.now() - 40 * MINUTE, index),
    phone,
  });
  bench.sandbox.insert('vos', rowOf(stored, 1));
  bench.sandbox.insert('vos', rowOf('13700001111', 2));
  await engine.sync();
  expect(await engine.erase(number)).toMatchObject([{ calls: 1 }]);
  bench.sandbox.insert('vos', rowOf(`${stored} `, 3));
  await engine.sync();
  expect(erasedIn(bench)).toHaveLength(2);
});

it('finds digits behind a control character, and tells of those behind a prefix', async () => {
  const bench = await openWorkbench({ providers: ['udesk'], sandbox: { days: 1, callsPerDay: 5 } });
  const engine = await openEngine(bench);
  const rows = [
    { remark: `\u0001${NUMBER}` },
    { remark: `https://example.com/?caller=%2B86${NUMBER}` },
    { remark: `${NUMBER}_20261103.mp3` },
    { [NUMBER]: 'a name' },
    { customerNumber: `999${NUMBER}` },
  ];
  for (const [index, row] of rows.entries()) {
    const fresh = freshRow(bench.sandbox, 'udesk', Date.now() - 40 * MINUTE, index + 1);
    bench.sandbox.insert('udesk', { ...fresh, ...row });
  }
  await engine.sync();
  const result = await eraseByCommand(bench);
  expect(result.code, result.stderr).toBe(0);
  const [account] = documentOf(result).accounts;
  expect(account).toMatchObject({ calls: 4, calls_as_party: 0, calls_in_payload: 4 });
  expect(account?.payload_keys).toEqual([expect.stringMatching(/^139\*+5678$/), 'remark']);
  expect(account).toMatchObject({ digits_inside: 1, digits_inside_calls: ['fresh-5'] });
  expect(result.stdout).not.toContain(NUMBER);
  const prefixed = ['--number', `999${NUMBER}`, '--reason', REASON];
  const again = await bench.run('--json', 'erase', ...prefixed);
  expect(documentOf(again).accounts).toMatchObject([{ calls: 1, digits_inside: 0 }]);
  expect(timesOnDisk(bench, NUMBER)).toBe(0);
});

it('leaves ids, money and times that have the digits of a number alone', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'udesk', 'vos'],
    sandbox: { days: 1, callsPerDay: 5 },
  });
  const engine = await openEngine(bench);
  const start = Date.now() - 40 * MINUTE;
  const others: readonly (readonly [ProviderName, JsonObject])[] = [
    ['udesk', { customer_id: 62345678, queueId: '62345678' }],
    ['okcc', { session: 'abc62345678-1-def', fee: JSON.rawJSON('0.62345678') }],
    ['okcc', { userData: 'of abd62345678-1-def' }],
    ['vos', { customer_account: '62345678', fee: JSON.rawJSON('0.62345678') }],
    // Long ones, as the parts of a decimal, of a time, and of an address; and the call's own id.
    ['okcc', { fee: JSON.rawJSON('0.13912345678'), userData: '1.3912345678' }],
    ['okcc', { userData: '2026-11-03 17:00:00' }],
    ['okcc', { userData: 'from 192.168.101.23' }],
    ['okcc', { session: NUMBER }],
  ];
  for (const [index, [provider, row]] of others.entries()) {
    const fresh = freshRow(bench.sandbox, provider, start, index + 1);
    bench.sandbox.insert(provider, { ...fresh, ...row });
  }
  const own = { ...freshRow(bench.sandbox, 'vos', start, 9), phone: '6234-5678' };
  bench.sandbox.insert('vos', own);
  await engine.sync();
  for (const number of [NUMBER, '02026110317', '19216810123']) {
    for (const { calls } of await engine.erase(number)) expect(calls).toBe(0);
  }
  const dry = await bench.run('--json', 'erase', '--number', '62345678', '--dry-run');
  const told = documentOf(dry).accounts.map((one) => [one.calls_as_party, one.calls_in_payload]);
  expect(told).toEqual([
    [0, 0],
    [0, 0],
    [1, 0],
  ]);
  const wide = await bench.run(
    ...['--json', 'erase', '--number', '62345678', '--in-payload', '--dry-run'],
  );
  expect(
    documentOf(wide).accounts.map((one) => [
      one.calls_as_party,
      one.calls_in_payload,
      one.payload_keys,
    ]),
  ).toEqual([
    [0, 0, []],
    [0, 1, ['customer_id', 'queueId']],
    [1, 1, ['customer_account']],
  ]);

  // What comes later goes by the same.
  await engine.erase('62345678');
  expect(erasedIn(bench)).toHaveLength(1);
  const late = freshRow(bench.sandbox, 'udesk', start, 20);
  bench.sandbox.insert('udesk', { ...late, queueId: '62345678' });
  await engine.sync();
  expect(erasedIn(bench)).toHaveLength(1);
  await engine.erase('62345678', { inPayload: true });
  expect(erasedIn(bench)).toHaveLength(4);
  bench.sandbox.insert('udesk', {
    ...freshRow(bench.sandbox, 'udesk', start, 21),
    queueId: '62345678',
  });
  await engine.sync();
  expect(erasedIn(bench)).toHaveLength(5);
});

it('overwrites quarantined rows, which stay in quarantine and are known again', async () => {
  const bench = await openWorkbench({
    providers: ['infin8linx'],
    sandbox: { days: 2, callsPerDay: 10 },
  });
  const engine = await openEngine(bench);
  const broken = { ...ownRow(bench, 'infin8linx', at(2, '10:00:00')), answertime: 'no time' };
  bench.sandbox.insert('infin8linx', broken);
  await engine.sync();
  expect(countIn(bench.store, 'quarantine')).toBe(1);
  const states = dayStates(bench.store, 'demo-infin8linx');
  expect(await engine.erase(NUMBER)).toEqual([{ calls: 0, versions: 0, quarantined: 1, held: 0 }]);
  expect(countIn(bench.store, 'quarantine', "raw = 'null'")).toBe(1);
  await engine.verify(ago(2));
  await engine.reprocess();
  expect(countIn(bench.store, 'quarantine')).toBe(1);
  expect(dayStates(bench.store, 'demo-infin8linx')).toEqual(states);
  // Another one comes, late.
  bench.sandbox.insert('infin8linx', { ...broken, id: 900_000_777 });
  await engine.verify(ago(2));
  expect(countIn(bench.store, 'quarantine', "raw = 'null'")).toBe(2);
  expect(countIn(bench.store, 'quarantine')).toBe(2);
  // The provider mends them: calls, overwritten.
  bench.sandbox.change('infin8linx', ({ answertime }) => answertime === 'no time', {
    answertime: null,
  });
  await engine.verify(ago(2));
  expect(erasedIn(bench)).toHaveLength(2);
  expect(countIn(bench.store, 'quarantine', 'resolved_at is null')).toBe(0);
  expect(dayStates(bench.store, 'demo-infin8linx')[ago(2)]).toBe('verified');
});

it('overwrites rows that wait for the proof of their day, and tells equal ones apart', async () => {
  const bench = await openWorkbench({
    providers: ['vos'],
    settings: { startAt: ago(2) },
    sandbox: { days: 2, callsPerDay: 80, providers: { vos: { list: 'meta', pageSize: 15 } } },
  });
  const engine = await openEngine(bench);
  // The newest stand on the first page, of a day that is over for any lookback.
  const row = ownRow(bench, 'vos', at(2, '23:59:59'));
  for (const fee of ['1.10', '1.10', '2.20']) {
    bench.sandbox.insert('vos', { ...row, fee: JSON.rawJSON(fee) });
  }
  bench.sandbox.setFaults('vos', { script: [null, 'auth'] });
  await engine.sync();
  const Held = z.object({ raw: z.string() });
  const held = () => query(bench.store, Held, 'select raw from window_rows');
  expect(held().some(({ raw }) => raw.includes(NUMBER))).toBe(true);
  const [counts] = await engine.erase(NUMBER);
  expect(counts?.held).toBe(2);
  expect(held()).toEqual([]);

  // Once more half of it: what waits now waits without the number.
  bench.sandbox.setFaults('vos', { script: [null, 'auth'] });
  await engine.sync();
  expect(held().length).toBeGreaterThan(1);
  expect(held().some(({ raw }) => raw.includes(NUMBER))).toBe(false);
  bench.sandbox.setFaults('vos', null);
  await engine.sync();
  const erased = erasedIn(bench);
  expect(erased.map(({ cost }) => cost).sort()).toEqual(['1.10', '1.10', '2.20']);
  const before = sequenceOf(bench);
  expect((await engine.verify(ago(2)))[0]).toMatchObject({
    state: 'ok',
    inserted: 0,
    changed: 0,
    missing: 0,
  });
  expect(sequenceOf(bench)).toBe(before);
  // One of two equal rows goes: one call is missing, whichever it is.
  let removed = 0;
  bench.sandbox.remove('vos', (one) => {
    const hit = removed === 0 && writeJson(one).includes(NUMBER) && writeJson(one).includes('1.10');
    if (hit) removed += 1;
    return hit;
  });
  expect(removed).toBe(1);
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ missing: 1, changed: 0, inserted: 0 });
});

it('overwrites the one of equal rows that has the number, whatever is read again', async () => {
  const bench = await openWorkbench({ providers: ['vos'], sandbox: { days: 2, callsPerDay: 10 } });
  const engine = await openEngine(bench);
  const row = { ...freshRow(bench.sandbox, 'vos', at(2, '10:00:00')), phone: '13611111111' };
  const insert = (customer_name: string, fee: string): void =>
    bench.sandbox.insert('vos', { ...row, customer_name, fee: JSON.rawJSON(fee) });
  insert(`tel ${NUMBER}`, '1.00');
  insert('B', '2.00');
  insert('C', '2.00');
  await engine.sync();
  expect(await engine.erase(NUMBER)).toMatchObject([{ calls: 1 }]);
  const before = sequenceOf(bench);
  for (let round = 0; round < 2; round += 1) {
    const [audited] = await engine.verify(ago(2));
    expect(audited).toMatchObject({ inserted: 0, changed: 0, missing: 0 });
  }
  await engine.backfill({ from: at(2, '00:00:00'), to: at(1, '00:00:00') });
  expect(sequenceOf(bench)).toBe(before);
  expect(erasedIn(bench)).toEqual([expect.objectContaining({ ...BLANK, cost: '1.00' })]);

  // The number goes out of the payload: the call is erased all the same.
  const isIt = (one: JsonObject): boolean => writeJson(one).includes(NUMBER);
  bench.sandbox.change('vos', isIt, { customer_name: 'A' });
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ inserted: 0, changed: 0, missing: 0 });
  // A clear one changes, and one more comes.
  bench.sandbox.change('vos', ({ customer_name }) => customer_name === 'B', { customer_name: 'D' });
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ inserted: 0, changed: 1, missing: 0 });
  insert('E', '3.00');
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ inserted: 1, changed: 0, missing: 0 });
  expect(erasedIn(bench)).toEqual([expect.objectContaining({ ...BLANK, cost: '1.00' })]);
});

it('keeps two records under one id apart', async () => {
  const bench = await openWorkbench({
    providers: ['infin8linx'],
    sandbox: { days: 2, callsPerDay: 10 },
  });
  const engine = await openEngine(bench);
  const start = at(2, '10:00:00');
  for (const index of [1, 2]) {
    bench.sandbox.insert('infin8linx', {
      ...ownRow(bench, 'infin8linx', start, index),
      uuid: 'shared',
    });
  }
  await engine.sync();
  await engine.erase(NUMBER);
  const erased = erasedIn(bench);
  expect(erased.map(({ call_id }) => call_id)).toEqual([
    'shared',
    expect.stringMatching(/^shared#/),
  ]);
  for (const { flags } of erased)
    expect(JSON.parse(flags)).toEqual(['erased', 'identity_conflict']);
  const before = sequenceOf(bench);
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ inserted: 0, changed: 0, missing: 0 });
  // A third one comes late.
  bench.sandbox.insert('infin8linx', { ...ownRow(bench, 'infin8linx', start, 3), uuid: 'shared' });
  expect((await engine.verify(ago(2)))[0]).toMatchObject({ inserted: 1, changed: 0, missing: 0 });
  expect(erasedIn(bench)).toHaveLength(3);
  expect(sequenceOf(bench)).toBeGreaterThan(before);
});

it('erases in the accounts that are named, and counts first what it would', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'vos'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  for (const provider of ['okcc', 'vos'] as const) {
    bench.sandbox.insert(provider, ownRow(bench, provider, at(1, '10:00:00')));
  }
  const engine = await openEngine(bench);
  await engine.sync();
  const before = sequenceOf(bench);
  const dry = await bench.run('--json', 'erase', '--number', `+86 ${NUMBER}`, '--dry-run');
  expect(dry.code, dry.stderr).toBe(0);
  expect(documentOf(dry).accounts.map(({ calls, state }) => [calls, state])).toEqual([
    [1, 'counted'],
    [1, 'counted'],
  ]);
  expect(sequenceOf(bench)).toBe(before);
  expect(countIn(bench.store, 'erasures')).toBe(0);
  expect(countIn(bench.store, 'runs', "trigger = 'erase'")).toBe(0);

  const one = await eraseByCommand(bench, '--account', 'demo-vos');
  expect(one.code, one.stderr).toBe(0);
  expect(documentOf(one).accounts.map(({ account, calls }) => [account, calls])).toEqual([
    ['demo-vos', 1],
  ]);
  expect(documentOf(one).files.state).toBe('rebuilt');
  // The files of a server are not searched.
  if (STORE_KIND === 'sqlite') expect(documentOf(one).files.occurrences).toBeGreaterThan(0);
  expect(erasedIn(bench).map(({ account_id }) => account_id)).toEqual(['demo-vos']);
  // What comes late is overwritten there alone.
  for (const provider of ['okcc', 'vos'] as const) {
    bench.sandbox.insert(provider, ownRow(bench, provider, at(1, '11:00:00'), 2));
  }
  await engine.verify(ago(1));
  expect(erasedIn(bench).map(({ account_id }) => account_id)).toEqual(['demo-vos', 'demo-vos']);

  const all = await eraseByCommand(bench);
  expect(all.code, all.stderr).toBe(0);
  expect(documentOf(all).accounts.map(({ account, calls }) => [account, calls])).toEqual([
    ['demo-okcc', 2],
    ['demo-vos', 0],
  ]);
  expect(timesOnDisk(bench, NUMBER)).toBe(0);

  // It is told of each call, and of all erasures, and never of whom.
  const shown = await bench.run('show', 'fresh-1');
  expect(shown.stdout.replaceAll(/\s+/g, ' ')).toContain(REASON);
  const listed = await bench.run('--json', 'erase', '--list');
  const List = z.object({
    erasures: z.array(z.looseObject({ reason: z.string(), state: z.string() })),
  });
  expect(List.parse(listed.json).erasures.map(({ reason, state }) => [reason, state])).toEqual([
    [REASON, 'finished'],
    [REASON, 'finished'],
  ]);
  const words = await bench.run('erase', '--list');
  expect(listed.stdout + words.stdout + shown.stdout).not.toContain(NUMBER);
});

it.each([
  ['a number of nobody', ['--number', '10', '--reason', 'x'], /three digits/],
  ['an extension', ['--number', '8001', '--reason', 'x'], /--short/],
  ['a word', ['--number', 'anonymous', '--reason', 'x'], /no phone number/],
  ['no reason', ['--number', NUMBER], /--reason/],
  ['a reason with the number', ['--number', NUMBER, '--reason', `for +86 139-1234-5678`], /itself/],
  ['it in full width', ['--number', NUMBER, '--reason', 'for １３９１２３４５６７８'], /itself/],
  ['it in groups', ['--number', NUMBER, '--reason', 'for 139_1234_5678'], /itself/],
  ['it in words', ['--number', NUMBER, '--reason', '一三九一二三四五六七八'], /itself/],
  ['few digits', ['--number', '8001', '--short', '--in-payload', '--reason', 'x'], /seven digits/],
  ['no number', ['--reason', 'x'], /--number/],
  ['an unknown account', ['--number', NUMBER, '--reason', 'x', '--account', 'nobody'], /nobody/],
])('refuses %s', async (_what, args, words) => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 1 } });
  await (await openEngine(bench)).sync();
  const { code, stderr, stdout } = await bench.run('erase', ...args);
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(words);
  expect(stderr + stdout).not.toContain(NUMBER);
  expect(countIn(bench.store, 'erasures')).toBe(0);
});

it('waits for an account that another process holds, and says how to go on', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
  const engine = await openEngine(bench);
  await engine.sync();
  const lease = await acquireLease(engine.store, 'demo-okcc');
  expect(lease.kind).toBe('held');
  const result = await eraseByCommand(bench, '--max-wait', '1s');
  expect(result.code, result.stderr).toBe(1);
  const [account] = documentOf(result).accounts;
  expect(account).toMatchObject({ state: 'held', calls: 0, error: { code: 'erase.held' } });
  expect(result.stderr).toMatch(/waiting for process \d+/);
  // It is asked for all the same, and the same command completes it.
  tamper(bench.store, 'update leases set holder = null');
  const again = await eraseByCommand(bench);
  expect(again.code, again.stderr).toBe(0);
  expect(countIn(bench.store, 'erasures')).toBe(1);
  expect(timesOnDisk(bench, NUMBER)).toBe(0);
});

const KILLER = new URL('./support/kill-at.ts', import.meta.url).href;

it.each([
  ['after 1 insert into "erasures"'],
  ['before 2 insert into "call_versions"'],
  ['after 2 insert into "calls"'],
  ['after 5 commit'],
  ['before 7 commit'],
])('is completed by the same command when it was killed %s', async (kill) => {
  const bench = await openWorkbench({
    providers: ['okcc', 'vos'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  for (const provider of ['okcc', 'vos'] as const) {
    for (const index of [1, 2, 3]) {
      bench.sandbox.insert(provider, ownRow(bench, provider, at(1, `1${index}:00:00`), index));
    }
  }
  const engine = await openEngine(bench);
  await engine.sync();
  const sums = sumsOf(bench);
  const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
  const args = ['--json', 'erase', '--number', NUMBER, '--reason', REASON];
  const killed = await bench.start(args, environment).finished;
  expect(killed.signal).toBe('SIGKILL');
  // What was committed of it holds: a run in between brings nothing back.
  const [done, asked] = [erasedIn(bench).length, countIn(bench.store, 'erasures')];
  if (done > 0) expect(asked).toBe(1);
  await engine.sync();
  await engine.verify(ago(1));
  expect(erasedIn(bench).length).toBeGreaterThanOrEqual(done);

  const again = await eraseByCommand(bench);
  expect(again.code, again.stderr).toBe(0);
  expect(countIn(bench.store, 'erasures')).toBe(1);
  expect(countIn(bench.store, 'erasure_accounts', 'finished_at is null')).toBe(0);
  expect(erasedIn(bench)).toHaveLength(6);
  expect(sumsOf(bench)).toEqual(sums);
  expect(timesOnDisk(bench, NUMBER)).toBe(0);
});

onlySqlite('copies beside a file')('names the copies beside the store', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
  await (await openEngine(bench)).sync();
  const copy = join(bench.folder, 'old.bak');
  expect((await bench.run('backup', '--to', copy)).code).toBe(0);
  const result = await bench.run('erase', '--number', NUMBER, '--reason', REASON);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('old.bak');
  for (const line of result.stdout.split('\n').filter((text) => !text.includes('old.bak'))) {
    expect(line.length).toBeLessThanOrEqual(80);
  }
  expect(existsSync(copy)).toBe(true);
});

it('says that a reader keeps the files in use, and is completed when that is gone', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
  const engine = await openEngine(bench);
  await engine.sync();
  const end = readOn(bench.store);
  const busy = await eraseByCommand(bench, '--max-wait', '1s');
  expect(busy.code, busy.stderr).toBe(1);
  expect(documentOf(busy).accounts[0]?.state).toBe('erased');
  expect(documentOf(busy).files).toMatchObject({ state: 'busy', error: { code: 'erase.busy' } });
  end();
  const again = await eraseByCommand(bench);
  expect(again.code, again.stderr).toBe(0);
  expect(timesOnDisk(bench, NUMBER)).toBe(0);
});

onlyPostgres('files that are not ours to search')(
  'writes the tables anew whenever the same erasure overwrote something in them',
  async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 1, callsPerDay: 10 },
    });
    bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
    await (await openEngine(bench)).sync();
    const node = z.object({ node: z.int() });
    const file = () =>
      query(bench.store, node, "select pg_relation_filenode('calls')::int as node")[0]?.node;
    const before = file();
    const left = await eraseByCommand(bench, '--no-rebuild');
    expect([left.code, documentOf(left).files.state], left.stderr).toEqual([1, 'remains']);
    expect(file()).toBe(before);
    // It finds nothing more to overwrite, and still has the tables to see to.
    const again = await eraseByCommand(bench);
    expect([again.code, documentOf(again).files.state], again.stderr).toEqual([0, 'rebuilt']);
    expect(file()).not.toBe(before);
    const nothing = await eraseByCommand(bench);
    expect([nothing.code, documentOf(nothing).files.state]).toEqual([0, 'clean']);
  },
);

onlySqlite('how it plans a query')('looks for old calls by an index that is there', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  const { store } = await openEngine(bench);
  const span = { from: BEGINNING, to: '2026-01-01T00:00:00Z' };
  const plan = planOf(bench, oldCallsQuery(store, 'demo-okcc', span, 500).compile());
  expect(plan).toBe('SEARCH calls USING INDEX calls_in_order (started_at>? AND started_at<?)');
});

const Plan = z.object({ detail: z.string() });
const Parameter = z.union([z.string(), z.number()]);

function planOf({ store }: Workbench, { sql, parameters }: CompiledQuery): string {
  const values = z.array(Parameter).parse(parameters);
  return query(store, Plan, `explain query plan ${sql}`, ...values)
    .map(({ detail }) => detail)
    .join('; ');
}

async function listedStates(bench: Workbench) {
  const { json } = await bench.run('--json', 'erase', '--list');
  const erasure = z.looseObject({ state: z.string(), files_clean_at: z.string().nullable() });
  const { erasures } = z.object({ erasures: z.array(erasure) }).parse(json);
  return erasures.map(({ state, files_clean_at }) => [state, files_clean_at]);
}

async function alarmsOf({ store }: Engine): Promise<readonly string[]> {
  return (await erasureAlarms(store, Date.now())).map(({ message }) => message);
}

it('is not finished before the files are seen to', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
  await (await openEngine(bench)).sync();
  const kill = 'before 1 update "erasures" set "files_clean_at"';
  const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
  const args = ['--json', 'erase', '--number', NUMBER, '--reason', REASON];
  expect((await bench.start(args, environment).finished).signal).toBe('SIGKILL');
  expect(countIn(bench.store, 'erasure_accounts', 'finished_at is null')).toBe(0);
  expect(await listedStates(bench)).toEqual([['unfinished', null]]);
  expect((await eraseByCommand(bench)).code).toBe(0);
  expect(await listedStates(bench)).toEqual([['finished', expect.any(String)]]);
});

onlySqlite('the disk of the file')(
  'tells of a disk without room for the copy, by the folder, and keeps the report',
  async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 1, callsPerDay: 10 },
    });
    bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
    await (await openEngine(bench)).sync();
    const url = bench.storeUrl;
    const waiting = { patience: 0, signal: new AbortController().signal };
    const none = await rebuildFile(url, waiting, async () => 1000);
    expect(none).toEqual({ state: 'no_room', folder: bench.folder });
    // A store that cannot be written anew, for whatever reason, takes nothing of the report away.
    tamper(bench.store, 'create table left_over (text)');
    tamper(bench.store, `insert into left_over values ('${NUMBER}')`);
    tamper(bench.store, 'drop table left_over');
    const broken = new URL('./support/no-vacuum.ts', import.meta.url).href;
    for (const [code, state, error] of [
      ['SQLITE_FULL', 'no_room', 'erase.room'],
      ['SQLITE_CANTOPEN', 'no_room', 'erase.room'],
      ['SQLITE_IOERR_WRITE', 'failed', 'store.io'],
    ] as const) {
      const environment = { CDRSYNC_TEST_VACUUM: code, NODE_OPTIONS: `--import ${broken}` };
      const args = ['--json', 'erase', '--number', NUMBER, '--reason', REASON];
      const failed = await bench.start(args, environment).finished;
      expect(failed.code, failed.stderr).toBe(1);
      expect(documentOf(failed).accounts).toMatchObject([{ state: 'erased' }]);
      expect(documentOf(failed).files).toMatchObject({ state, error: { code: error } });
    }
    expect((await eraseByCommand(bench)).code).toBe(0);
    expect(timesOnDisk(bench, NUMBER)).toBe(0);
  },
);

onlySqlite('a reader that the test looks past')(
  'stops while a reader keeps the files in use',
  async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 1, callsPerDay: 10 },
    });
    bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
    await (await openEngine(bench)).sync();
    const reader = new SQLite(bench.store, { readonly: true });
    reader.exec('begin');
    reader.prepare('select count(*) from calls').get();
    const args = ['erase', '--number', NUMBER, '--reason', REASON];
    const running = bench.start([...args, '--max-wait', '30s']);
    const done = (): boolean => countIn(bench.store, 'erasure_accounts', 'finished_at > 0') === 1;
    await until('the account is done', done);
    const asked = performance.now();
    running.kill('SIGTERM');
    const stopped = await running.finished;
    expect(performance.now() - asked).toBeLessThan(5000);
    expect(stopped.signal ?? stopped.code).not.toBe(0);
    expect(stopped.stderr).toContain('the same command completes it');
    reader.close();
    expect(await listedStates(bench)).toEqual([['unfinished', null]]);
  },
);

onlySqlite('a link to a file')(
  'takes the number from standard input, in full-width digits, and a store behind a link',
  async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 1, callsPerDay: 10 },
    });
    bench.sandbox.insert('okcc', ownRow(bench, 'okcc', at(1, '10:00:00')));
    await (await openEngine(bench)).sync();
    const copy = join(bench.folder, 'old.bak');
    expect((await bench.run('backup', '--to', copy)).code).toBe(0);
    const elsewhere = await mkdtemp(join(tmpdir(), 'cdrsync-link-'));
    onTestFinished(() => rm(elsewhere, { recursive: true }));
    const link = join(elsewhere, 'linked.db');
    symlinkSync(bench.store, link);
    const config = z.looseObject({}).parse(JSON.parse(readFileSync(bench.config, 'utf8')));
    const linked = join(elsewhere, 'worker.config.json');
    writeFileSync(linked, JSON.stringify({ ...config, store: `sqlite:${link}` }));
    const erase = ['--json', '--config', linked, 'erase', '--number', '-', '--reason', REASON];
    const input = '１３９ 1234 5678\n';
    const { status, stdout, stderr } = spawnSync(process.execPath, [inject('cli'), ...erase], {
      input,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    expect(await storeBytes(`sqlite:${link}`, null)).toBe(await storeBytes(bench.storeUrl, null));
    const told = Document.parse(JSON.parse(stdout));
    expect(told.number_masked).toBe('139****5678');
    expect(told.accounts).toMatchObject([{ calls: 1 }]);
    expect(told.backups.map((path) => basename(path))).toEqual(['old.bak']);
  },
);

onlySqlite('pages of a file').each([
  NUMBER,
  '139 1234-5678',
  '１３９１２３４５６７８',
  '(139)\u20111234\u30005678',
])('finds %s in unused space of the file, and writes the store anew', async (spelling) => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  const engine = await openEngine(bench);
  await engine.sync();
  // Pages that were freed by a connection that does not overwrite what it deletes.
  tamper(bench.store, 'create table left_over (text)');
  tamper(bench.store, `insert into left_over values ('${spelling}')`);
  tamper(bench.store, 'drop table left_over');
  const kept = await eraseByCommand(bench, '--no-rebuild');
  expect(kept.code, kept.stderr).toBe(1);
  expect(documentOf(kept).files).toMatchObject({ state: 'remains', occurrences: 1 });
  expect(timesOnDisk(bench, spelling)).toBe(1);
  expect(await listedStates(bench)).toEqual([['unfinished', null]]);
  expect(await alarmsOf(engine)).toEqual([expect.stringContaining('in the files of the store (')]);
  const rebuilt = await eraseByCommand(bench);
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect(documentOf(rebuilt).files).toMatchObject({ state: 'rebuilt', occurrences: 0 });
  expect(timesOnDisk(bench, spelling)).toBe(0);
  expect(await listedStates(bench)).toEqual([['finished', expect.any(String)]]);
  expect(await alarmsOf(engine)).toEqual([]);
  expect((await engine.sync())[0]).toMatchObject({ state: 'ok', inserted: 0, changed: 0 });
});
