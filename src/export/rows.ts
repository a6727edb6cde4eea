import { type Batches, mapEach } from '../store/batches.ts';
import { type CallVersion, readVersionsOf } from '../store/call-versions.ts';
import type { StoredRecord } from '../store/record-columns.ts';
import type { Store } from '../store/store.ts';

/** What one line of an export tells: a record, or what it was before a change. */
export interface ExportRow {
  readonly record: StoredRecord;
  /** Null for what the call is now. */
  readonly before: Pick<CallVersion, 'change_reason' | 'replaced_at'> | null;
}

/** The columns of a line that tells a version, after those of the record. */
export const VERSION_COLUMNS = ['change_reason', 'replaced_at'] as const;

export type Rows = Batches<ExportRow>;

/** The records as they are now. */
export function currentRows(records: Batches<StoredRecord>): Rows {
  return mapEach(records, (record) => ({ record, before: null }));
}

/**
 * Each record after what it was before each of its changes, the oldest first.
 *
 * @param store the same by a connection of its own: the other one is busy as long as the records stream.
 */
export async function* historyRows(records: Batches<StoredRecord>, store: Store): Rows {
  for await (const batch of records) {
    const versions = await readVersionsOf(store, batch);
    yield batch.flatMap((current, index): readonly ExportRow[] => [
      ...(versions[index] ?? []).map(({ record, ...before }) => ({ record, before })),
      { record: current, before: null },
    ]);
  }
}

export interface Tally {
  records: number;
}

/** Counts the records as they pass. */
export async function* tallied<One>(records: Batches<One>, tally: Tally): Batches<One> {
  for await (const batch of records) {
    tally.records += batch.length;
    yield batch;
  }
}
