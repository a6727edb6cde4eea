import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { figure, resultOf, spreadText } from '../result.ts';
import type { World } from '../server/world.ts';
import { spreadOf } from '../stats.ts';
import type { Lab } from '../support/lab.ts';
import { ACCOUNT, accountOf, makePlace, type Place } from '../support/place.ts';
import { alternate } from '../support/rounds.ts';
import { discard, serve } from '../support/sides.ts';
import { readStatements, timesByVerb, verbsText } from '../support/statements.ts';
import { FEW, fullStore, MANY } from '../support/stores.ts';
import { daysAgo, shanghai } from '../support/world.ts';
import type { Entry } from './entry.ts';

/** New calls of one day, in each round of another one. */
const NEWS = 50_000;

/** What SQLite takes for a new call, in a store of few calls and of many. */
export const upsert: Entry = {
  name: 'upsert',
  says: 'what a new call costs in a store of 10,000,000 against one of 100,000',
  async measure(lab) {
    const few = await fullStore(lab, FEW);
    const many = await fullStore(lab, MANY);
    const world: World = {
      ...{ provider: 'infin8linx', from: shanghai.startOfDay(daysAgo(lab.rounds)) },
      ...{ days: lab.rounds, calls: Math.round(NEWS * lab.scale) * lab.rounds },
      first: many.world.calls,
    };
    const server = await serve(lab, world);
    const accounts = [accountOf(world, server.url, daysAgo(0))];
    const bigPlace = makePlace(many.place.folder, accounts);
    let smallDay = 0;
    let bigDay = 0;
    const pairs = await alternate(
      lab.rounds,
      async () => {
        // A fresh copy each round, since the news would soon be more than what was there.
        const place = makePlace(await lab.folder(), accounts);
        await copyFile(few.place.store, place.store);
        const cost = await addDay(lab, world, place, smallDay++);
        await discard(place);
        return cost;
      },
      () => addDay(lab, world, bigPlace, bigDay++),
    );
    await server.close();
    const text = (side: readonly Cost[]): string => {
      const sql = spreadOf(side.map(({ sql }) => sql));
      const wall = spreadOf(side.map(({ wall }) => wall));
      return `${spreadText(sql)} µs a row in SQLite (${verbsText(side.map(({ verbs }) => verbs))}), ${spreadText(wall)} µs of the whole run`;
    };
    return [
      resultOf({
        entry: 'upsert',
        work: `new calls into ${figure(many.world.calls)} against ${figure(few.world.calls)}`,
        unit: '× the cost a row',
        values: pairs.map(([small, big]) => big.sql / small.sql),
        target: { kind: 'at most', bound: 2 },
        details: [
          `${figure(few.world.calls)} calls: ${text(pairs.map(([small]) => small))}`,
          `${figure(many.world.calls)} calls (${figure(many.bytes / 1e9)} GB): ${text(pairs.map(([, big]) => big))}`,
        ],
      }),
    ];
  },
};

/** Microseconds a row. */
interface Cost {
  readonly sql: number;
  readonly wall: number;
  /** Of `sql`, by the first word of the statement. */
  readonly verbs: ReadonlyMap<string, number>;
}

async function addDay(lab: Lab, world: World, place: Place, number: number): Promise<Cost> {
  const [from, to] = [daysAgo(world.days - number), daysAgo(world.days - number - 1)];
  const note = join(place.folder, 'statements.json');
  const range = ['--account', ACCOUNT, '--from', from, '--to', to];
  const preload = { module: 'statements', note } as const;
  const { ms: wall, stdout } = await lab.cdrsync(place, ['backfill', ...range], preload);
  const rows = world.calls / world.days;
  if (!stdout.includes(`"inserted":${rows},`)) throw new Error('a day was not stored as a whole');
  const aRow = (ms: number): number => (ms / rows) * 1000;
  const times = [...timesByVerb(await readStatements(note))];
  return {
    sql: aRow(times.reduce((sum, [, ms]) => sum + ms, 0)),
    wall: aRow(wall),
    verbs: new Map(times.map(([verb, ms]) => [verb, aRow(ms)])),
  };
}
