import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { expect, inject, it, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import { callsChanged } from '../src/store/changes.ts';
import { RECORD_COLUMNS } from '../src/store/record-columns.ts';
import { recordJsonQuery } from '../src/store/records.ts';
import { openStoreToRead } from '../src/store/store.ts';
import { MINUTE } from '../src/time.ts';
import { planOf } from './support/plan.ts';
import { ago, at, tamper } from './support/tamper.ts';
import { lastChange, onlySqlite, raiseLastChange } from './support/test-store.ts';
import {
  countIn,
  freshRow,
  openWorkbench,
  ownEnvironment,
  query,
  type Workbench,
} from './support/workbench.ts';

// Programs that follow the store: what docs/INTEGRATION.md tells them to do, done.

vi.setConfig({ testTimeout: 120_000 });

const CLI = inject('cli');
const DOCUMENT = new URL('../docs/INTEGRATION.md', import.meta.url);

/** The example that the document gives in a language. */
async function exampleOf(language: string): Promise<string> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [, code] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text) ?? [];
  if (code === undefined) throw new Error(`The document has no ${language}.`);
  return code;
}

/** An environment in which the examples find these programs, and the binary as `npx cdrsync`. */
async function environmentWith(
  bench: Workbench,
  programs: Readonly<Record<string, string>> = {},
  after = '',
): Promise<NodeJS.ProcessEnv> {
  const folder = join(bench.folder, 'bin');
  mkdirSync(folder);
  const npx = `shift; '${process.execPath}' '${CLI}' --config '${bench.config}' "$@"${after}`;
  for (const [name, script] of Object.entries({ npx, ...programs })) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  }
  return { ...ownEnvironment(), PATH: `${folder}:${process.env['PATH']}` };
}

const Line = z.looseObject({
  account_id: z.string(),
  call_id: z.string(),
  change_seq: z.int(),
});
type Line = z.infer<typeof Line> & { readonly text: string };

function readLines(text: string): Line[] {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => ({ ...Line.parse(JSON.parse(line)), text: line }));
}

