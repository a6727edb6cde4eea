import { createHash } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { ago, at, dayStates, tamper } from './support/tamper.ts';
import { lastChange } from './support/test-store.ts';
import {
  countIn,
  type Finished,
  freshRow,
  openWorkbench,
  query,
  reportsOf,
  type Workbench,
} from './support/workbench.ts';

// Mapping stored payloads again. An older mapping is simulated by what it would have left in the store.

vi.setConfig({ testTimeout: 60_000 });

const Row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
type Row = z.infer<typeof Row>;

const rowsOf = (store: string, table: string, order: string): Row[] =>
  query(store, Row, `select * from ${table} order by ${order}`);

/** All that a store holds but the runs and leases, which tell who wrote. */
function contentOf(store: string): Record<string, Row[]> {
  return {
    calls: rowsOf(store, 'calls', 'account_id, call_id'),
    quarantine: rowsOf(store, 'quarantine', 'account_id, digest'),
    days: rowsOf(store, 'days', 'account_id, day'),
    sequence: [{ value: lastChange(store) }],
    audits: rowsOf(store, 'audits', 'account_id, day'),
  };
}

/** The calls, but for when and in which order they were written. */
function callsIn(store: string): Row[] {
  const own = ['change_seq', 'first_seen_at', 'changed_at'];
  return rowsOf(store, 'calls', 'account_id, call_id').map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !own.includes(name))),
  );
}

const Outcome = z.object({
  account: z.string(),
  calls: z.int(),
  changed: z.int(),
  columns: z.record(z.string(), z.int()),
  rejected: z.int(),
  quarantined: z.int(),
  released: z.int(),
});

function outcomesOf({ json, code, stderr }: Finished): z.infer<typeof Outcome>[] {
  expect(code, stderr).toBe(0);
  return z.object({ accounts: z.array(Outcome) }).parse(json).accounts;
}

/** Makes a stored call of each account a row that the mapping of its time could not read. */
function setAside(bench: Workbench, day: string): void {
  const sql = `select account_id, min(call_id) as call_id from calls where listed_on = ?
    group by account_id`;
  const Key = z.object({ account_id: z.string(), call_id: z.string() });
  for (const { account_id, call_id } of query(bench.store, Key, sql, day)) {
    const [row] = query(
      bench.store,
      z.object({ raw: z.string() }),
      'select raw from calls where account_id = ? and call_id = ?',
      ...[account_id, call_id],
    );
    quarantine(bench, account_id, day, row?.raw ?? '');
    const where = 'where account_id = ? and call_id = ?';
    expect(tamper(bench.store, `delete from calls ${where}`, account_id, call_id)).toBe(1);
  }
}

function quarantine({ store }: Workbench, account: string, day: string, raw: string): void {
  const digest = createHash('sha256').update(raw).digest('hex');
  tamper(
    store,
    `insert into quarantine (account_id, digest, listed_on, reason, raw, first_seen_at, last_seen_at)
       values (?, ?, ?, 'as it was', ?, 0, 0)`,
    ...[account, digest, day, raw],
  );
  tamper(
    store,
    "update days set state = 'incomplete' where account_id = ? and day = ?",
    ...[account, day],
  );
}

