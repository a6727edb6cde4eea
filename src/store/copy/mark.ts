import type { Kysely } from 'kysely';
import { z } from 'zod';
import { CdrError, fault } from '../../errors.ts';
import type { Schema } from '../schema.ts';

/** The name under which a copy in progress is marked in `meta`. */
export const MARK = 'copy';

const markSchema = z.object({
  /** The id of the store that it is a copy of. */
  source: z.string(),
  /** That store as people call it: without a login. */
  name: z.string(),
  begun_at: z.number(),
  /** Whether all was written, and only the comparison is to come. */
  written: z.boolean(),
});

/** Stands in a store that is the beginning of a copy, until it was compared with its source. */
export type Mark = z.infer<typeof markSchema>;

type Store = Pick<Kysely<Schema>, 'selectFrom' | 'insertInto' | 'deleteFrom'>;

export async function readMark(db: Store): Promise<Mark | null> {
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', MARK)
    .executeTakeFirst();
  return row === undefined ? null : parseMark(row.value);
}

export function parseMark(text: string): Mark {
  return markSchema.parse(JSON.parse(text));
}

export async function writeMark(trx: Store, mark: Mark): Promise<void> {
  const value = JSON.stringify(mark);
  await trx
    .insertInto('meta')
    .values({ name: MARK, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

export async function removeMark(trx: Store): Promise<void> {
  await trx.deleteFrom('meta').where('name', '=', MARK).execute();
}

/**
 * Whoever opens a store asks: a part of the calls would pass for all of them,
 * and what is written into it would be lost, or spoil the copy.
 *
 * @throws CdrError `copy.unfinished`.
 */
export async function refuseUnfinished(db: Store, name: string): Promise<void> {
  const mark = await readMark(db);
  if (mark !== null) throw unfinished(name, mark);
}

export function unfinished(name: string, mark: Pick<Mark, 'name'>): CdrError {
  const words = `the store ${name} is a copy of ${mark.name} that was not finished`;
  return new CdrError(fault('copy.unfinished', words));
}
