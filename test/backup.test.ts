import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { freshRow, openWorkbench, query, storedRows, until } from './support/workbench.ts';

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
  const Count = z.object({ count: z.int() });
  expect(
    query(bench.store, Count, 'select count(*) as count from calls')[0]?.count,
  ).toBeGreaterThan(0);
});
