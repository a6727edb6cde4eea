import { join } from 'node:path';
import type { World } from '../server/world.ts';
import { ACCOUNT, accountOf, makePlace, type Place } from '../support/place.ts';
import { serve } from '../support/sides.ts';
import { dearestOf, readStatements, timesByVerb, verbsText } from '../support/statements.ts';
import { daysAgo, shanghai } from '../support/world.ts';
import { type Figure, figureOf } from './figures.ts';
import { type Bench, noting, type Phase } from './phase.ts';
import type { ScaledStore } from './side.ts';

const QUESTION = 'New calls, and the same again';

/** A day of new calls, and that day once more, in each round another one. */
export const insert: Phase = {
  name: 'insert',
  says: 'what a new call costs in the full store, and one that is known',
  async measure(bench) {
    const { lab } = bench;
    const { store, world: known } = await bench.full();
    const world: World = {
      ...{ provider: 'infin8linx', from: shanghai.startOfDay(daysAgo(lab.rounds)) },
      ...{ days: lab.rounds, calls: bench.news * lab.rounds, first: known.calls },
    };
    const server = await serve(lab, world);
    const accounts = [accountOf(world, server.url, daysAgo(0))];
    const place = makePlace(await lab.folder(), accounts, store.url);
    const before = await store.countCalls();
    const added: Cost[] = [];
    const again: Cost[] = [];
    for (let day = 0; day < world.days; day += 1) {
      lab.say(`insert: ${bench.news} new calls, day ${day + 1} of ${world.days}`);
      await store.settle();
      added.push(await walkDay(bench, place, { world, day, expected: 'inserted' }, store));
      lab.say('insert: the same day again');
      again.push(await walkDay(bench, place, { world, day, expected: 'unchanged' }, store));
    }
    await server.close();
    const stored = (await store.countCalls()) - before;
    if (stored !== world.calls) throw new Error(`${stored} of ${world.calls} calls were stored`);
    return [...figuresOf('a new call', added), ...figuresOf('a call that is known', again)];
  },
};

function figuresOf(what: string, costs: readonly Cost[]): readonly Figure[] {
  const [first] = costs;
  const scans = first?.scans ?? [];
  return [
    figureOf({
      ...{ question: QUESTION, what: `${what}, in the whole run`, unit: 'µs' },
      values: costs.map(({ wall }) => wall),
    }),
    figureOf({
      ...{ question: QUESTION, what: `${what}, waiting for the database`, unit: 'µs' },
      values: costs.map(({ database }) => database),
      details: [verbsText(costs.map(({ verbs }) => verbs)), ...(first?.dearest ?? [])],
    }),
    figureOf({
      ...{ question: QUESTION, what, unit: 'rows/s' },
      values: costs.map(({ wall }) => 1e6 / wall),
    }),
    figureOf({
      ...{ question: QUESTION, what: `${what}, full scans`, unit: 'statements' },
      values: [scans.length],
      details: scans,
    }),
  ];
}

/** Microseconds a row. */
interface Cost {
  readonly wall: number;
  readonly database: number;
  /** Of `database`, by the first word of the statement. */
  readonly verbs: ReadonlyMap<string, number>;
  readonly scans: readonly string[];
  /** The statements that took the most of it. */
  readonly dearest: readonly string[];
}

interface Walk {
  readonly world: World;
  readonly day: number;
  readonly expected: 'inserted' | 'unchanged';
}

async function walkDay(
  { lab, news }: Bench,
  place: Place,
  { world, day, expected }: Walk,
  store: ScaledStore,
): Promise<Cost> {
  const [from, to] = [daysAgo(world.days - day), daysAgo(world.days - day - 1)];
  const note = join(place.folder, 'statements.json');
  const range = ['--account', ACCOUNT, '--from', from, '--to', to];
  const walked = await lab.cdrsync(place, ['backfill', ...range], noting(store, note));
  const rows = Number(new RegExp(`"${expected}":(\\d+),`).exec(walked.stdout)?.[1]);
  // A call at midnight is listed by both days.
  if (!(Math.abs(rows - news) <= 1)) {
    throw new Error(`not all of the ${news} calls of a day were ${expected}: ${walked.stdout}`);
  }
  const aRow = (ms: number): number => (ms / news) * 1000;
  const noted = await readStatements(note);
  // A heartbeat waits beside the page whose transaction holds the lease: that time would count twice.
  const statements = noted.filter(({ text }) => !text.includes('set "heartbeat_at"'));
  const times = [...timesByVerb(statements)];
  const scans = await store.fullScans(statements);
  return {
    wall: aRow(walked.ms),
    database: aRow(times.reduce((sum, [, ms]) => sum + ms, 0)),
    verbs: new Map(times.map(([verb, ms]) => [verb, aRow(ms)])),
    scans: scans.map(({ step, text }) => `${step}: ${text}`),
    dearest: dearestOf(statements, 5),
  };
}
