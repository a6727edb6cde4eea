import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { copyLine } from '../src/commands/store-copy.ts';
import { CALL_VERSIONS, SMALL_TABLES } from '../src/store/copy/tables.ts';
import { CALLS } from '../src/store/tables.ts';
import { openEngine } from './support/engine.ts';
import { type OwnSchema, ownSchema } from './support/schema.ts';
import { tamper } from './support/tamper.ts';
import {
  accountsOf,
  countIn,
  type Finished,
  freshRow,
  openWorkbench,
  query,
  reportsOf,
  until,
  type Workbench,
} from './support/workbench.ts';

// Moving a store to another database and back, killed on the way, and whether what came out is the same.

vi.setConfig({ testTimeout: 120_000 });

const Printed = z.strictObject({
  from: z.string(),
  to: z.string(),
  state: z.enum(['copied', 'equal']),
  tables: z.record(z.string(), z.int()),
  days: z.int(),
  change_seq: z.int(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  held: z.array(z.string()),
  seconds: z.number(),
});

const ok = (result: Finished): Finished => {
  expect(result.code, result.stderr).toBe(0);
  return result;
};

const copied = (result: Finished) => Printed.parse(ok(result).json);

/** The store that the configuration names, and nothing else of it, is another one from now on. */
async function useStore(bench: Workbench, url: string): Promise<void> {
  await bench.writeConfig({
    store: url,
    accounts: accountsOf(bench.sandbox, ['infin8linx', 'okcc', 'vos']),
  });
}

const openSynced = async (): Promise<Workbench> => {
  const bench = await openWorkbench({
    providers: ['infin8linx', 'okcc', 'vos'],
    sandbox: { days: 2, callsPerDay: 30 },
  });
  // What the command does, without the start of a process.
  await (await openEngine(bench)).sync();
  return bench;
};

/** All that an export and the status tell, without what the time of day and the place change. */
async function toldOf(bench: Workbench): Promise<string> {
  const history = ok(await bench.run('export', '--history'));
  const status = ok(await bench.run('--json', 'status'));
  const moving =
    /"(?:now|store|at|lag_seconds|next_poll_at|[a-z_]*bytes[a-z_]*)":(?:\{[^{}]*\}|[^,{}]+)/g;
  const accounts = /"accounts":.*$/s.exec(status.stdout)?.[0] ?? '';
  return history.stdout + accounts.replaceAll(moving, '');
}

/** So many more calls, over ten days, each eighth with an earlier version: more than a batch. */
function stuff(path: string, calls: number): void {
  const database = new SQLite(path);
  const columns = CALLS.columns.map(({ name }) => name);
  const own: Readonly<Record<string, string>> = {
    call_id: "printf('stuffed-%06d', i)",
    native_id: 'null',
    identity_key: "printf('stuffed-%06d', i)",
    listed_on: "date('2026-09-01', '+' || (i % 10) || ' days')",
    change_seq: 'i + (select value from counters)',
    version: 'iif(i % 8 = 0, 2, 1)',
  };
  const values = columns.map((name) => own[name] ?? `one.${name}`);
  database.exec(`
    insert into calls (${columns.join(', ')})
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${calls})
      select ${values.join(', ')} from n, (select * from calls order by call_id limit 1) one;
    insert into call_versions
      select account_id, call_id, 1, 'provider', changed_at, '{"cost":"1.10"}', raw from calls
      where call_id like 'stuffed-%' and version = 2;
    update counters set value = value + ${calls}`);
  database.close();
}

it('knows every table and every column', async () => {
  const bench = await openSynced();
  const sql = "select name from sqlite_master where type = 'table'";
  const Name = z.object({ name: z.string() });
  const known = [CALLS, CALL_VERSIONS, ...SMALL_TABLES];
  const tables = query(bench.store, Name, sql).map(({ name }) => name);
  const own = tables.filter((name) => !/^(?:kysely_|sqlite_|counters$)/.test(name));
  expect(known.map(({ name }) => name).sort()).toEqual(own.sort());
  for (const { name, columns } of known) {
    const there = query(bench.store, Name, 'select name from pragma_table_info(?)', name);
    expect(columns.map((one) => one.name).sort(), name).toEqual(
      there.map((one) => one.name).sort(),
    );
  }
});

describe('a store that moves to PostgreSQL and back', () => {
  it('is the same in all that is told of it, and syncs on as if nothing had been', async () => {
    const bench = await openSynced();
    const place = await ownSchema();
    const { ask } = place;
    const url = place.url();
    const { sandbox, store } = bench;
    // What one engine could hold and the other not, or otherwise.
    const odd = 'select min(call_id) from calls where cost is not null';
    tamper(
      store,
      `update calls set cost = '-0.00', agent = 'a' || char(0) || 'b' where call_id = (${odd})`,
    );
    tamper(
      store,
      'update calls set cost = \'1.10\', custom = \'{"a":1.10,  "n":12345678901234567890,"z":"\\u0000"}\' where call_id = (select max(call_id) from calls)',
    );
    tamper(store, "insert into meta (name, value) values ('erasure_key', 'k')");
    tamper(
      store,
      "insert into quarantine values ('demo-vos', 'd', '2026-11-01', 'r', '[1.10, \"\"]', 1, 2, null)",
    );
    tamper(store, "update leases set holder = null, epoch = 41 where account_id = 'demo-okcc'");
    const before = await toldOf(bench);

    const there = copied(await bench.run('--json', 'store', 'copy', '--to', url));
    expect(there).toMatchObject({ state: 'copied', from: store, held: [] });
    expect(there.tables['calls']).toBe(countIn(store, 'calls'));
    const [lease] = await ask("select * from leases where account_id = 'demo-okcc'");
    expect(lease).toMatchObject({ epoch: '41', holder: null });
    const [kept] = await ask("select value from meta where name = 'erasure_key'");
    expect(kept).toEqual({ value: 'k' });
    expect(await ask("select name from meta where name = 'copy'")).toEqual([]);

    const back = join(bench.folder, 'back.db');
    await useStore(bench, url);
    const again = copied(await bench.run('--json', 'store', 'copy', '--to', `sqlite:${back}`));
    // One digest for three stores: nothing was lost, and no zero of any money.
    expect(again.digest).toBe(there.digest);
    await useStore(bench, `sqlite:${back}`);
    // But for the character that PostgreSQL has none of, and the sign of nothing.
    expect(await toldOf(bench)).toBe(
      before.replace('"-0.00"', '"0.00"').replace('a\\u0000b', 'a\ufffdb'),
    );

    await useStore(bench, url);
    const followed = Number(again.change_seq);
    sandbox.insert('okcc', freshRow(sandbox, 'okcc', Date.now() - 600_000));
    const reports = reportsOf(ok(await bench.run('--json', 'sync')));
    expect(reports.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(1);
    // The follower of the old store goes on with its number in the new one.
    const news = ok(await bench.run('export', '--changed-since', String(followed))).stdout;
    const [line, ...others] = news
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect([line.account_id, others.length, line.change_seq > followed]).toEqual([
      'demo-okcc',
      0,
      true,
    ]);
  });

  it('takes pending walks along', async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 2, callsPerDay: 120, providers: { okcc: { pageSize: 6 } } },
    });
    bench.sandbox.setFaults('okcc', { latency: 20 });
    const killed = bench.start(['sync']);
    await until('a few pages', () => bench.sandbox.requests.length > 8);
    killed.kill('SIGKILL');
    await killed.finished;
    bench.sandbox.setFaults('okcc', null);
    expect(countIn(bench.store, 'window_pages')).toBeGreaterThan(1);
    const stored = countIn(bench.store, 'calls');
    const place = await ownSchema();
    copied(await bench.run('--json', 'store', 'copy', '--to', place.url()));
    const asked = bench.sandbox.requests.length;
    await bench.writeConfig({ store: place.url(), accounts: accountsOf(bench.sandbox, ['okcc']) });
    const [report] = reportsOf(ok(await bench.run('--json', 'sync')));
    const all = bench.sandbox.rows('okcc').length;
    expect(report).toMatchObject({ state: 'ok', inserted: all - stored });
    // Not from its first page: each page has six.
    expect(bench.sandbox.requests.length - asked).toBeLessThan(all / 6);
    expect(await place.ask('select count(*)::int as n from calls')).toEqual([{ n: all }]);
  });
});

