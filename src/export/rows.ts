import { type CallVersion, readVersions, type StoredRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/** What one line of an export tells: a record, or what it was before a change. */
export interface ExportRow {
  readonly record: StoredRecord;
  /** Null for what the call is now. */
  readonly before: Pick<CallVersion, 'change_reason' | 'replaced_at'> | null;
}

/** The columns of a line that tells a version, after those of the record. */
export const VERSION_COLUMNS = ['change_reason', 'replaced_at'] as const;

export type Rows = AsyncIterable<ExportRow>;

/** The records as they are now. */
export async function* currentRows(
  records: AsyncIterable<StoredRecord>,
): AsyncGenerator<ExportRow> {
  for await (const record of records) yield { record, before: null };
}

/**
 * Each record after what it was before each of its changes, the oldest first.
 *
 * @param versions the same store by a connection of its own: the other one is busy as long as the records stream.
 */
export async function* historyRows(
  records: AsyncIterable<StoredRecord>,
  versions: Store,
): AsyncGenerator<ExportRow> {
  for await (const current of records) {
    for (const { record, ...before } of await readVersions(versions, current)) {
      yield { record, before };
    }
    yield { record: current, before: null };
  }
}

export async function* mapRows(
  rows: Rows,
  change: (row: ExportRow) => ExportRow,
): AsyncGenerator<ExportRow> {
  for await (const row of rows) yield change(row);
}

export interface Tally {
  /** Without their versions. */
  records: number;
}

/** Counts the records as they pass. */
export async function* tallied(rows: Rows, tally: Tally): AsyncGenerator<ExportRow> {
  for await (const row of rows) {
    if (row.before === null) tally.records += 1;
    yield row;
  }
}
