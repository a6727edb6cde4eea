import { join } from 'node:path';
import { resultOf } from '../result.ts';
import type { World } from '../server/world.ts';
import { alternate } from '../support/rounds.ts';
import { discard, placeFor, serve, walkFirst, walkFloor } from '../support/sides.ts';
import { makeWorld, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';
import { comparison } from './walks.ts';

/** Everything an account has, into a new store. */
export function firstSync(provider: World['provider']): Entry {
  const entry = `first-sync-${provider}`;
  return {
    name: entry,
    says: `a first sync of ${provider} against the floor`,
    async measure(lab) {
      const world = makeWorld({ provider, days: 20, calls: 500_000, scale: lab.scale });
      const server = await serve(lab, world);
      const pairs = await alternate(
        lab.rounds,
        async () => {
          const folder = await lab.folder();
          const walked = await walkFloor(lab, world, server, join(folder, 'floor.db'));
          await discard({ folder });
          return walked;
        },
        async () => {
          const place = await placeFor(lab, world, server, 'with the world');
          const walked = await walkFirst(lab, world, server, place);
          await discard(place);
          return walked;
        },
      );
      await server.close();
      const target = { kind: 'at least', bound: 0.7 } as const;
      const work = `first sync: ${sizeText(world)}`;
      return [
        resultOf({
          entry,
          work,
          unit: "× the floor's rows/s",
          target,
          ...comparison(world, pairs),
        }),
      ];
    },
  };
}
