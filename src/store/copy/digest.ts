import { hash } from 'node:crypto';
import type { BulkTable, ColumnKind, Row, Value } from '../bulk.ts';

/** Rows in numbers that another store can be compared with. */
export interface Sum {
  readonly rows: number;
  readonly digest: string;
}

/** Takes rows in any order. */
export interface Summing {
  readonly add: (row: Row) => void;
  readonly end: () => Sum;
}

/**
 * A sha256 over the sorted sha256 of each row. Sorted here and by bytes, so that
 * it tells nothing of the order in which a database gives its rows; 44 bytes of
 * each row are kept, where sorting the rows themselves would need them all.
 */
export function summing({ columns }: BulkTable): Summing {
  const rows: string[] = [];
  return {
    add: (row) => {
      const values = columns.map(({ name, kind }) => comparable(row[name] ?? null, kind));
      rows.push(hash('sha256', JSON.stringify(values), 'base64'));
    },
    end: () => ({ rows: rows.length, digest: hash('sha256', rows.sort().join('\n')) }),
  };
}

export const NOTHING: Sum = summing({ name: 'none', columns: [] }).end();

/**
 * A value as each database would give it back. U+0000 in a text, which
 * PostgreSQL cannot hold, is there what half a character is in both: U+FFFD.
 * (In JSON it stands as an escape, and stays.) Of a decimal PostgreSQL keeps every
 * place, but neither zeros before it nor the sign of nothing. Compared in this
 * form, a copy that could not be more exact is not told to differ.
 */
function comparable(value: Value, kind: ColumnKind): string | number | null {
  if (typeof value === 'number' || value === null) return value;
  if (typeof value !== 'string') return value.toString('base64');
  if (kind === 'decimal') return plainDecimal(value);
  return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

function plainDecimal(text: string): string {
  const shortest = text.replace(/^(-?)0+(?=\d)/, '$1');
  return /^-[0.]*$/.test(shortest) ? shortest.slice(1) : shortest;
}
