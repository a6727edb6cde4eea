import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ServerStats } from '../server/messages.ts';
import type { World } from '../server/world.ts';
import { type Lab, type Preload, readNote } from './lab.ts';
import { ACCOUNT, accountOf, makePlace, type Place } from './place.ts';
import type { Finished } from './run.ts';
import { type BenchServer, startServer } from './server.ts';
import { daysAgo, shanghai } from './world.ts';

/** The two sides that are compared, on one server's list. */

export async function serve(lab: Lab, world: World, latency = 0): Promise<BenchServer> {
  const server = await startServer({ world, latency });
  lab.defer(server.close);
  return server;
}

/** A run, what it cost itself, and what the server. */
export interface Walked {
  /** Wall time. */
  readonly ms: number;
  /** CPU milliseconds, of all threads. */
  readonly cpu: number;
  /** The largest resident size; null where the system does not tell. */
  readonly peakBytes: number | null;
  readonly served: ServerStats;
}

const Usage = z.object({ cpu: z.number(), peakBytes: z.number().nullable() });

/** @param folder where the run may leave a note. */
async function watched(
  server: BenchServer,
  folder: string,
  run: (preload: Preload) => Promise<Finished>,
): Promise<Walked> {
  await server.stats();
  const note = join(folder, 'usage.json');
  const { ms } = await run({ module: 'usage', note });
  return { ms, ...Usage.parse(await readNote(note)), served: await server.stats() };
}

const FLOOR = join(import.meta.dirname, '../floor/floor.ts');
const Listed = z.object({ listed: z.int() });

/** Reads the whole world into a file with the floor, which is new or has it already. */
export function walkFloor(
  lab: Lab,
  world: World,
  server: BenchServer,
  file: string,
  indexed = false,
): Promise<Walked> {
  const { provider, from, days, calls } = world;
  const url = provider === 'infin8linx' ? server.url : `${server.url}/voice`;
  const flags = indexed ? ['indexed'] : [];
  return watched(server, dirname(file), async (preload) => {
    const args = [FLOOR, provider, url, file, String(from), String(days), ...flags];
    const done = await lab.node(args, preload);
    const { listed } = Listed.parse(JSON.parse(done.stdout));
    if (listed !== calls) throw new Error(`the floor read ${listed} of ${calls} calls`);
    return done;
  });
}

const Report = z.object({
  accounts: z.array(z.looseObject({ inserted: z.int(), unchanged: z.int() })),
});

/** What a run is to have done: a bench of something else would be worth nothing. */
export type Expected = 'inserted' | 'unchanged';

async function expecting(
  expected: Expected,
  calls: number,
  run: () => Promise<Finished>,
): Promise<Finished> {
  const done = await run();
  const { accounts } = Report.parse(JSON.parse(done.stdout));
  const counted = (outcome: Expected): number =>
    accounts.reduce((sum, account) => sum + account[outcome], 0);
  // The first page of a busy day is listed once more in the first of the parts that the day is split into.
  const count = expected === 'inserted' ? counted('inserted') : calls - counted('inserted');
  const seen = counted('inserted') + counted('unchanged');
  if (count !== calls || seen < calls) {
    throw new Error(`cdrsync found ${count} of ${calls} calls ${expected}, and saw ${seen}`);
  }
  return done;
}

/** Brings a new store up to date. */
export function walkFirst(
  lab: Lab,
  world: World,
  server: BenchServer,
  place: Place,
): Promise<Walked> {
  return watched(server, place.folder, (preload) =>
    expecting('inserted', world.calls, () => lab.cdrsync(place, ['sync'], preload)),
  );
}

/** Walks the whole world as a backfill. */
export function walkRange(
  lab: Lab,
  world: World,
  server: BenchServer,
  place: Place,
  { expected, concurrency = 1 }: { readonly expected: Expected; readonly concurrency?: number },
): Promise<Walked> {
  const range = ['--from', shanghai.dayOf(world.from), '--to', daysAgo(0)];
  const args = ['backfill', '--account', ACCOUNT, ...range, '--concurrency', String(concurrency)];
  return watched(server, place.folder, (preload) =>
    expecting(expected, world.calls, () => lab.cdrsync(place, args, preload)),
  );
}

/** A place whose account begins with the world, for `sync`, or today, for `backfill`. */
export async function placeFor(
  lab: Lab,
  world: World,
  server: BenchServer,
  begins: 'with the world' | 'today',
): Promise<Place> {
  const startAt = begins === 'today' ? daysAgo(0) : shanghai.dayOf(world.from);
  return makePlace(await lab.folder(), [accountOf(world, server.url, startAt)]);
}

export function discard({ folder }: Pick<Place, 'folder'>): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
