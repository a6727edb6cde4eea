import { join } from 'node:path';
import { resultOf } from '../result.ts';
import type { World } from '../server/world.ts';
import { alternate } from '../support/rounds.ts';
import { discard, placeFor, serve, walkFirst, walkFloor, walkRange } from '../support/sides.ts';
import { makeWorld, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';
import { comparison } from './walks.ts';

/** The same list once more, into stores that have it. */
export function again(provider: World['provider']): Entry {
  const entry = `again-${provider}`;
  return {
    name: entry,
    says: `the same list of ${provider} again, nothing changed`,
    async measure(lab) {
      const world = makeWorld({ provider, days: 20, calls: 500_000, scale: lab.scale });
      const server = await serve(lab, world);
      const folder = await lab.folder();
      const file = join(folder, 'floor.db');
      const place = await placeFor(lab, world, server, 'with the world');
      await walkFloor(lab, world, server, file);
      await walkFirst(lab, world, server, place);
      const pairs = await alternate(
        lab.rounds,
        () => walkFloor(lab, world, server, file),
        () => walkRange(lab, world, server, place, { expected: 'unchanged' }),
      );
      await Promise.all([server.close(), discard({ folder }), discard(place)]);
      const target = { kind: 'at least', bound: 1.5 } as const;
      const work = `the same again, nothing changed: ${sizeText(world)}`;
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
