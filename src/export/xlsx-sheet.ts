import { DAY, type ZoneClock } from '../time.ts';
import { type Cell, type ColumnName, cellsOf, columnsOf } from './cells.ts';
import type { ExportRow } from './rows.ts';
import { STYLE, XML } from './xlsx-parts.ts';
import { fitText, xmlText } from './xlsx-text.ts';

/** The XML of one sheet, piece by piece: what stands before its rows, each row, and after them. */
export interface SheetWriter {
  readonly head: string;
  /** @param number counted from 1, the header's. */
  row(row: ExportRow, number: number): string;
  /** @param last the number of the last row. */
  foot(last: number): string;
}

/** @param clockOf the wall clock of an account, in which its times are shown. */
export function sheetWriter(
  history: boolean,
  clockOf: (accountId: string) => ZoneClock,
): SheetWriter {
  // The last says which clock the times are by.
  const columns = [...columnsOf(history), 'time_zone'];
  const letters = columns.map((_, index) => letterOf(index));
  const header = columns.map((name, index) => textCell(`${letters[index]}1`, STYLE.header, name));
  const widths = columns.map(
    (name, index) =>
      `<col min="${index + 1}" max="${index + 1}" width="${WIDTHS.get(name) ?? 14}" customWidth="1"/>`,
  );
  return {
    head: [
      XML,
      '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">',
      '<sheetViews><sheetView workbookViewId="0">',
      '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>',
      '</sheetView></sheetViews>',
      `<cols>${widths.join('')}</cols>`,
      `<sheetData><row r="1">${header.join('')}</row>`,
    ].join(''),
    row: (row, number) => {
      const clock = clockOf(row.record.account_id);
      const cells = cellsOf(row, history).map((cell, index) =>
        cellXml(`${letters[index]}${number}`, cell, clock),
      );
      const zone = textCell(`${letters.at(-1)}${number}`, STYLE.text, clock.zone);
      return `<row r="${number}">${cells.join('')}${zone}</row>`;
    },
    foot: (last) =>
      // Without it Excel puts a green corner on each number that is kept as text.
      `</sheetData><ignoredErrors><ignoredError sqref="A1:${letters.at(-1)}${last}" numberStoredAsText="1"/></ignoredErrors></worksheet>`,
  };
}

/** In characters; the others have 14. */
const WIDTHS: ReadonlyMap<string, number> = new Map([
  ['call_id', 36],
  ['native_id', 20],
  ['correlation_id', 36],
  ['caller', 18],
  ['callee', 18],
  ['started_at', 20],
  ['ringing_at', 20],
  ['answered_at', 20],
  ['ended_at', 20],
  ['custom', 30],
  ['first_seen_at', 24],
  ['changed_at', 24],
  ['missing_since', 24],
  ['replaced_at', 24],
  ['raw', 30],
]);

const TIMES: ReadonlySet<ColumnName> = new Set([
  'started_at',
  'ringing_at',
  'answered_at',
  'ended_at',
  'first_seen_at',
  'changed_at',
  'missing_since',
  'replaced_at',
]);

function cellXml(place: string, { column, value }: Cell, clock: ZoneClock): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return `<c r="${place}" t="b"><v>${value ? 1 : 0}</v></c>`;
  if (typeof value === 'number') return `<c r="${place}"><v>${value}</v></c>`;
  return TIMES.has(column) ? timeCell(place, value, clock) : textCell(place, STYLE.text, value);
}

function textCell(place: string, style: number, value: string): string {
  const text = fitText(value);
  const space = text.trim() === text ? '' : ' xml:space="preserve"';
  return `<c r="${place}" s="${style}" t="inlineStr"><is><t${space}>${xmlText(text)}</t></is></c>`;
}

/** Day 0 of Excel's calendar, as it counts from March 1900 on; before, it has a day too many. */
const DAY_ZERO = Date.UTC(1899, 11, 30);
const FIRST_SOUND = Date.UTC(1900, 2, 1);

/** A date that can be sorted and filtered by, shown to the second, or to the millisecond where it has any. */
function timeCell(place: string, iso: string, clock: ZoneClock): string {
  const at = Date.parse(iso);
  const local = clock.format(at);
  const wall = Date.parse(`${local.replace(' ', 'T')}Z`) + (((at % 1000) + 1000) % 1000);
  if (wall < FIRST_SOUND) return textCell(place, STYLE.text, local);
  const style = iso.includes('.') ? STYLE.millisecond : STYLE.second;
  return `<c r="${place}" s="${style}"><v>${(wall - DAY_ZERO) / DAY}</v></c>`;
}

/** A, B, … Z, AA, AB, … */
function letterOf(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest === 0 ? '' : letterOf(rest - 1)) + String.fromCharCode(65 + (index % 26));
}