const KILLER = new URL('./support/kill-at.ts', import.meta.url).href;

/** What the store of a copy must be like when it is done: compared past the code under test. */
const CONTENT =
  'select account_id, call_id, version, agent, listed_on, change_seq, raw from calls order by account_id, call_id';
const EARLIER =
  'select account_id, call_id, version, record, raw from call_versions order by account_id, call_id, version';

const AnyRow = z.record(z.string(), z.unknown());
const text = (rows: readonly unknown[]): string =>
  rows.map((row) => JSON.stringify(row)).join('\n');

async function expectSame(store: string, { ask }: OwnSchema): Promise<void> {
  for (const sql of [CONTENT, EARLIER]) {
    const rows = await ask(
      sql
        .replace('listed_on', 'listed_on::text')
        .replace(/version,/, 'version::int,')
        .replace('change_seq', 'change_seq::int')
        .replaceAll(/\b(raw|record)\b/g, '$1::text'),
    );
    expect(text(rows)).toBe(text(query(store, AnyRow, sql)));
  }
}

/** What may happen to a source while its copy lies there: change, a move to another day, erasure of versions without a new number. */
function meanwhile(store: string, round: number): void {
  const next = "(select value from counters where name = 'change_seq')";
  const one = (number: number): string =>
    `call_id = 'stuffed-${String(number + round).padStart(6, '0')}'`;
  tamper(store, 'update counters set value = value + 3');
  tamper(
    store,
    `update calls set agent = 'new ${round}', version = version + 1, change_seq = ${next} where ${one(10)}`,
  );
  tamper(
    store,
    `update calls set listed_on = '2026-09-30', change_seq = ${next} - 1 where ${one(21)}`,
  );
  tamper(
    store,
    `update call_versions set record = '{"erased":${round}}', raw = 'null' where call_id = 'stuffed-000048'`,
  );
}

