import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it, vi } from 'vitest';
import { openWorkbench, ownEnvironment, type Workbench } from './support/workbench.ts';

// What is written to stdout arrives whole, or the command fails.

vi.setConfig({ testTimeout: 60_000 });

/** More than a pipe takes, whatever day it is: of three days, one at least is a working day. */
const WORLD = { days: 3, callsPerDay: 60 };

/** Runs the binary in a shell, whose words stand around it. */
function inShell({ folder, config }: Workbench, before: string, args: string, after: string) {
  const command = `${before} '${process.execPath}' '${inject('cli')}' --config '${config}' ${args} ${after}`;
  const { status, stderr } = spawnSync('bash', ['-c', command], {
    cwd: folder,
    env: ownEnvironment(),
    encoding: 'utf8',
  });
  return { status, stderr };
}

it('fails where a file takes only a part of it', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: WORLD });
  expect((await bench.run('sync')).code).toBe(0);
  const id = (await bench.run('export')).stdout.split('"call_id":"')[1]?.split('"')[0] ?? '';
  // So many blocks of 1024 bytes, none of which is where a piece of the output ends. The journal
  // index of a store, of 32 KiB, has to fit.
  const cases = [
    ['export --json', 70],
    // In the last piece, when there is nothing left but to tell how it went.
    ['export --json', 'last'],
    [`--json --quiet show ${id}`, 0],
    ['config schema', 3],
    ['--help', 1],
  ] as const;
  for (const [args, blocks] of cases) {
    const path = join(bench.folder, 'out');
    expect(inShell(bench, '', args, '> out').status, args).toBe(0);
    const whole = statSync(path).size;
    // What needs no store has no index either.
    const short = args.includes('show') ? '> /dev/full' : '> out';
    const taken = blocks === 'last' ? Math.floor((whole - 1) / 1024) : blocks;
    const limit = taken === 0 ? '' : `ulimit -f ${taken};`;
    const { status, stderr } = inShell(bench, limit, args, short);
    expect([args, status, stderr]).toEqual([
      args,
      1,
      expect.stringMatching(/^cdrsync: the output cannot be written \((EFBIG|ENOSPC)\)\n$/),
    ]);
    if (taken > 0) expect(whole, args).toBeGreaterThan(taken * 1024);
    if (taken > 0) expect(statSync(path).size).toBe(taken * 1024);
  }
});

it('is the same in a file, in a pipe, and in a file that stderr goes to as well', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: WORLD });
  expect((await bench.run('sync')).code).toBe(0);
  const piped = await bench.run('export', '--json');
  expect(inShell(bench, '', 'export --json', '> out 2> err').status).toBe(0);
  const read = (name: string) => readFileSync(join(bench.folder, name), 'utf8');
  expect([read('out'), read('err')]).toEqual([piped.stdout, piped.stderr]);
  expect(inShell(bench, '', 'export --json', '> both 2>&1').status).toBe(0);
  expect(read('both')).toBe(piped.stdout + piped.stderr);
  // A reader that has seen enough is no failure.
  const left = inShell(bench, 'set -o pipefail;', 'export --json', '| head -c 10 > /dev/null');
  expect([left.status, left.stderr]).toEqual([0, expect.stringContaining('"change_seq":null')]);
});

it('tells of no last change where the reader left before the one piece that there is', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 3, callsPerDay: 3 } });
  expect((await bench.run('sync')).code).toBe(0);
  const left = inShell(bench, 'set -o pipefail;', 'export --json', '| true');
  expect([left.status, left.stderr]).toEqual([0, expect.stringContaining('"change_seq":null')]);
});
