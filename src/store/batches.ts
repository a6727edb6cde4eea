import type { Compilable } from 'kysely';
import type { Database } from './opening.ts';

/** Rows as they come: so many at once, since a promise for each would take as long as the row itself. */
export type Batches<Row> = AsyncIterable<readonly Row[]>;

/** So many rows are one way to a server and back. */
const BATCH = 500;

export async function* inBatches<Row>(db: Database, query: Compilable<Row>): Batches<Row> {
  for await (const { rows } of db.getExecutor().stream(query.compile(), BATCH)) yield rows;
}

export async function* mapEach<From, To>(
  batches: Batches<From>,
  change: (one: From) => To,
): Batches<To> {
  for await (const batch of batches) yield batch.map(change);
}
