import { RECORD_COLUMNS } from '../store/record-columns.ts';
import { type ExportRow, VERSION_COLUMNS } from './rows.ts';

export type ColumnName = (typeof RECORD_COLUMNS)[number] | (typeof VERSION_COLUMNS)[number];

/** What a table shows of a row in one column. JSON columns are text. */
export interface Cell {
  readonly column: ColumnName;
  readonly value: string | number | boolean | null;
}

export function columnsOf(history: boolean): readonly ColumnName[] {
  return history ? [...RECORD_COLUMNS, ...VERSION_COLUMNS] : RECORD_COLUMNS;
}

/** The cells of a row, in the order of the columns. */
export function cellsOf({ record, before }: ExportRow, history: boolean): readonly Cell[] {
  const cells = RECORD_COLUMNS.map((column): Cell => {
    if (column === 'is_call') return { column, value: record.is_call === 1 };
    // A payload that is left out is the JSON `null`.
    if (column === 'raw' && record.raw === 'null') return { column, value: null };
    return { column, value: record[column] };
  });
  if (!history) return cells;
  return [
    ...cells,
    ...VERSION_COLUMNS.map((column) => ({ column, value: before?.[column] ?? null })),
  ];
}
