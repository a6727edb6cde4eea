import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { callOf } from '../server/calls.ts';
import { startOf, type World } from '../server/world.ts';
import { accountOf, makePlace } from '../support/place.ts';
import { repeat } from '../support/rounds.ts';
import { dearestOf, readStatements } from '../support/statements.ts';
import { daysAgo, shanghai } from '../support/world.ts';
import { type Figure, figureOf } from './figures.ts';
import { type Bench, noting } from './phase.ts';
import type { ScaledStore } from './side.ts';

/** A command that only reads. */
export interface Command {
  readonly what: string;
  readonly args: readonly string[];
  /** Records that it has to give; null where it gives none. */
  readonly records: number | null;
}

/** Runs commands against a store, each as often as there are rounds, and holds them to what they must give. */
export async function runCommands(
  { lab }: Bench,
  store: ScaledStore,
  world: World,
  question: string,
  commands: readonly Command[],
): Promise<readonly Figure[]> {
  const account = accountOf(world, 'http://127.0.0.1:9', daysAgo(0));
  // A second account without calls: the plan of a query for one is not that of a query for two.
  const accounts = [account, { ...account, id: 'other', credentials: { token: 'other' } }];
  const place = makePlace(await lab.folder(), accounts, store.url);
  const output = join(place.folder, 'export.ndjson');
  const note = join(place.folder, 'statements.json');
  const figures: Figure[] = [];
  for (const { what, args, records } of commands) {
    lab.say(`${question}: ${what}`);
    const whole = records === null ? args : [...args, '--output', output];
    await rm(output, { force: true });
    await lab.cdrsync(place, whole, noting(store, note));
    const statements = await readStatements(note);
    if (statements.length === 0) throw new Error(`${what} asked the store nothing`);
    const scans = await store.fullScans(statements);
    const seconds = await repeat(lab.rounds, async () => {
      await rm(output, { force: true });
      return (await lab.cdrsync(place, whole)).ms / 1000;
    });
    if (records !== null) await checkLines(what, output, records);
    figures.push(
      figureOf({
        ...{ question, what, unit: 's', values: seconds },
        details: [...(records === null ? [] : [`${records} rows`]), ...dearestOf(statements, 1)],
      }),
      ...(records === null
        ? []
        : [
            figureOf({
              ...{ question, what, unit: 'rows/s' },
              values: seconds.map((time) => records / time),
            }),
          ]),
      figureOf({
        ...{ question, what: `${what}, full scans`, unit: 'statements', values: [scans.length] },
        details: scans.map(({ step, text }) => `${step}: ${text}`),
      }),
    );
  }
  return figures;
}

async function checkLines(what: string, path: string, records: number): Promise<void> {
  let lines = 0;
  for await (const _ of createInterface({ input: createReadStream(path) })) lines += 1;
  if (lines !== records) throw new Error(`${what} wrote ${lines} of ${records} records`);
}

/** The indexes of the calls of the day in the middle of a world, `[first, end)`. */
export function middleDay({ days, calls }: World): {
  readonly first: number;
  readonly end: number;
} {
  const perDay = calls / days;
  const first = Math.floor(days / 2) * perDay;
  return { first, end: first + perDay };
}

/** The arguments that export that day. */
export function exportDay(world: World): readonly string[] {
  const at = world.from + Math.floor(world.days / 2) * 86_400_000;
  return ['export', '--from', shanghai.dayOf(at), '--to', shanghai.dayOf(at + 86_400_000)];
}

export function callAt(world: World, index: number): ReturnType<typeof callOf> {
  return callOf(world.first + index, startOf(world, index));
}
