import { ACCOUNT } from '../support/place.ts';
import { type Command, callAt, exportDay, middleDay, runCommands } from './commands.ts';
import type { FullStore, Phase } from './phase.ts';

const CHANGES = 10_000;

/** The commands by which people and programs look into a store. */
export const reads: Phase = {
  name: 'reads',
  says: '`status`, `show` and `export` of the full store',
  async measure(bench) {
    const full = await bench.full();
    const commands = await commandsFor(full);
    return runCommands(bench, full.store, full.world, 'Looking into the store', commands);
  },
};

async function commandsFor({ store, world }: FullStore): Promise<readonly Command[]> {
  const { first, end } = middleDay(world);
  const call = callAt(world, first);
  const day = exportDay(world);
  const perDay = end - first;
  const [customer, line] = call.inbound ? [call.caller, call.callee] : [call.callee, call.caller];
  const last = await store.lastChange();
  const changes = Math.min(CHANGES, world.calls);
  const since = String(last - changes);
  const show = (what: string, ...args: string[]): Command => ({
    ...{ what, args: ['show', ...args], records: null },
  });
  return [
    { what: '`status`', args: ['status'], records: null },
    show('`show CALL_ID`', call.uuid, '--account', ACCOUNT),
    show('`show --number` of a customer', '--number', customer),
    show('`show --number` of a line that has a tenth of all calls', '--number', line),
    { what: '`export` of a day', args: day, records: perDay },
    {
      ...{ what: "`export` of one account's day", records: perDay },
      args: [...day, '--account', ACCOUNT],
    },
    {
      ...{ what: `\`export --changed-since\`, the last ${changes.toLocaleString('en-US')}` },
      ...{ args: ['export', '--changed-since', since], records: changes },
    },
  ];
}