describe('a copy that is killed', () => {
  it.each([['after 3 insert into "calls"'], ['before 1 delete from "meta" where "name" = ']])(
    '%s goes on, and ends equal to what the source has become',
    async (kill) => {
      const bench = await openSynced();
      stuff(bench.store, 7000);
      const place = await ownSchema();
      const args = ['--json', 'store', 'copy', '--to', place.url()];
      const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
      const dead = await bench.start(args, environment).finished;
      expect([dead.signal, dead.stdout], dead.stderr).toEqual(['SIGKILL', '']);
      expect(await place.ask("select name from meta where name = 'copy'")).toHaveLength(1);
      meanwhile(bench.store, 1);
      const [first = {}] = await place.ask(
        `select max(xmin::text::int) as last, count(*)::int as n from calls`,
      );
      const done = copied(await bench.run(...args));
      expect(done.tables['calls']).toBe(countIn(bench.store, 'calls'));
      await expectSame(bench.store, place);
      // It did go on: days that were whole, and have not changed since, are still the first run's.
      const kept = await place.ask('select from calls where xmin::text::int <= $1', [
        first['last'],
      ]);
      if (Number(first['n']) > 5000) expect(kept.length).toBeGreaterThan(1000);
    },
  );

  it.each([['before 1 insert into "kysely_migration"'], ['after 2500 insert into "calls"']])(
    'into a file, %s, is nobody else’s until the same command has completed it',
    async (kill) => {
      const bench = await openSynced();
      stuff(bench.store, 4500);
      const target = join(bench.folder, 'new', 'copy.db');
      const args = ['--json', 'store', 'copy', '--to', 'sqlite:new/copy.db'];
      const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
      expect((await bench.start(args, environment).finished).signal).toBe('SIGKILL');
      meanwhile(bench.store, 1);
      if (!kill.includes('migration')) {
        await useStore(bench, `sqlite:${target}`);
        for (const command of [['sync'], ['status'], ['export'], ['backup', '--to', 'b.db']]) {
          const { code, stderr } = await bench.run(...command);
          expect([code, stderr]).toEqual([2, expect.stringContaining('[copy.unfinished]')]);
        }
        await bench.configure();
      }
      const done = copied(await bench.run(...args));
      expect(done.tables['call_versions']).toBe(countIn(bench.store, 'call_versions'));
      for (const sql of [CONTENT, EARLIER]) {
        expect(text(query(target, AnyRow, sql))).toBe(text(query(bench.store, AnyRow, sql)));
      }
      await useStore(bench, `sqlite:${target}`);
      ok(await bench.run('sync'));
    },
  );
});

it('that does not come out the same is no store, and is mended by the same command', async () => {
  const bench = await openSynced();
  const place = await ownSchema();
  const args = ['store', 'copy', '--to', place.url()];
  const kill = 'before 1 insert into "calls"';
  const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
  expect((await bench.start(args, environment).finished).signal).toBe('SIGKILL');
  const worse = "begin new.agent = 'somebody'; return new; end";
  await place.ask(
    `create function worse() returns trigger language plpgsql as '${worse.replaceAll("'", "''")}'`,
  );
  await place.ask(
    'create trigger worse before insert on calls for each row execute function worse()',
  );
  const failed = await bench.run(...args);
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('[copy.differs]')]);
  expect(failed.stderr).toMatch(/calls of demo-okcc, \d{4}-\d\d-\d\d: \d+ rows, not the same/);
  expect(await place.ask("select name from meta where name = 'copy'")).toHaveLength(1);
  await place.ask('drop trigger worse on calls');
  ok(await bench.run(...args));
  await expectSame(bench.store, place);
});

