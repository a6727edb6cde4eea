import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, inject, it } from 'vitest';
import { z } from 'zod';
import {
  freshRow,
  openWorkbench,
  ownEnvironment,
  query,
  storedRows,
  until,
  type Workbench,
} from './support/workbench.ts';

// A copy of the store, taken while it is in use.

const Printed = z.strictObject({
  path: z.string(),
  bytes: z.int(),
  calls: z.int(),
  versions: z.int(),
  change_seq: z.int(),
});

it('copies a store that is being written to, whole and as of one instant', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: { callsPerDay: 120, providers: { okcc: { pageSize: 6 } } },
  });
  bench.sandbox.setFaults('okcc', { latency: 30 });
  const writer = bench.start(['sync']);
  await until('a few pages', () => bench.sandbox.requests.length > 5);
  const target = join(bench.folder, 'copy.db');
  const backup = await bench.run('--json', 'backup', '--to', target);
  expect(backup.code, backup.stderr).toBe(0);
  expect(writer.alive()).toBe(true);
  expect((await writer.finished).code).toBe(0);

  const printed = Printed.parse(backup.json);
  expect(printed).toMatchObject({ path: target, bytes: statSync(target).size });
  expect(statSync(target).mode & 0o777).toBe(0o600);
  const copied = storedRows(target, 'demo-okcc');
  expect(copied.length).toBe(printed.calls);
  expect(copied.length).toBeGreaterThan(0);
  const all = storedRows(bench.store, 'demo-okcc');
  expect(copied.length).toBeLessThan(all.length);
  expect(copied.filter((row) => !all.includes(row))).toEqual([]);

  // The copy is a store: a sync goes on from its last page, and ends equal to the original.
  bench.sandbox.setFaults('okcc', null);
  await bench.writeConfig({
    store: `sqlite:${target}`,
    accounts: bench.sandbox.accounts
      .filter(({ provider }) => provider === 'okcc')
      .map((account) => ({ ...account })),
  });
  expect((await bench.run('sync')).code).toBe(0);
  expect(storedRows(target, 'demo-okcc')).toEqual(all);
});

it('writes over nothing, and says what is wrong', async () => {
  const bench = await openWorkbench({ providers: ['vos'] });
  const target = join(bench.folder, 'copy.db');
  const none = await bench.run('backup', '--to', target);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('there is no store');
  expect(existsSync(bench.store)).toBe(false);

  bench.sandbox.insert('vos', freshRow(bench.sandbox, 'vos', Date.now() - 600_000));
  expect((await bench.run('sync')).code).toBe(0);
  writeFileSync(target, 'precious');
  const taken = await bench.run('backup', '--to', target);
  expect(taken.code).toBe(2);
  expect(taken.stderr).toContain('exists');
  expect(statSync(target).size).toBe('precious'.length);
  const nowhere = await bench.run('backup', '--to', join(bench.folder, 'no', 'copy.db'));
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain(`${join(bench.folder, 'no', 'copy.db')} cannot be written`);
  expect(nowhere.stderr).toContain('[backup.write]');
  const Count = z.object({ count: z.int() });
  expect(
    query(bench.store, Count, 'select count(*) as count from calls')[0]?.count,
  ).toBeGreaterThan(0);
});

/** A workbench whose store has one call, and so many megabytes that copying takes its time. */
async function openHeavy(megabytes: number): Promise<Workbench> {
  const bench = await openWorkbench({ providers: ['vos'] });
  bench.sandbox.insert('vos', freshRow(bench.sandbox, 'vos', Date.now() - 600_000));
  expect((await bench.run('sync')).code).toBe(0);
  const database = new SQLite(bench.store);
  database.exec('create table ballast (bytes blob)');
  const insert = database.prepare('insert into ballast values (randomblob(1000000))');
  for (let count = 0; count < megabytes; count += 1) insert.run();
  database.close();
  return bench;
}

