import { join } from 'node:path';
import { resultOf } from '../result.ts';
import type { World } from '../server/world.ts';
import { alternate } from '../support/rounds.ts';
import { discard, serve, type Walked, walkFloor } from '../support/sides.ts';
import { makeWorld, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';
import { comparison } from './walks.ts';

/** What the indexes alone cost, by which calls are found later: the floor with and without them. */
export function floorIndexes(provider: World['provider']): Entry {
  const entry = `floor-indexes-${provider}`;
  return {
    name: entry,
    says: `the floor for ${provider} with cdrsync's indexes, against the floor`,
    standing: 'aside',
    async measure(lab) {
      const world = makeWorld({ provider, days: 20, calls: 500_000, scale: lab.scale });
      const server = await serve(lab, world);
      const side = (indexed: boolean) => async (): Promise<Walked> => {
        const folder = await lab.folder();
        const walked = await walkFloor(lab, world, server, join(folder, 'floor.db'), indexed);
        await discard({ folder });
        return walked;
      };
      const pairs = await alternate(lab.rounds, side(false), side(true));
      await server.close();
      const work = `the floor with cdrsync's indexes (told as cdrsync): ${sizeText(world)}`;
      return [
        resultOf({
          entry,
          work,
          unit: "× the floor's rows/s",
          target: null,
          ...comparison(world, pairs),
        }),
      ];
    },
  };
}
