import { figure, resultOf } from '../result.ts';
import { median } from '../stats.ts';
import { makePlace } from '../support/place.ts';
import { alternate, repeat } from '../support/rounds.ts';
import { startSandboxServer } from '../support/server.ts';
import { discard } from '../support/sides.ts';
import type { Entry } from './entry.ts';

/** A round is the median of so many starts: one takes less than a second. */
const STARTS = 5;

/** `sync` from cron when nothing has happened: one account at each provider. */
export const nothingToDo: Entry = {
  name: 'nothing-to-do',
  says: '`sync` of five accounts without news against `node -e 0`',
  async measure(lab) {
    const sandbox = await startSandboxServer();
    lab.defer(sandbox.close);
    // Without the second that udesk is given between two requests, which is waiting and no work.
    const accounts = sandbox.accounts.map((account) => ({ ...account, minInterval: '0s' }));
    const place = makePlace(await lab.folder(), accounts);
    // Brings all calls.
    await lab.cdrsync(place, ['sync']);
    const starts = async (run: () => Promise<{ readonly ms: number }>): Promise<number> =>
      median((await repeat(STARTS, run)).map(({ ms }) => ms));
    const pairs = await alternate(
      lab.rounds,
      () => starts(() => lab.node(['-e', '0'])),
      () => starts(() => lab.cdrsync(place, ['sync'])),
    );
    await sandbox.close();
    await discard(place);
    return [
      resultOf({
        entry: 'nothing-to-do',
        work: '`sync` with nothing to do, five accounts',
        unit: '× node -e 0',
        values: pairs.map(([node, sync]) => sync / node),
        target: { kind: 'at most', bound: 10 },
        details: [
          `node -e 0 ${figure(median(pairs.map(([node]) => node)))} ms, sync ${figure(median(pairs.map(([, sync]) => sync)))} ms`,
          'one account at each simulated provider, minInterval 0s',
        ],
      }),
    ];
  },
};
