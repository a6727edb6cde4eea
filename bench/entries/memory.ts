import { figure, resultOf, spreadText } from '../result.ts';
import { spreadOf } from '../stats.ts';
import type { Lab } from '../support/lab.ts';
import { repeat } from '../support/rounds.ts';
import { discard, placeFor, serve, walkFirst } from '../support/sides.ts';
import { makeWorld, sizeText } from '../support/world.ts';
import type { Entry } from './entry.ts';

const MB = 1_000_000;

/** The largest resident size of a first sync, of few calls and of many. */
export const memory: Entry = {
  name: 'memory',
  says: 'peak memory of a first sync of 100,000 and of 2,000,000 calls',
  async measure(lab) {
    if (process.platform !== 'linux') {
      lab.say('memory: skipped, the peak is read from /proc, which only Linux has');
      return [];
    }
    const few = await peaks(lab, 100_000);
    const many = await peaks(lab, 2_000_000);
    const details = [few, many].map(
      ({ work, values }) => `${work}: ${spreadText(spreadOf(values))} MB`,
    );
    const growth = many.values.map((value, round) => value - (few.values[round] ?? Number.NaN));
    const entry = 'memory';
    return [
      resultOf({
        ...{ entry, work: `peak memory, ${few.calls} → ${many.calls} calls`, unit: 'MB more' },
        ...{ values: growth, target: { kind: 'at most', bound: 20 }, details },
      }),
      resultOf({
        ...{ entry, work: `peak memory, ${many.calls} calls`, unit: 'MB' },
        ...{ values: many.values, target: { kind: 'at most', bound: 200 } },
        details: [`VmHWM of the process; 1 MB is ${figure(MB)} bytes`],
      }),
    ];
  },
};

interface Peaks {
  readonly work: string;
  readonly calls: string;
  readonly values: readonly number[];
}

async function peaks(lab: Lab, calls: number): Promise<Peaks> {
  const world = makeWorld({ provider: 'infin8linx', days: 20, calls, scale: lab.scale });
  const server = await serve(lab, world);
  const values = await repeat(lab.rounds, async () => {
    const place = await placeFor(lab, world, server, 'with the world');
    const { peakBytes } = await walkFirst(lab, world, server, place);
    await discard(place);
    return (peakBytes ?? Number.NaN) / MB;
  });
  await server.close();
  return { work: sizeText(world), calls: figure(world.calls), values };
}
