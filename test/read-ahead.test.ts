import { createServer, type Server, type ServerResponse } from 'node:http';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import type { Page } from '../src/providers/provider.ts';
import type { PendingWindow } from '../src/store/windows.ts';
import { emptyMemory, type WalkMemory } from '../src/sync/memory.ts';
import { foresee } from '../src/sync/read-ahead.ts';
import { addDays, DAY, MINUTE, SECOND } from '../src/time.ts';
import { serve } from './support/gate.ts';
import {
  countIn,
  NO_JITTER,
  openWorkbench,
  query,
  reportOf,
  shanghai,
  until,
  type Workbench,
  watermarkOf,
} from './support/workbench.ts';

/**
 * The next page is asked for while the one before is being stored: what that
 * gains, and that nothing of it counts, is heard of or is asked twice before the
 * walk comes to it.
 */

vi.setConfig({ testTimeout: 60_000 });

const SIZE = 100;
const today = shanghai.dayOf(Date.now());
const ago = (days: number): string => addDays(today, -days);

interface AskedPage {
  readonly day: string;
  readonly page: number;
  readonly from: number;
  readonly to: number;
  /** When it came, and how many calls the store had then. */
  readonly at: number;
  readonly stored: number;
  /** How many requests were being answered, this one included. */
  readonly open: number;
}

type Answer = 'list' | 'first page' | 'nothing' | number;

interface Options {
  /** Calls of each closed day. */
  readonly perDay?: number;
  readonly answer?: (asked: AskedPage, count: number) => Answer;
  /** The provider's clock minus ours. */
  readonly skew?: number;
  /** After so many answers it refuses connections for so long, in milliseconds. */
  readonly away?: { readonly after: number; readonly ms: number };
  readonly settings?: JsonObject;
}

const Body = z.object({
  current: z.int(),
  params: z.object({ strTime: z.string(), endTime: z.string() }),
});

/** An account of itniotech at a server of the test's own: three closed days, and nothing today. */
async function openList({
  perDay = 450,
  answer = () => 'list',
  skew = 0,
  away,
  settings,
}: Options) {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  const asked: AskedPage[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { current, params } = Body.parse(JSON.parse(Buffer.concat(chunks).toString()));
      const [from, to] = [Date.parse(params.strTime), Date.parse(params.endTime)];
      open += 1;
      response.on('close', () => {
        open -= 1;
      });
      const stored = storedCalls(bench);
      const one = { day: shanghai.dayOf(from), page: current, from, to, at: Date.now(), stored };
      asked.push({ ...one, open });
      const rows = one.day === today ? [] : rowsOf(one.day, perDay);
      const kind = answer({ ...one, open }, asked.length);
      response.setHeader('date', new Date(Date.now() + skew).toUTCString());
      if (kind === 'nothing') return;
      if (typeof kind === 'number') return refuse(response, kind);
      const first = kind === 'first page' ? 0 : (current - 1) * SIZE;
      const records = rows.slice(first, first + SIZE);
      const data = { total: rows.length, size: SIZE, current, records };
      response.setHeader('content-type', 'application/json');
      if (asked.length === away?.after) leaveFor(server, response, away.ms);
      response.end(JSON.stringify({ status: '0', reason: 'ok', data }));
    });
  });
  const url = await serve(server);
  const account: JsonObject = {
    ...{ id: 'acct', provider: 'itniotech', baseUrl: `${url}/voice`, startAt: ago(3) },
    credentials: { apiKey: 'key', apiSecret: 'secret' },
    ...settings,
  };
  await bench.writeConfig({ store: `sqlite:${bench.store}`, accounts: [account] });
  return { bench, asked, calls: 3 * perDay };
}

/** The next request needs a connection of its own, and there is none to be had for a while. */
function leaveFor(server: Server, last: ServerResponse, ms: number): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  last.setHeader('connection', 'close');
  server.close(() => {
    setTimeout(() => server.listen(address.port, address.address), ms);
  });
}

function refuse(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end('refused');
}

function rowsOf(day: string, count: number): JsonObject[] {
  const start = shanghai.startOfDay(day);
  return Array.from({ length: count }, (_, index) => {
    const at = start + Math.floor((index * (DAY - MINUTE)) / count);
    const [submitTime, hangupTime] = [at, at + 30 * SECOND].map(shanghai.format);
    return {
      ...{ voiceId: `${day}-${index}`, callee: '10086', displayNum: '10010' },
      ...{ submitTime: submitTime ?? '', hangupTime: hangupTime ?? '', callDuration: 0 },
    };
  });
}

function storedCalls({ store }: Workbench): number {
  try {
    return countIn(store, 'calls');
  } catch {
    return 0;
  }
}

