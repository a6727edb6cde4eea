import { z } from 'zod';
import { readMeta, writeMeta } from '../store/meta.ts';
import type { Store } from '../store/store.ts';
import type { Schedule } from './schedules.ts';

/**
 * The schedules that the workers of a store keep: those of the one that started
 * last. In the store, because two workers that each kept their own would undo
 * each other's once a minute while a change of the configuration is rolled out.
 */

const NAME = 'schedules';

const schema = z.array(
  z.object({
    id: z.string(),
    every: z.number(),
    data: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('poll'), account: z.string() }),
      z.object({ kind: z.literal('due') }),
      z.object({ kind: z.literal('audits') }),
      z.object({ kind: z.literal('tidy') }),
    ]),
  }),
);

export async function saveWanted(store: Store, schedules: readonly Schedule[]): Promise<void> {
  await writeMeta(store, NAME, JSON.stringify(schedules));
}

/** @returns `otherwise` where none were saved, or not by a version whose schedules are known here. */
export async function readWanted(
  store: Store,
  otherwise: readonly Schedule[],
): Promise<readonly Schedule[]> {
  const parsed = schema.safeParse(JSON.parse((await readMeta(store, NAME)) ?? 'null'));
  return parsed.success ? parsed.data : otherwise;
}
