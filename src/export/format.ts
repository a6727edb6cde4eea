import type { ZoneClock } from '../time.ts';
import { BYTE_ORDER_MARK, csvHeader, csvLine } from './csv.ts';
import { ndjsonLine } from './ndjson.ts';
import type { Pieces } from './output.ts';
import type { ExportRow, Rows } from './rows.ts';
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
      return gather('', rows, ndjsonLine);
    case 'csv': {
      const head = (bom ? BYTE_ORDER_MARK : '') + csvHeader(history);
      return gather(head, rows, (row) => csvLine(row, history));
    }
    case 'xlsx':
      return xlsxFile(rows, history, clockOf);
  }
}

/** Gathered to this size before they are written. */
const CHUNK = 256 * 1024;

async function* gather(
  head: string,
  rows: Rows,
  line: (row: ExportRow) => string,
): AsyncGenerator<string> {
  let text = head;
  for await (const batch of rows) {
    for (const row of batch) {
      text += line(row);
      if (text.length < CHUNK) continue;
      yield text;
      text = '';
    }
  }
  yield text;
}
