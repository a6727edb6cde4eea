import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { figure, type Result, resultOf } from '../result.ts';
import { callOf } from '../server/calls.ts';
import { startOf } from '../server/world.ts';
import { median } from '../stats.ts';
import type { Lab } from '../support/lab.ts';
import { ACCOUNT, accountOf, makePlace, type Place } from '../support/place.ts';
import { fullScans } from '../support/plans.ts';
import { repeat } from '../support/rounds.ts';
import { readStatements } from '../support/statements.ts';
import { type FullStore, fullStore, MANY } from '../support/stores.ts';
import { daysAgo, shanghai } from '../support/world.ts';
import type { Entry } from './entry.ts';

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** Records that it has to give; null where it gives none. */
  readonly records: number | null;
}

/** The commands by which people and programs look into a store, at its full size. */
export const reads: Entry = {
  name: 'reads',
  says: "`status`, `show` and one day's `export` of 10,000,000 calls",
  async measure(lab) {
    const full = await fullStore(lab, MANY);
    // A second account without calls: the plan of a query for one is not that of a query for two.
    const account = accountOf(full.world, 'http://127.0.0.1:9', daysAgo(0));
    const place = makePlace(full.place.folder, [
      account,
      { ...account, id: 'other', credentials: { token: 'other' } },
    ]);
    const results: Result[] = [];
    for (const command of commandsFor(full)) {
      results.push(...(await measure(lab, place, command)));
    }
    return results;
  },
};

function commandsFor({ world }: FullStore): readonly Command[] {
  const call = callOf(world.first, startOf(world, Math.floor(world.calls / 2)));
  const middle = world.from + Math.floor(world.days / 2) * 86_400_000;
  const [from, to] = [shanghai.dayOf(middle), shanghai.dayOf(middle + 86_400_000)];
  const day = ['export', '--from', from, '--to', to];
  const perDay = world.calls / world.days;
  return [
    { name: `status of ${figure(world.calls)} calls`, args: ['status'], records: null },
    { name: 'show CALL_ID', args: ['show', call.uuid, '--account', ACCOUNT], records: null },
    { name: 'show --number', args: ['show', '--number', call.caller], records: null },
    { name: 'export of a day', args: day, records: perDay },
    {
      name: "export of one account's day",
      args: [...day, '--account', ACCOUNT],
      records: perDay,
    },
  ];
}

async function measure(lab: Lab, place: Place, command: Command): Promise<readonly Result[]> {
  const { name, args, records } = command;
  const output = join(place.folder, 'export.ndjson');
  const note = join(place.folder, 'statements.json');
  const whole = records === null ? args : [...args, '--output', output];
  const run = async (): Promise<number> => {
    await rm(output, { force: true });
    return (await lab.cdrsync(place, whole)).ms / 1000;
  };
  await rm(output, { force: true });
  await lab.cdrsync(place, whole, { module: 'statements', note });
  const statements = (await readStatements(note)).map(({ text }) => text);
  const scans = fullScans(place.store, statements);
  if (statements.length === 0) throw new Error(`${name} prepared no statement`);
  const seconds = await repeat(lab.rounds, run);
  const entry = 'reads';
  const results = [
    resultOf({
      ...{ entry, work: name, unit: 's', values: seconds },
      target: { kind: 'at most', bound: 1 },
    }),
    resultOf({
      ...{ entry, work: `${name}: plans of ${statements.length} statements` },
      ...{ unit: 'full scans', values: [scans.length], target: { kind: 'at most', bound: 0 } },
      details: scans.map(({ step, text }) => `${step}: ${text}`),
    }),
  ];
  if (records === null) return results;
  const lines = await countLines(output);
  if (lines !== records) throw new Error(`${name} wrote ${lines} of ${records} records`);
  const rate = resultOf({
    ...{ entry, work: name, unit: 'rows/s', values: seconds.map((time) => records / time) },
    target: { kind: 'at least', bound: 50_000 },
    details: [`${figure(records)} rows in ${figure(median(seconds))} s, from start to end`],
  });
  return [...results, rate];
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const _ of createInterface({ input: createReadStream(path) })) lines += 1;
  return lines;
}