it('is the source at one moment, whatever is written meanwhile', async () => {
  const bench = await openSynced();
  stuff(bench.store, 6000);
  const place = await ownSchema();
  const database = new SQLite(bench.store, { timeout: 5000 });
  // Two calls that a copy reads far apart always have the same agent.
  const write = database.prepare(
    "update calls set agent = ? where call_id in ('stuffed-000010', 'stuffed-000019')",
  );
  const running = bench.start(['--json', 'store', 'copy', '--to', place.url()]);
  for (let round = 0; running.alive(); round += 1) {
    write.run(`agent ${round}`);
    await sleep(1);
  }
  database.close();
  copied(await running.finished);
  const pair =
    "select distinct agent from calls where call_id in ('stuffed-000010', 'stuffed-000019')";
  expect(await place.ask(pair)).toEqual([{ agent: expect.stringMatching(/^agent \d+$/) }]);

  // The other way, and a commit for the one and for the other side of the snapshot.
  await place.ask('create sequence round');
  const back = bench.start([
    '--json',
    'store',
    'copy',
    '--from',
    place.url(),
    '--to',
    'sqlite:back.db',
  ]);
  while (back.alive()) {
    await place.ask(
      "update calls set agent = 'round ' || (select nextval('round')) where call_id in ('stuffed-000010', 'stuffed-000019')",
    );
  }
  copied(await back.finished);
  const Agent = z.object({ agent: z.string().regex(/^round \d+$/) });
  expect(query(join(bench.folder, 'back.db'), Agent, pair)).toHaveLength(1);
});

it('is stopped by SIGINT at a batch, and by the same command completed', async () => {
  const bench = await openSynced();
  stuff(bench.store, 15_000);
  const target = join(bench.folder, 'copy.db');
  const args = ['store', 'copy', '--to', `sqlite:${target}`];
  const running = bench.start(args);
  const counted = (): number => (existsSync(target) ? countIn(target, 'calls') : 0);
  await until('some calls', () => {
    try {
      return counted() > 0;
    } catch {
      return false;
    }
  });
  running.kill('SIGINT');
  const { code, stderr } = await running.finished;
  expect([code, stderr]).toEqual([130, expect.stringContaining('the same command completes it')]);
  expect(counted()).toBeLessThan(15_000);
  const done = ok(await bench.run(...args));
  expect(done.stdout).toContain('copied and compared');
  expect(counted()).toBe(countIn(bench.store, 'calls'));
});

it('writes into no store that is one already, and says what it cannot do', async () => {
  const bench = await openSynced();
  const other = await openSynced();
  const before = text(query(other.store, AnyRow, CONTENT));
  const refused = async (code: string, ...args: readonly string[]): Promise<string> => {
    const { code: exit, stderr } = await bench.run('store', 'copy', ...args);
    expect([exit, stderr]).toEqual([2, expect.stringContaining(`[${code}]`)]);
    return stderr;
  };
  expect(await refused('copy.target', '--to', `sqlite:${other.store}`)).toContain('is not empty');
  expect(text(query(other.store, AnyRow, CONTENT))).toBe(before);
  await refused('usage.copy');
  await refused('usage.copy', '--to', 'sqlite:./cdrsync.db');
  await refused('store.missing', '--from', 'sqlite:none.db', '--to', 'sqlite:copy.db');
  expect(existsSync(join(bench.folder, 'copy.db'))).toBe(false);
  // A mark of another source's copy, and one that another process is writing.
  const begun = join(bench.folder, 'begun.db');
  ok(await bench.run('store', 'copy', '--to', `sqlite:${begun}`));
  expect(await refused('copy.target', '--to', `sqlite:${begun}`)).toContain('--verify-only');
  const mark = JSON.stringify({ source: 'x', name: 'elsewhere.db', begun_at: 1, written: false });
  tamper(begun, "insert into meta (name, value) values ('copy', ?)", mark);
  expect(await refused('copy.target', '--to', `sqlite:${begun}`)).toContain('elsewhere.db');
  const [id] = query(
    bench.store,
    z.object({ value: z.string() }),
    "select value from meta where name = 'store_id'",
  );
  tamper(
    begun,
    "update meta set value = ? where name = 'copy'",
    mark.replace('"x"', `"${id?.value}"`),
  );
  const alive = { host: 'else', boot: 'b', pidNamespace: 'p', pid: 1, startedAt: '1' };
  tamper(
    begun,
    "insert into leases values ('store copy', 1, ?, 0, ?, 0)",
    JSON.stringify(alive),
    Date.now(),
  );
  expect(await refused('copy.running', '--to', `sqlite:${begun}`)).toContain('process 1 on else');
  // Who had it open from before could still write.
  tamper(begun, "delete from leases where account_id = 'store copy'");
  expect(await refused('copy.target', '--to', `sqlite:${begun}`)).toContain(
    'another process has written',
  );
});

