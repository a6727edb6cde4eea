/** Rows of any table as plain values, for what treats all tables alike. */

export type Value = string | number | Buffer | null;

/** By the names of the columns. */
export type Row = Readonly<Record<string, Value>>;

/** What a column holds, of which each database makes its own type. */
export type ColumnKind = 'text' | 'integer' | 'decimal' | 'time' | 'day' | 'json' | 'bytes';

export interface BulkColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

export interface BulkTable {
  readonly name: string;
  readonly columns: readonly BulkColumn[];
}
