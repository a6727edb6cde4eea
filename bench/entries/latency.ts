import { figure, resultOf } from '../result.ts';
import type { World } from '../server/world.ts';
import { spreadOf } from '../stats.ts';
import { repeat } from '../support/rounds.ts';
import { discard, placeFor, serve, walkFirst } from '../support/sides.ts';
import { leastPages, makeWorld, PAGE, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';
import { walkText } from './walks.ts';

export const LATENCY = 50;
/** So many that what a process takes to start is no more than a hundredth. */
export const PAGES = 400;

/** A distant provider: how near a walk comes to doing nothing but wait for it. */
export function latency(provider: World['provider']): Entry {
  const entry = `latency-${provider}`;
  return {
    name: entry,
    says: `a first sync of ${provider} with ${LATENCY} ms latency against pages × latency`,
    async measure(lab) {
      const calls = PAGES * PAGE[provider];
      const world = makeWorld({ provider, days: 20, calls, scale: lab.scale });
      const server = await serve(lab, world, LATENCY);
      const walks = await repeat(lab.rounds, async () => {
        const place = await placeFor(lab, world, server, 'with the world');
        const walked = await walkFirst(lab, world, server, place);
        await discard(place);
        return walked;
      });
      await server.close();
      const bound = leastPages(world) * LATENCY;
      const delay = spreadOf(walks.map(({ served }) => served.delayed / served.pages));
      return [
        resultOf({
          entry,
          work: `latency ${LATENCY} ms, one account: ${sizeText(world)}`,
          unit: 'of the latency bound',
          values: walks.map(({ ms }) => bound / ms),
          target: { kind: 'at least', bound: 0.95 },
          details: [
            walkText('cdrsync', world.calls, walks),
            `the bound is ${leastPages(world)} pages × ${LATENCY} ms = ${figure(bound / 1000)} s; the server took ${figure(delay.median)} ms a page`,
          ],
        }),
      ];
    },
  };
}