it('tells how far it is by the calls of each phase', () => {
  const line = copyLine({ phase: 'copying', done: 250, total: 1000 }, 50, 10_000);
  const bar = `${'█'.repeat(6)}${'░'.repeat(18)}`;
  expect(line).toBe(`store copy ${bar} copying 250/1,000 calls, 20/s, 38s left`);
  expect(copyLine({ phase: 'verifying', done: 0, total: 0 }, 0, 0)).toContain('█ verifying 0/0');
});

it('needs no configuration where both are named, warns of a worker, and keeps the password to itself', async () => {
  const bench = await openSynced();
  const self = JSON.stringify({
    host: 'else',
    boot: 'b',
    pidNamespace: 'p',
    pid: 7,
    startedAt: '1',
  });
  tamper(
    bench.store,
    "update leases set holder = ?, heartbeat_at = ? where account_id = 'demo-vos'",
    self,
    Date.now(),
  );
  const place = await ownSchema();
  const { ask } = place;
  const url = place.url();
  const secret = new URL(url);
  secret.password = 'geheim%40wort';
  writeFileSync(bench.config, 'no configuration');
  const args = ['store', 'copy', '--from', `sqlite:${bench.store}`, '--to', secret.href];
  const done = await bench.run('--json', ...args, '--log-level', 'debug');
  const { held } = copied(done);
  expect([held, done.stderr]).toEqual([['demo-vos'], expect.stringContaining('stop it before')]);
  expect(await ask('select account_id from leases where holder is not null')).toEqual([]);
  const wrong = await bench.run('--json', ...args.slice(0, -1), secret.href.replace('5432', '1'));
  const taken = await bench.run('--json', ...args);
  const odd = await bench.run('--json', ...args.slice(0, -1), `${secret.href}&x=1`);
  expect([wrong, taken, odd].map(({ code }) => code)).toEqual([1, 2, 2]);
  for (const { stdout, stderr } of [done, wrong, taken, odd]) {
    expect(stdout + stderr).not.toMatch(/geheim|wort/);
  }
});

it('--verify-only finds what was tampered with, names it, and writes nothing', async () => {
  const bench = await openSynced();
  stuff(bench.store, 100);
  const place = await ownSchema();
  const { ask } = place;
  const url = place.url();
  ok(await bench.run('store', 'copy', '--to', url));
  const verify = (): Promise<Finished> =>
    bench.run('--json', 'store', 'copy', '--to', url, '--verify-only');
  expect(copied(await verify())).toMatchObject({ state: 'equal' });
  const [{ account_id: account } = {}] = await ask(
    "select account_id from calls where call_id = 'stuffed-000010'",
  );
  for (const [change, told] of [
    [
      "update calls set cost = cost + 0.00001 where call_id = 'stuffed-000010'",
      /calls of .*2026-09-01: 10 rows, not the same/,
    ],
    ["delete from calls where call_id = 'stuffed-000011'", /calls of .*2026-09-02: 10 and 9 rows/],
    [
      `update call_versions set raw = '{}' where call_id = 'stuffed-000016'`,
      /call_versions of .*2026-09-07: \d rows, not the same/,
    ],
    [
      "update accounts set watermark = watermark + 1 where id = 'demo-vos'",
      /accounts: 3 rows, not the same/,
    ],
    ["delete from meta where name = 'store_id'", /meta: 1 and 0 rows/],
    ["select setval('change_seq', 1)", /change_seq: \d+ and 1/],
    [
      "insert into call_versions select 'x', 'orphan', 1, 'provider', now(), '{}', '{}'",
      /call_versions/,
    ],
  ] as const) {
    await ask(change);
    const { code, stdout } = await verify();
    expect([code, stdout]).toEqual([1, expect.stringMatching(told)]);
    expect(stdout).toContain('"code":"copy.differs"');
  }
  expect((await verify()).stdout).toContain(`calls of ${String(account)}, 2026-09-01`);
  expect(
    await ask("select count(*)::int as n from calls where call_id = 'stuffed-000011'"),
  ).toEqual([{ n: 0 }]);
});