/** What a whole first sync asks for, page by page: each once. */
function wholeWalk(perDay: number): string[] {
  const pages = Array.from({ length: Math.ceil(perDay / SIZE) }, (_, index) => index + 1);
  return [
    ...[3, 2, 1].flatMap((days) => pages.map((page) => `${ago(days)} ${page}`)),
    `${today} 1`,
  ];
}

const named = ({ day, page }: AskedPage): string => `${day} ${page}`;

it('asks for the next page before the one before is stored, one at a time, each once', async () => {
  const { bench, asked, calls } = await openList({});
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result)).toMatchObject({ state: 'ok', inserted: calls, duplicates: 0 });
  expect(reportOf(result).requests).toBe(asked.length);
  expect(asked.map(named)).toEqual(wholeWalk(450));
  expect(asked.map(({ open }) => open)).toEqual(asked.map(() => 1));
  const listed = (index: number): number => Math.floor(index / 5) * 450 + (index % 5) * SIZE;
  const early = asked.filter(({ stored }, index) => index > 0 && stored < listed(index));
  // Within a day, and from one day to the next. A busy machine may hold a request up.
  expect(early.length).toBeGreaterThan(5);
  expect(early.some(({ page }) => page === 1)).toBe(true);
});

it('tries a page again that failed when it was read ahead, and waits as it is told', async () => {
  const { bench, asked, calls } = await openList({
    answer: (_asked, count) => (count === 3 ? 500 : count === 6 ? 429 : 'list'),
  });
  const result = await bench.start(['--json', 'sync'], NO_JITTER).finished;
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result)).toMatchObject({ state: 'ok', inserted: calls });
  expect(reportOf(result).requests).toBe(wholeWalk(450).length + 2);
  expect(asked.map(({ open }) => open)).toEqual(asked.map(() => 1));
});

it.each([3, 5])('waits for a provider that refuses connections after page %i', async (after) => {
  const { bench, calls } = await openList({ away: { after, ms: 1200 } });
  const result = await bench.start(['--json', 'sync'], NO_JITTER).finished;
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result)).toMatchObject({ state: 'ok', inserted: calls, duplicates: 0 });
});

it('fails as without reading ahead where the page that is needed is refused', async () => {
  const { bench, asked } = await openList({
    answer: ({ day, page }) => (day === ago(2) && page === 2 ? 401 : 'list'),
  });
  const result = await bench.run('--json', 'sync');
  expect(result.code).toBe(1);
  expect(reportOf(result).error).toMatchObject({ code: 'http.auth' });
  // All pages before are stored, and it was asked for once.
  expect(storedCalls(bench)).toBe(450 + SIZE);
  expect(asked.map(named).slice(-2)).toEqual([`${ago(2)} 1`, `${ago(2)} 2`]);
});

it('hears nothing of the failure of a page that is no longer wanted', async () => {
  let glitch = true;
  const { bench, asked, calls } = await openList({
    answer: ({ day, page }) => {
      if (day !== ago(3) || !glitch) return 'list';
      // The list repeats its first page: it is walked again, while the third page is on its way.
      if (page === 2) return 'first page';
      if (page !== 3) return 'list';
      glitch = false;
      return 401;
    },
  });
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result)).toMatchObject({ state: 'ok', inserted: calls, error: null });
  const pages = wholeWalk(450);
  expect(asked.map(named)).toEqual([...pages.slice(0, 3), ...pages]);
  expect(reportOf(result).requests).toBe(asked.length);
  expect(asked.map(({ open }) => open)).toEqual(asked.map(() => 1));
});

it('gives up a request that nobody waits for any more, however long it takes', async () => {
  let glitch = true;
  const { bench, calls } = await openList({
    answer: ({ day, page }) => {
      if (day !== ago(3) || !glitch) return 'list';
      if (page === 2) return 'first page';
      if (page !== 3) return 'list';
      glitch = false;
      return 'nothing';
    },
  });
  const began = Date.now();
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expect(reportOf(result)).toMatchObject({ inserted: calls });
  expect(Date.now() - began).toBeLessThan(20 * SECOND);
});

it('keeps the least time between two requests', async () => {
  const interval = 250;
  const { bench, asked } = await openList({
    perDay: 250,
    settings: { minInterval: `${interval}ms` },
  });
  expect((await bench.run('sync')).code).toBe(0);
  expect(asked.map(named)).toEqual(wholeWalk(250));
  const waits = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
  // The way here takes a little longer one time than the other.
  expect(Math.min(...waits)).toBeGreaterThan(interval - 100);
  expect((asked.at(-1)?.at ?? 0) - (asked[0]?.at ?? 0)).toBeGreaterThanOrEqual(
    interval * (asked.length - 1) - 100,
  );
});