async function exported(bench: Workbench, ...args: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await bench.run('export', ...args);
  expect(code, stderr).toBe(0);
  return readLines(stdout);
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

const textsOf = (lines: readonly Line[]): string[] => sorted(lines.map(({ text }) => text));

/**
 * Passes so many lines on, and the half of one more; then it kills who reads
 * them, a moment later, so that some are taken. Without a number it passes all.
 */
const DEADLY = ` | { left=$LINES_TO_LIVE; while IFS= read -r line; do
  if [ "$left" = 0 ]; then printf '%.300s' "$line"; sleep 0.1; kill -9 $PPID; exit; fi
  printf '%s\\n' "$line"; left=$((left - 1))
done; }`;

/**
 * Runs the consumer again and again, and lets it die in the middle, until there
 * is nothing left to take; returns how many died.
 */
async function followDying(
  { folder }: Workbench,
  environment: NodeJS.ProcessEnv,
  over: () => boolean,
): Promise<number> {
  let idle = false;
  for (let deaths = 0; ; ) {
    const last: boolean = over() && (idle || deaths >= ENOUGH_DEATHS);
    const consumer: ChildProcess = spawn(process.execPath, ['follow.ts'], {
      cwd: folder,
      env: { ...environment, LINES_TO_LIVE: last ? '-1' : String((deaths * 67 + 20) % 130) },
      stdio: 'ignore',
    });
    await once(consumer, 'exit');
    idle = consumer.signalCode === null;
    if (!idle) deaths += 1;
    else if (last) {
      expect(consumer.exitCode).toBe(0);
      return deaths;
    } else await sleep(100);
  }
}

const ENOUGH_DEATHS = 3;

async function expectWell(bench: Workbench, ...args: string[]): Promise<void> {
  const { code, stderr } = await bench.run(...args);
  expect(code, stderr).toBe(0);
}

/** All that happens to records. */
async function live(bench: Workbench): Promise<void> {
  const { sandbox, store } = bench;
  const uuid = '00000000-0000-4000-8000-00000000000c';
  const fresh = (number: number): JsonObject => ({
    ...freshRow(sandbox, 'infin8linx', Date.now() - 30 * MINUTE, number),
    ...{ uuid, recordurl: '', hangupcause: 10_001 },
  });
  const row = freshRow(sandbox, 'okcc', at(2, '12:00:00'), 7);
  const isIt = (one: JsonObject): boolean => one['session'] === row['session'];
  sandbox.insert('infin8linx', fresh(1));
  sandbox.insert('okcc', row);
  await expectWell(bench, 'sync');
  await caughtUp(bench);
  // Changed; and another record under one identity: the first is flagged, and is otherwise as it was.
  expect(sandbox.change('okcc', () => true, { userData: 'changed' })).toBeGreaterThan(60);
  sandbox.insert('infin8linx', fresh(2));
  await bench.configure({ lookback: '5d' });
  await expectWell(bench, 'sync');
  await bench.configure();
  expect(countIn(store, 'calls', 'version = 2')).toBeGreaterThan(60);
  const flagged = `call_id = '${uuid}' and version = 1 and cast(flags as text) like '%conflict%'`;
  expect(countIn(store, 'calls', flagged)).toBe(1);
  await caughtUp(bench);
  // Gone, and back again.
  const audit = ['verify', '--account', 'demo-okcc', '--from', ago(2), '--to', ago(1)];
  expect(sandbox.remove('okcc', isIt)).toBe(1);
  await expectWell(bench, ...audit);
  expect(countIn(store, 'calls', 'missing_since is not null')).toBe(1);
  expect(await caughtUp(bench)).toBe(1);
  sandbox.insert('okcc', { ...row, userData: 'changed' });
  await expectWell(bench, ...audit);
  expect(countIn(store, 'calls', 'missing_since is not null')).toBe(0);
  await caughtUp(bench);
  // Mapped anew, from what the consumer knows as mapped otherwise.
  const old = `update calls set mapping_version = 0, change_seq = change_seq + ?
    where change_seq % 5 = 0`;
  expect(tamper(store, old, lastChange(store))).toBeGreaterThan(40);
  raiseLastChange(store);
  await caughtUp(bench);
  await expectWell(bench, 'reprocess');
}

/**
 * Waits until the consumer has all that there is, because only what it has seen
 * can change behind its back; returns how many calls it knows as missing.
 */
async function caughtUp({ folder, store }: Workbench): Promise<number> {
  const last = lastChange(store);
  const Mine = z.object({ seq: z.int(), missing: z.int() });
  const sql = `select max(change_seq) as seq, sum(record like '%"missing_since":"%') as missing from calls`;
  for (let wait = 0; wait < 200; wait += 1) {
    try {
      const [mine] = query(join(folder, 'mine.db'), Mine, sql);
      if (mine !== undefined && mine.seq === last) return mine.missing;
    } catch {
      // It died in a transaction, which only the next one can roll back.
    }
    // Seldom, because who reads is in the consumer's way.
    await sleep(150);
  }
  throw new Error('The consumer does not hear of the last change.');
}

it('leaves a consumer that dies all the time with every record as it is', async () => {
  const bench = await openWorkbench({
    providers: ['infin8linx', 'okcc'],
    sandbox: { days: 3, callsPerDay: 70, providers: { infin8linx: { fields: 'table' } } },
  });
  const environment = await environmentWith(bench, {}, DEADLY);
  await writeFile(join(bench.folder, 'follow.ts'), await exampleOf('ts'));
  let over = false;
  const [deaths] = await Promise.all([
    followDying(bench, environment, () => over),
    live(bench).finally(() => {
      over = true;
    }),
  ]);
  expect(deaths).toBeGreaterThanOrEqual(ENOUGH_DEATHS);
  const report = { change_seq: lastChange(bench.store), gaps: [] };
  const all = await bench.run('--json', '--quiet', 'export');
  const records = readLines(all.stdout);
  expect(JSON.parse(all.stderr)).toEqual({ ...report, records: records.length });
  const Taken = z.object({ record: z.string() });
  const mine = query(join(bench.folder, 'mine.db'), Taken, 'select record from calls');
  expect(sorted(mine.map(({ record }) => record))).toEqual(textsOf(records));

  // In order, each with its own number, and from any of them on what follows.
  const numbers = records.map(({ change_seq }) => change_seq).sort((a, b) => a - b);
  expect(new Set(numbers).size).toBe(numbers.length);
  const middle = numbers[Math.floor(numbers.length / 2)] ?? 0;
  const since = ['--changed-since', String(middle), '--account', 'demo-okcc'];
  const rest = await bench.run('--json', '--quiet', 'export', ...since);
  const wanted = records.filter(
    (line) => line.change_seq > middle && line.account_id === 'demo-okcc',
  );
  expect(readLines(rest.stdout)).toEqual(wanted.sort((a, b) => a.change_seq - b.change_seq));
  expect(JSON.parse(rest.stderr)).toEqual({ ...report, records: wanted.length, gaps: null });
  expect(wanted.length).toBeGreaterThan(10);
});

onlySqlite('how it plans a query')('is followed by the index', async () => {
  // So that following costs what has changed and not what is stored.
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 1 } });
  await expectWell(bench, 'sync');
  const store = await openStoreToRead(bench.storeUrl);
  if (store === null) throw new Error('There is no store.');
  const changes = { since: 1, upTo: 9, accountIds: ['demo-okcc'] };
  const calls = callsChanged(store, changes);
  const queries = [calls.select(RECORD_COLUMNS), recordJsonQuery(store, calls)];
  const plans = queries.map((query) => planOf(bench.store, query.compile()));
  await store.close();
  const followed = expect.stringMatching(/^SEARCH calls USING INDEX calls_by_change [^\n]*$/);
  expect(plans).toEqual([followed, followed]);
});