it('applies the mapping of today to all that is stored, without a network and without versions', async () => {
  const bench = await openWorkbench({ sandbox: { days: 2, callsPerDay: 15 } });
  expect((await bench.run('sync')).code).toBe(0);
  const mapped = callsIn(bench.store);
  const day = ago(2);
  setAside(bench, day);
  const wrong = `update calls set mapping_version = 0, disposition = 'unknown', caller = 'nobody',
    talk_seconds = 86401`;
  const count = tamper(bench.store, wrong);
  // What no mapping can read stays where it is: a row aside, and a call that an older mapping has taken.
  const unreadable = '{"nothing":1.10}';
  quarantine(bench, 'demo-okcc', ago(1), unreadable);
  const Rejected = z.object({ call_id: z.string() });
  const [rejected] = query(
    bench.store,
    Rejected,
    "select max(call_id) as call_id from calls where account_id = 'demo-udesk'",
  );
  const odd = `account_id = 'demo-udesk' and call_id = '${rejected?.call_id}'`;
  tamper(bench.store, `update calls set raw = '${unreadable}' where ${odd}`);
  await bench.sandbox.close();

  const before = contentOf(bench.store);
  const plan = await bench.run('--json', 'reprocess', '--dry-run');
  const outcomes = outcomesOf(plan);
  expect(contentOf(bench.store)).toEqual(before);
  expect(countIn(bench.store, 'runs', "trigger = 'reprocess'")).toBe(0);
  expect(outcomes.map(({ account }) => account)).toEqual(PROVIDERS.map((name) => `demo-${name}`));
  for (const { account, calls, changed, columns, ...rest } of outcomes) {
    const odds = account === 'demo-udesk' ? 1 : 0;
    expect(calls).toBe(countIn(bench.store, 'calls', `account_id = '${account}'`));
    // No call has a caller of that name, nor talked for so long.
    expect([account, changed, columns['caller'], columns['talk_seconds']]).toEqual([
      ...[account, calls - odds, calls - odds, calls - odds],
    ]);
    expect(Object.keys(columns).sort()).toEqual(['caller', 'disposition', 'talk_seconds']);
    const aside = account === 'demo-okcc' ? 2 : 1;
    expect(rest).toEqual({ rejected: odds, quarantined: aside, released: 1 });
  }
  const text = await bench.run('reprocess', '--dry-run', '--account', 'demo-vos');
  expect(text.stdout).toMatch(/caller \d+/);

  const run = await bench.run('--json', 'reprocess');
  expect(run.code, run.stderr).toBe(0);
  for (const { state, requests, error } of reportsOf(run)) {
    expect([state, requests, error]).toEqual(['ok', 0, null]);
  }
  const isOdd = (row: Row) => row['call_id'] === rejected?.call_id;
  expect(callsIn(bench.store).filter((row) => !isOdd(row))).toEqual(
    mapped.filter((row) => !isOdd(row)),
  );
  expect(
    countIn(bench.store, 'calls', `${odd} and mapping_version = 0 and caller = 'nobody'`),
  ).toBe(1);
  expect(countIn(bench.store, 'calls')).toBe(count + PROVIDERS.length);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
  for (const provider of PROVIDERS) {
    expect(dayStates(bench.store, `demo-${provider}`)[day]).toBe('complete');
  }
  expect(dayStates(bench.store, 'demo-okcc')[ago(1)]).toBe('incomplete');
  const aside = query(bench.store, z.object({ raw: z.string() }), 'select raw from quarantine');
  expect(aside).toEqual([{ raw: unreadable }]);

  // Readers that follow the change sequence see each row that was mapped anew, and then no more.
  const sequence = lastChange(bench.store);
  expect([{ value: sequence }]).not.toEqual(before['sequence']);
  expect((await bench.run('reprocess')).code).toBe(0);
  expect(lastChange(bench.store)).toBe(sequence);
});

it('writes nothing into a store that is missing, and creates none', async () => {
  const bench = await openWorkbench({ providers: ['udesk'] });
  const result = await bench.run('reprocess', '--dry-run');
  expect(result.code, result.stderr).toBe(2);
  expect(() => countIn(bench.store, 'calls')).toThrow();
});

it('gives calls the names of their hangup reasons that arrive later', async () => {
  const bench = await openWorkbench({
    providers: ['udesk'],
    sandbox: { days: 2, callsPerDay: 60 },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const named = callsIn(bench.store);
  expect(countIn(bench.store, 'calls', 'hangup_reason is not null')).toBeGreaterThan(0);
  // As if the list of reasons could not be had until now.
  tamper(bench.store, 'delete from dimensions');
  tamper(bench.store, 'update calls set hangup_reason = null');
  const poll = await bench.run('--json', 'sync');
  expect(poll.code, poll.stderr).toBe(0);
  // The names are there by now, and what is stored is not touched by itself.
  expect(countIn(bench.store, 'dimensions')).toBeGreaterThan(0);
  const without = countIn(bench.store, 'calls', 'hangup_reason is null');
  expect(without).toBe(named.length);
  await bench.sandbox.close();
  const [plan] = outcomesOf(await bench.run('--json', 'reprocess', '--dry-run'));
  const wanted = named.filter((row) => row['hangup_reason'] !== null).length;
  expect(plan?.columns).toEqual({ hangup_reason: wanted });
  const run = await bench.run('--json', 'reprocess');
  expect(run.code, run.stderr).toBe(0);
  expect(callsIn(bench.store)).toEqual(named);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
});

it('keeps what a row in quarantine says, to the digit, and knows the call when it is listed again', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 2, callsPerDay: 10 } });
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  const row = {
    ...freshRow(bench.sandbox, 'okcc', at(2, '12:00:00')),
    ...{ fee: JSON.rawJSON('1.10'), big: JSON.rawJSON('9007199254740993123') },
  };
  quarantine(bench, 'demo-okcc', day, JSON.stringify(row));
  const run = await bench.run('--json', 'reprocess');
  expect(run.code, run.stderr).toBe(0);
  const Call = z.object({ raw: z.string(), cost: z.string(), listed_on: z.string() });
  const sql = "select raw, cost, listed_on from calls where call_id = 'fresh-1'";
  const stored = [{ raw: JSON.stringify(row), cost: '1.10', listed_on: day }];
  expect(query(bench.store, Call, sql)).toEqual(stored);
  bench.sandbox.insert('okcc', row);
  const audit = await bench.run('--json', 'verify', '--from', day, '--to', ago(1));
  expect(audit.code, audit.stderr).toBe(0);
  expect(query(bench.store, Call, sql)).toEqual(stored);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
  expect(dayStates(bench.store, 'demo-okcc')[day]).toBe('verified');
});
