import { CHANGES, isChanged } from '../support/stored-rows.ts';
import { callAt, exportDay, middleDay, runCommands } from './commands.ts';
import { figureOf } from './figures.ts';
import type { Phase } from './phase.ts';

const QUESTION = 'What versions cost';

/** Every tenth call was changed three times. */
export const history: Phase = {
  name: 'history',
  says: 'bytes, `show` and `export --history` where every tenth call has three earlier versions',
  async measure(bench) {
    const { store, world } = await bench.full();
    bench.lab.say('history: filling in what calls were');
    await store.fillVersions(world);
    const { first, end } = middleDay(world);
    const changed = Array.from({ length: end - first }, (_, index) => callAt(world, first + index))
      .filter(isChanged)
      .map(({ uuid }) => uuid);
    const [id] = changed;
    if (id === undefined) throw new Error('no call of the day was changed');
    const sizes = (await store.sizes()).filter(({ name }) => name.includes('call_versions'));
    const whole = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const versions = Math.ceil(world.calls / 10) * CHANGES;
    const day = exportDay(world);
    const perDay = end - first;
    return [
      figureOf({
        ...{ question: QUESTION, what: 'a version with its key', unit: 'bytes' },
        values: [Math.round(whole / versions)],
        details: sizes.map(({ name, bytes }) => `${name}: ${(bytes / 1e9).toFixed(3)} GB`),
      }),
      ...(await runCommands(bench, store, world, QUESTION, [
        { what: '`show CALL_ID` with three versions', args: ['show', id], records: null },
        { what: '`export` of the day', args: day, records: perDay },
        {
          ...{ what: '`export --history` of the day', args: [...day, '--history'] },
          records: perDay + changed.length * CHANGES,
        },
      ])),
    ];
  },
};
