import { mapEach } from '../store/batches.ts';
import { readStoreId } from '../store/meta.ts';
import { type CallsQuery, streamRecordJson, streamRecords } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { ZoneClock } from '../time.ts';
import { type Format, formatRows } from './format.ts';
import { masker } from './mask.ts';
import { ndjson } from './ndjson.ts';
import type { Pieces } from './output.ts';
import { currentRows, historyRows, type Tally, tallied } from './rows.ts';

export interface PieceOptions {
  readonly format: Format;
  /** The same store by a connection of its own, where each call is to come with its versions. */
  readonly versions: Store | null;
  readonly mask: boolean;
  /** For csv: begin with a byte order mark. */
  readonly bom: boolean;
  /** For xlsx: the wall clock of an account, in which its times are shown. */
  readonly clockOf: (accountId: string) => ZoneClock;
}

/** What is written of some calls; the records are counted as they are read. */
export async function exportPieces(
  store: Store,
  calls: CallsQuery,
  { format, versions, mask, bom, clockOf }: PieceOptions,
  tally: Tally,
): Promise<Pieces> {
  // Each line is the record's own JSON, which the database words faster than it is put together here.
  if (format === 'ndjson' && versions === null && !mask) {
    return ndjson(tallied(streamRecordJson(store, calls), tally));
  }
  const records = tallied(streamRecords(store, calls), tally);
  const rows = versions === null ? currentRows(records) : historyRows(records, versions);
  const shown = mask ? mapEach(rows, masker(await readStoreId(store))) : rows;
  return formatRows(shown, { format, history: versions !== null, bom, clockOf });
}