it('is one of several at once under one name, and leaves the files of others alone', async () => {
  const bench = await openHeavy(40);
  const target = join(bench.folder, 'copy.db');
  writeFileSync(`${target}.partial`, 'precious');
  const all = await Promise.all(
    Array.from({ length: 4 }, () => bench.run('--json', 'backup', '--to', target)),
  );
  const said = all.map(({ stderr }) => stderr).join('');
  expect(all.map(({ code }) => code).sort(), said).toEqual([0, 2, 2, 2]);
  expect(said.match(/copy\.db exists \[backup\.target\]/g), said).toHaveLength(3);
  const printed = Printed.parse(all.find(({ code }) => code === 0)?.json);
  expect([printed.bytes, printed.calls > 0]).toEqual([statSync(target).size, true]);
  expect(
    query(target, z.object({ integrity_check: z.string() }), 'pragma integrity_check'),
  ).toEqual([{ integrity_check: 'ok' }]);
  expect(readFileSync(`${target}.partial`, 'utf8')).toBe('precious');
  const files = readdirSync(bench.folder).filter((name) => name.startsWith('copy.db'));
  expect(files.sort()).toEqual(['copy.db', 'copy.db.partial']);
});

/** For the binary: a file system without links. */
const NO_LINKS = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    "import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; fs.linkSync = () => { throw Object.assign(new Error('no links'), { code: 'EPERM', syscall: 'link' }); }; syncBuiltinESMExports();",
  )}`,
};

it('works where the file system knows no links', async () => {
  const bench = await openHeavy(1);
  const target = join(bench.folder, 'copy.db');
  const { code, stderr, json } = await bench.start(['--json', 'backup', '--to', target], NO_LINKS)
    .finished;
  expect(code, stderr).toBe(0);
  expect(Printed.parse(json).bytes).toBe(statSync(target).size);
  expect(storedRows(target, 'demo-vos')).toEqual(storedRows(bench.store, 'demo-vos'));
  expect(statSync(target).mode & 0o777).toBe(0o600);
});

it('comes back as the documentation says: without the journal of the old file', async () => {
  const bench = await openWorkbench({ providers: ['vos'] });
  bench.sandbox.insert('vos', freshRow(bench.sandbox, 'vos', Date.now() - 600_000));
  expect((await bench.run('sync')).code).toBe(0);
  const target = join(bench.folder, 'copy.db');
  expect((await bench.run('backup', '--to', target)).code).toBe(0);
  // The store goes on, and its process dies with a journal that was not taken in yet.
  const dying = new SQLite(bench.store);
  dying.pragma('wal_autocheckpoint = 0');
  dying.exec('update calls set agent = hex(randomblob(2000))');
  copyFileSync(`${bench.store}-wal`, join(bench.folder, 'left-wal'));
  dying.close();
  copyFileSync(join(bench.folder, 'left-wal'), `${bench.store}-wal`);

  const truth = storedRows(target, 'demo-vos');
  const agent = z.object({ agent: z.string().nullable() });
  const agents = () => query(bench.store, agent, 'select agent from calls order by call_id');
  for (const suffix of ['-wal', '-shm']) rmSync(`${bench.store}${suffix}`, { force: true });
  copyFileSync(target, bench.store);
  expect(agents()).toEqual(query(target, agent, 'select agent from calls order by call_id'));
  expect((await bench.run('sync')).code).toBe(0);
  expect(storedRows(bench.store, 'demo-vos')).toEqual(truth);
});

it('that finds no room blames its own file, and leaves nothing of it', async () => {
  const bench = await openHeavy(2);
  const target = join(bench.folder, 'copy.db');
  // Blocks of 1 KiB: the copy would be larger.
  const words = `ulimit -f 1000; exec "$0" "$@"`;
  const args = [inject('cli'), '--config', bench.config, 'backup', '--to', target];
  const child = spawn('bash', ['-c', words, process.execPath, ...args], {
    env: { ...ownEnvironment(), NODE_COMPILE_CACHE: '' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  expect([code, stderr]).toEqual([1, expect.stringContaining(`${target} cannot be written`)]);
  expect(stderr).not.toContain(bench.store);
  expect(readdirSync(bench.folder).filter((name) => name.startsWith('copy'))).toEqual([]);
});
