import { z } from 'zod';
import { openStore } from '../../src/store/store.ts';
import type { AccountEntry } from '../server/messages.ts';
import type { World } from '../server/world.ts';
import { accountOf, makePlace, type Place } from '../support/place.ts';
import { repeat } from '../support/rounds.ts';
import type { BenchServer } from '../support/server.ts';
import { serve } from '../support/sides.ts';
import { daysAgo, makeWorld } from '../support/world.ts';
import { type Figure, figureOf } from './figures.ts';
import type { Bench, Phase } from './phase.ts';

const QUESTION = 'Many accounts';
const ACCOUNTS = [1, 10, 50];

/** The same number of calls in few accounts and in many, and by one process and by two. */
export const accounts: Phase = {
  name: 'accounts',
  says: 'one `sync` of 1, 10 and 50 accounts, and two processes with an account each',
  async measure(bench) {
    const figures: Figure[] = [];
    for (const count of ACCOUNTS) {
      const rates = await withAccounts(bench, count, (place, total) =>
        syncAll(bench, place, [null], total),
      );
      const what = `one \`sync\` of ${count} account${count === 1 ? '' : 's'}`;
      figures.push(figureOf({ question: QUESTION, what, unit: 'rows/s', values: rates }));
    }
    const split = await withAccounts(bench, 2, (place, total) =>
      syncAll(bench, place, ['account-0', 'account-1'], total),
    );
    const [one] = figures;
    figures.push(
      figureOf({
        ...{ question: QUESTION, what: 'two processes at once, an account each', unit: 'rows/s' },
        values: split,
      }),
      figureOf({
        ...{ question: QUESTION, what: 'two processes against one', unit: '×' },
        values: split.map((rate) => rate / (one?.value.median ?? Number.NaN)),
      }),
    );
    return figures;
  },
};

/** @returns rows a second of each round, each in a new store. */
async function withAccounts(
  { lab, side, news }: Bench,
  count: number,
  sync: (place: Place, total: number) => Promise<number>,
): Promise<readonly number[]> {
  const world = makeWorld({ provider: 'infin8linx', days: 1, calls: news / count, scale: 1 });
  // One list serves them all: what an account has is its own, by whatever ids.
  const server = await serve(lab, world);
  const total = world.calls * count;
  const rates = await repeat(lab.rounds, async (round) => {
    lab.say(`accounts: ${count} with ${world.calls} calls each, round ${round + 1}`);
    const store = await side.make();
    const place = makePlace(await lab.folder(), entries(world, server, count), store.url);
    // The store is made before anybody looks at the clock.
    const made = await openStore({ url: store.url, mustExist: false, onEvent: () => undefined });
    await made.close();
    const rate = await sync(place, total);
    const stored = await store.countCalls();
    if (stored !== total) throw new Error(`${stored} of ${total} calls were stored`);
    return rate;
  });
  await server.close();
  return rates;
}

function entries(world: World, { url }: BenchServer, count: number): readonly AccountEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    ...accountOf(world, url, daysAgo(1)),
    ...{ id: `account-${index}`, credentials: { token: `token-${index}` } },
  }));
}

const Report = z.object({ accounts: z.array(z.looseObject({ inserted: z.int() })) });

/** One process for each name, null for all accounts; all at once. @returns rows a second. */
async function syncAll(
  { lab }: Bench,
  place: Place,
  names: readonly (string | null)[],
  total: number,
): Promise<number> {
  const started = performance.now();
  const done = await Promise.all(
    names.map((name) =>
      lab.cdrsync(place, ['sync', ...(name === null ? [] : ['--account', name])]),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  const inserted = done
    .flatMap(({ stdout }) => Report.parse(JSON.parse(stdout)).accounts)
    .reduce((sum, account) => sum + account.inserted, 0);
  if (inserted !== total) throw new Error(`${inserted} of ${total} calls were inserted`);
  return total / seconds;
}
