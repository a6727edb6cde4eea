import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { sandboxConfig } from '../src/sandbox/config.ts';
import { accountsOf, openWorkbench } from './support/workbench.ts';

// No command writes over what belongs to the store or the configuration.

vi.setConfig({ testTimeout: 60_000 });

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';

it('refuses the files of the store and of the configuration, there or not, by any path', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 3 } });
  const { folder, sandbox } = bench;
  mkdirSync(join(folder, 'data'));
  symlinkSync('data', join(folder, 'link'));
  symlinkSync('data/calls.db', join(folder, 'other.db'));
  writeFileSync(join(folder, 'secret'), 'sandbox-pass');
  writeFileSync(join(folder, 'ca.pem'), CERTIFICATE);
  const [account = {}] = accountsOf(sandbox, ['okcc']);
  const write = (path: string) =>
    bench.writeConfig({
      ...sandboxConfig(sandbox, { store: `sqlite:${path}` }),
      accounts: [account],
    });
  // Through links that lead to the store.
  const ways = [
    ['link/calls.db', ['data/calls.db-journal', 'link/calls.db-wal']],
    ['other.db', ['data/calls.db-shm', 'link/calls.db-journal']],
  ] as const;
  for (const [path, names] of ways) {
    await write(path);
    expect((await bench.run('sync')).code).toBe(0);
    // At rest, so that nothing of it is there but the store itself.
    expect(readdirSync(join(folder, 'data'))).toEqual(['calls.db']);
    for (const name of names) {
      const [backup, exported] = await Promise.all([
        bench.run('backup', '--to', name),
        bench.run('export', '--output', name),
      ]);
      expect([name, backup.code, exported.code]).toEqual([name, 2, 2]);
      expect(backup.stderr).toContain(`${name} names a file of the store or the configuration`);
      expect(exported.stderr).toContain(`${name} names a file of the store or the configuration`);
    }
    expect(readdirSync(join(folder, 'data'))).toEqual(['calls.db']);
  }
  await bench.writeConfig({
    ...sandboxConfig(sandbox, { store: 'sqlite:data/calls.db' }),
    accounts: [
      { ...account, ca: 'ca.pem' },
      { ...account, id: 'b', credentials: SECRET },
    ],
  });
  for (const name of ['ca.pem', 'secret', 'worker.config.json', 'data/calls.db', 'other.db']) {
    const before = readFileSync(join(folder, name));
    const { code, stderr } = await bench.run('export', '--output', name);
    expect([name, code, stderr]).toEqual([name, 2, expect.stringContaining('[usage.output]')]);
    expect(readFileSync(join(folder, name))).toEqual(before);
  }
});

const SECRET = { customer: 'another', password: `${'$'}{file:secret}` };

it('replaces what a link names, and leaves the link', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 3 } });
  expect((await bench.run('sync')).code).toBe(0);
  const path = (name: string) => join(bench.folder, name);
  mkdirSync(path('exports'));
  writeFileSync(path('exports/today'), 'yesterday\n');
  symlinkSync('exports/today', path('latest'));
  const { code, stderr } = await bench.run('export', '--output', 'latest');
  expect(code, stderr).toBe(0);
  expect(lstatSync(path('latest')).isSymbolicLink()).toBe(true);
  expect(readFileSync(path('exports/today'), 'utf8')).toBe((await bench.run('export')).stdout);
  expect(readdirSync(path('exports'))).toEqual(['today']);

  symlinkSync('cdrsync.db-journal', path('trap'));
  const trap = await bench.run('export', '--output', 'trap');
  expect([trap.code, trap.stderr]).toEqual([2, expect.stringContaining('leads to no file')]);
});
