import { figureOf } from './figures.ts';
import type { Phase } from './phase.ts';

/** What a call takes, of each table and index. */
export const bytes: Phase = {
  name: 'bytes',
  says: 'bytes a call, table by table and index by index',
  async measure(bench) {
    const { store } = await bench.full();
    bench.lab.say('bytes: looking at the pages');
    const calls = await store.countCalls();
    const sizes = (await store.sizes()).filter(({ name }) => !name.includes('call_versions'));
    const whole = sizes.reduce((sum, { bytes: size }) => sum + size, 0);
    const all = [...sizes].sort((one, other) => other.bytes - one.bytes);
    return [{ name: 'all of it', bytes: whole }, ...all].map(({ name, bytes: size }) =>
      figureOf({
        ...{ question: 'Bytes a call', what: nameOf(name), unit: 'bytes' },
        values: [Math.round(size / calls)],
        details: [`${(size / 1e9).toFixed(3)} GB of ${calls} calls`],
      }),
    );
  },
};

/** The two databases call the primary key by different names. */
function nameOf(name: string): string {
  return name === 'sqlite_autoindex_calls_1' ? 'calls_key' : name;
}
