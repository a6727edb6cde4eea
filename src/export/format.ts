import { mapEach } from '../store/batches.ts';
import type { ZoneClock } from '../time.ts';
import { BYTE_ORDER_MARK, csvHeader, csvLine } from './csv.ts';
import { gather } from './gather.ts';
import { ndjson, rowJson } from './ndjson.ts';
import type { Pieces } from './output.ts';
import type { Rows } from './rows.ts';
import { xlsxFile } from './xlsx.ts';

export const FORMATS = ['ndjson', 'csv', 'xlsx'] as const;
export type Format = (typeof FORMATS)[number];

export interface FormatOptions {
  readonly format: Format;
  /** With the columns that only versions have. */
  readonly history: boolean;
  /** For csv: begin with a byte order mark. */
  readonly bom: boolean;
  /** For xlsx: the wall clock of an account, in which its times are shown. */
  readonly clockOf: (accountId: string) => ZoneClock;
}

/** What is written of some rows. */
export function formatRows(rows: Rows, { format, history, bom, clockOf }: FormatOptions): Pieces {
  switch (format) {
    case 'ndjson':
      return ndjson(mapEach(rows, rowJson));
    case 'csv': {
      const head = (bom ? BYTE_ORDER_MARK : '') + csvHeader(history);
      return gather(
        mapEach(rows, (row) => csvLine(row, history)),
        head,
      );
    }
    case 'xlsx':
      return xlsxFile(rows, history, clockOf);
  }
}