it('is followed by a loop in sh, batch by batch, whatever fails in between', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 40 } });
  await expectWell(bench, 'sync');
  const environment = await environmentWith(bench, {
    load: 'cat "$1" >> loaded; test -e loads || { touch loads; exit 1; }',
    // A minute is over at once; after the second the loop ends.
    sleep: 'echo >> slept; test $(wc -l < slept) -lt 2 || kill $PPID',
  });
  const loop = await exampleOf('sh');
  const run = async (): Promise<void> => {
    await once(spawn('/bin/sh', ['-c', loop], { cwd: bench.folder, env: environment }), 'exit');
  };
  // The first batch was not taken over: it comes again.
  await run();
  const records = await exported(bench);
  await run();
  const loaded = readLines(await readFile(join(bench.folder, 'loaded'), 'utf8'));
  expect(loaded).toHaveLength(2 * records.length);
  expect(textsOf(loaded.slice(records.length))).toEqual(textsOf(records));
  expect(Number(await readFile(join(bench.folder, 'seen'), 'utf8'))).toBe(
    loaded.at(-1)?.change_seq,
  );
  expect(await readFile(join(bench.folder, 'slept'), 'utf8')).toBe('\n\n');
});

onlySqlite('PostgreSQL answers a commit when it is on disk')(
  'shows a follower nothing that a power cut could take back',
  async () => {
    const bench = await openWorkbench({
      providers: ['okcc'],
      sandbox: { days: 3, callsPerDay: 40 },
    });
    await expectWell(bench, 'sync');
    const survives = join(bench.folder, 'survives.db');
    // Held open, so that there is a journal, with something in it.
    const holder = new SQLite(bench.store);
    holder.exec("update calls set agent = 'in the journal'");
    const { code, stdout, stderr } = await bench.start(['export', '--changed-since', '0'], {
      ...{ CDRSYNC_TEST_STORE: bench.store, CDRSYNC_TEST_SURVIVES: survives },
      NODE_OPTIONS: `--import ${new URL('./support/power-cut.ts', import.meta.url).href}`,
    }).finished;
    holder.close();
    expect(code, stderr).toBe(0);
    const Stored = z.object({ call_id: z.string(), change_seq: z.int() });
    const sql = 'select call_id, change_seq from calls order by change_seq';
    const durable = query(survives, Stored, sql);
    const shown = readLines(stdout).map(({ call_id, change_seq }) => ({ call_id, change_seq }));
    // One of them has changed since, and comes under its next number.
    const later = query(bench.store, Stored, sql).at(-1);
    expect(later?.change_seq).toBe(durable.length + 1);
    expect(shown).toEqual(durable.filter(({ call_id }) => call_id !== later?.call_id));
    expect(shown.length).toBeGreaterThan(20);
  },
);
