import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { addDays } from '../src/time.ts';
import { ago, at } from './support/tamper.ts';
import { freshRow, openWorkbench, ownEnvironment, type Workbench } from './support/workbench.ts';

// An export whose reader is slow, and a store that is written to meanwhile.

vi.setConfig({ testTimeout: 90_000 });

/** More than a pipe takes, whatever day it is: of three days, one at least is a working day. */
const WORLD = { days: 3, callsPerDay: 200 };

/** Begins an export that stands still in the middle: a pipe that nobody reads is soon full. */
async function beginExport(bench: Workbench, ...args: string[]) {
  const command = [inject('cli'), '--config', bench.config, '--json', '--quiet', 'export', ...args];
  const child: ChildProcess = spawn(process.execPath, command, {
    cwd: bench.folder,
    env: ownEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('There are no pipes.');
  await once(stdout, 'readable');
  return async () => {
    const [lines, told] = await Promise.all([text(stdout), text(stderr)]);
    return { lines: lines.trimEnd().split('\n'), told };
  };
}

async function well(bench: Workbench, ...args: string[]): Promise<void> {
  const { code, stderr } = await bench.run(...args);
  expect(code, stderr).toBe(0);
}

const Line = z.looseObject({
  call_id: z.string(),
  version: z.int(),
  change_reason: z.string().optional(),
});

it('tells each version of a call once', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: WORLD,
  });
  await well(bench, 'sync');
  await bench.configure({ lookback: '5d' });
  const change = async (note: string): Promise<void> => {
    expect(bench.sandbox.change('okcc', () => true, { userData: note })).toBeGreaterThan(250);
    await well(bench, 'sync');
  };
  await change('once');
  const finish = await beginExport(bench, '--history');
  await change('twice');
  const { lines: texts, told } = await finish();
  const lines = texts.map((line) => Line.parse(JSON.parse(line)));
  const versions = lines.map(({ call_id, version }) => `${call_id} ${version}`);
  expect(new Set(versions).size).toBe(versions.length);
  const current = lines.filter(({ change_reason }) => change_reason === undefined);
  expect(lines).toHaveLength(2 * current.length);
  expect(JSON.parse(told)).toMatchObject({ records: current.length });
  // It did stand still: what came later is not in it.
  expect(current.every(({ version }) => version === 2)).toBe(true);
});

it('names the gaps of what it holds, and not of what the store holds by its end', async () => {
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: WORLD,
  });
  bench.sandbox.insert('okcc', {
    ...freshRow(bench.sandbox, 'okcc', at(4, '12:00:00')),
    session: 'old',
  });
  await well(bench, 'sync');
  const range = ['--from', ago(4), '--to', addDays(ago(0), 1)];
  const finish = await beginExport(bench, ...range);
  await well(bench, 'backfill', '--account', 'demo-okcc', '--from', ago(4), '--to', ago(0));
  const { lines, told } = await finish();
  expect(lines.length).toBeGreaterThan(250);
  expect(lines.some((line) => line.includes('"call_id":"old"'))).toBe(false);
  const Told = z.object({ gaps: z.array(z.string()) });
  expect(Told.parse(JSON.parse(told)).gaps).toEqual([
    expect.stringMatching(/^demo-okcc: \d of the 5 days .* never read/),
  ]);
  const after = await bench.run('--json', 'export', ...range);
  expect(after.stdout).toContain('"call_id":"old"');
  expect(Told.parse(JSON.parse(after.stderr)).gaps).toEqual([]);
});
