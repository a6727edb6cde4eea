import { cellsOf, columnsOf } from './cells.ts';
import type { ExportRow } from './rows.ts';

/**
 * RFC 4180. By hand, because quoting is one expression, and the escaping of
 * formulas that `csv-stringify` 6.9 offers would put a `'` before every number
 * that begins with its country code.
 */

/** Tells Excel that the file is UTF-8, which it takes for the system's own encoding otherwise. */
export const BYTE_ORDER_MARK = '\u{FEFF}';

export function csvHeader(history: boolean): string {
  return line(columnsOf(history));
}

export function csvLine(row: ExportRow, history: boolean): string {
  return line(
    cellsOf(row, history).map(({ value }) => {
      if (value === null) return '';
      return typeof value === 'string' ? quoted(guarded(value)) : String(value);
    }),
  );
}

function line(fields: readonly string[]): string {
  return `${fields.join(',')}\r\n`;
}

/** A text that is empty is told from a null, as PostgreSQL's COPY does. */
function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const PLAIN_NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * What a spreadsheet takes for the beginning of a formula. The full-width signs
 * too, which East Asian editions read as the plain ones; and whatever stands
 * behind blanks and invisible characters, which some programs strip first.
 */
const FORMULA = /^(?:[\t\r\n]|[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠﹦﹢﹣﹫−])/u;

function guarded(text: string): string {
  return FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
}
