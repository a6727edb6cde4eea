import { expect, it, vi } from 'vitest';
import { STORE_KIND } from './support/test-store.ts';
import {
  countIn,
  expectTruth,
  openWorkbench,
  pagesAsked,
  type Workbench,
} from './support/workbench.ts';

// The real binary, killed at every kind of write there is, again and again until it comes through.

vi.setConfig({ testTimeout: 120_000 });

/** One that pages by key, and one whose rows wait for the proof of their day. */
const KILLED = ['okcc', 'vos'] as const;

const KILLER = new URL('./support/kill-at.ts', import.meta.url).href;

async function manyPages(): Promise<Workbench> {
  return openWorkbench({
    sandbox: {
      // One of them at least is a working day: enough to die in.
      days: 3,
      callsPerDay: 90,
      providers: { okcc: { pageSize: 10, total: 'page' }, vos: { list: 'meta', pageSize: 25 } },
    },
    providers: KILLED,
    // Without a lookback a run that has nothing left to do is short, and outlives what kills the others.
    settings: { lookback: '0s' },
  });
}

/** Syncs with a death in each run, until one comes to its end; returns how many died. */
async function syncDying(bench: Workbench, kill: string): Promise<number> {
  const environment = { CDRSYNC_TEST_KILL: kill, NODE_OPTIONS: `--import ${KILLER}` };
  for (let deaths = 0; deaths < 40; deaths += 1) {
    const { code, signal, stderr } = await bench.start(['sync'], environment).finished;
    if (signal === 'SIGKILL') continue;
    expect(code, stderr).toBe(0);
    return deaths;
  }
  throw new Error(`No run came to its end with a death ${kill}.`);
}

/** Of SQLite each call is a statement, of PostgreSQL each page. */
const calls = STORE_KIND === 'sqlite' ? 100 : 12;

it.each([
  // The statement, and so many of them that each run gets somewhere before it dies.
  ['before 30 commit'],
  ['after 30 commit'],
  ['before 31 begin'],
  ['after 31 begin'],
  [`after ${calls} insert into "calls"`],
  ['before 10 insert into "window_pages"'],
  ['after 11 update "windows"'],
  ['after 4 delete from "windows"'],
])('a run that dies %s leaves a store that the next run completes', async (kill) => {
  const bench = await manyPages();
  const deaths = await syncDying(bench, kill);
  expect(deaths).toBeGreaterThan(0);
  expectTruth(bench, KILLED);
  for (const table of ['windows', 'window_pages', 'window_rows', 'holes', 'call_versions']) {
    expect([table, countIn(bench.store, table)]).toEqual([table, 0]);
  }
  expect(countIn(bench.store, 'days', "state not in ('complete', 'open')")).toBe(0);

  const pages = pagesAsked(bench.sandbox.requests).length;
  expect(pages).toBeLessThan(2 * (await fewestPages()) + 3 * deaths * KILLED.length);
});

let fewest: Promise<number> | undefined;

/** What one undisturbed sync of such a world asks for; found out once, as these worlds are all alike. */
function fewestPages(): Promise<number> {
  fewest ??= undisturbed();
  return fewest;
}

async function undisturbed(): Promise<number> {
  const bench = await manyPages();
  const { code, stderr } = await bench.run('sync');
  expect(code, stderr).toBe(0);
  return pagesAsked(bench.sandbox.requests).length;
}
