import { again } from './again.ts';
import { concurrency } from './concurrency.ts';
import type { Entry } from './entry.ts';
import { firstSync } from './first-sync.ts';
import { floorIndexes } from './floor-indexes.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { nothingToDo } from './nothing-to-do.ts';
import { reads } from './reads.ts';
import { upsert } from './upsert.ts';

export type { Entry } from './entry.ts';

export const ENTRIES: readonly Entry[] = [
  firstSync('infin8linx'),
  firstSync('itniotech'),
  again('infin8linx'),
  again('itniotech'),
  latency('infin8linx'),
  latency('itniotech'),
  concurrency('itniotech', { kind: 'at least', bound: 3.5 }),
  // Pages of a thousand rows: four walkers would have to bring 80,000 rows a second, which is
  // above what one process can write, so it says where that limit lies and is held against nothing.
  concurrency('infin8linx', null),
  memory,
  nothingToDo,
  // Before those that read, whose first run it would disturb; it adds a day a round to the store.
  upsert,
  reads,
  floorIndexes('infin8linx'),
  floorIndexes('itniotech'),
];
