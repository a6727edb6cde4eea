import { resultOf } from '../result.ts';
import type { World } from '../server/world.ts';
import { alternate } from '../support/rounds.ts';
import { discard, placeFor, serve, type Walked, walkRange } from '../support/sides.ts';
import { makeWorld, PAGE, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';
import { LATENCY, PAGES } from './latency.ts';
import { walkText } from './walks.ts';

const WALKERS = 4;

/** A distant provider asked by several walkers at a time. */
export function concurrency(
  provider: World['provider'],
  target: { readonly kind: 'at least'; readonly bound: number } | null,
): Entry {
  const entry = `concurrency-${provider}`;
  return {
    name: entry,
    says: `backfill --concurrency ${WALKERS} of ${provider} against one walker, ${LATENCY} ms latency`,
    async measure(lab) {
      const calls = PAGES * PAGE[provider];
      const world = makeWorld({ provider, days: 20, calls, scale: lab.scale });
      const server = await serve(lab, world, LATENCY);
      const side = (concurrent: number) => async (): Promise<Walked> => {
        const place = await placeFor(lab, world, server, 'today');
        const how = { expected: 'inserted', concurrency: concurrent } as const;
        const walked = await walkRange(lab, world, server, place, how);
        await discard(place);
        return walked;
      };
      const pairs = await alternate(lab.rounds, side(1), side(WALKERS));
      await server.close();
      return [
        resultOf({
          entry,
          work: `latency ${LATENCY} ms, backfill --concurrency ${WALKERS}: ${sizeText(world)}`,
          unit: '× one walker',
          values: pairs.map(([one, four]) => one.ms / four.ms),
          target,
          details: [
            walkText(
              'one walker',
              world.calls,
              pairs.map(([one]) => one),
            ),
            walkText(
              `${WALKERS} walkers`,
              world.calls,
              pairs.map(([, four]) => four),
            ),
          ],
        }),
      ];
    },
  };
}