it('stops at once by a signal, with the page stored that it has', async () => {
  const { bench, asked, calls } = await openList({
    answer: (_asked, count) => (count === 4 ? 'nothing' : 'list'),
  });
  const running = bench.start(['--json', 'sync']);
  await until('the page before is stored', () => storedCalls(bench) === 3 * SIZE);
  await until('the next is asked for', () => asked.length === 4);
  running.kill('SIGTERM');
  const stopped = await running.finished;
  expect(stopped.code, stopped.stderr).toBe(143);
  expect(storedCalls(bench)).toBe(3 * SIZE);
  const rest = await bench.run('--json', 'sync');
  expect(rest.code, rest.stderr).toBe(0);
  // It goes on with the page that was not answered, and then looks for news.
  const pages = wholeWalk(450);
  expect(asked.map(named)).toEqual([...pages.slice(0, 4), ...pages.slice(3), `${today} 1`]);
  expect(storedCalls(bench)).toBe(calls);
});

it('loses and doubles nothing where it is killed between what it asked for and what it stored', async () => {
  const { bench, asked, calls } = await openList({});
  for (const pages of [2, 3, 6, 1]) {
    const before = asked.length;
    const running = bench.start(['sync']);
    await until(`${pages} pages`, () => asked.length >= before + pages || !running.alive());
    running.kill('SIGKILL');
    await running.finished;
  }
  const last = await bench.run('--json', 'sync');
  expect(last.code, last.stderr).toBe(0);
  expect(storedCalls(bench)).toBe(calls);
  expect(countIn(bench.store, 'calls', 'version > 1')).toBe(0);
  const days = query(bench.store, Listed, 'select state, listed from days order by day');
  expect(days.slice(0, 2)).toEqual([
    { state: 'complete', listed: 450 },
    { state: 'complete', listed: 450 },
  ]);
});

const Listed = z.object({ state: z.string(), listed: z.number().nullable() });

it('freezes the end of a window by the answer that was read ahead', async () => {
  const skew = -10 * MINUTE;
  const { bench, asked } = await openList({ skew });
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  const last = asked.filter(({ day }) => day === today);
  // Asked for up to our own clock, and then again up to what the provider's has passed.
  expect(last.length).toBe(2);
  expect(last[1]?.to).toBeLessThanOrEqual((last[1]?.at ?? 0) + skew - MINUTE + SECOND);
  expect(watermarkOf(bench, 'acct')).toBe(last[1]?.to);
});

const window: PendingWindow = {
  ...{ id: 'w', account_id: 'a', lane: 'live', from_at: 0, to_at: DAY },
  ...{ cursor: '2:100', walks: 0, begun_at: 0, pages: 1, total: 250, total_moved: 'held' },
  previous: null,
};
const following = { id: 'f', from_at: DAY, to_at: 2 * DAY, cursor: null };

it.each([
  ['goes on where the total is not reached', {}, {}, '3:200'],
  ['goes on where no total is stated', { total: null }, {}, '3:200'],
  ['waits where the total may be reached', { total: 200 }, {}, null],
  [
    'waits where the cursor does not advance',
    { after: { kind: 'more', cursor: '2:100' } },
    {},
    null,
  ],
  [
    'waits where more must exist and is not reached',
    { after: { kind: 'stuck', reason: '' } },
    {},
    null,
  ],
  [
    'goes on to the next window at the end',
    { total: 200, after: { kind: 'end', proof: true } },
    {},
    'next',
  ],
  ['waits at an end that does not add up', { after: { kind: 'end', proof: true } }, {}, null],
  [
    'waits at an end after repeats',
    { total: 200, after: { kind: 'end', proof: true } },
    { repeats: 1 },
    null,
  ],
] satisfies [string, Partial<Page>, Partial<WalkMemory>, string | null][])(
  '%s',
  (_, page, memory, wanted) => {
    const rows = Array.from({ length: 100 }, () => ({}));
    const listed = {
      kind: 'page',
      rows,
      total: 250,
      after: { kind: 'more', cursor: '3:200' },
    } as const;
    const walk = { window, memory: { ...emptyMemory(), listed: 100, ...memory } };
    const foreseen = foresee({ ...listed, ...page }, { ...walk, paging: 'numbered' }, following);
    expect(foreseen?.id === 'f' ? 'next' : (foreseen?.cursor ?? null)).toBe(wanted);
    // Whether a key was heeded is seen in the rows alone.
    expect(foresee({ ...listed, ...page }, { ...walk, paging: 'keyed' }, following)).toBe(null);
  },
);
