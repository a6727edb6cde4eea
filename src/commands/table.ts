import { COLUMNS, width } from './wrap.ts';

/** Plain tables for people. */

/** Columns padded to their widest cell, two spaces apart; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  const lines = all.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column < row.length - 1))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/**
 * A table that keeps to the columns of a terminal: without the column `spare`
 * where it is too wide with it, and with the first cell of each row on a line
 * of its own where long ones make it too wide all the same.
 */
export function narrowTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  spare?: string,
): string {
  const whole = table(head, rows);
  if (fits(whole)) return whole;
  const without = (row: readonly string[]) => row.filter((_, column) => head[column] !== spare);
  const shorter = table(without(head), rows.map(without));
  if (fits(shorter)) return shorter;
  const [first = '', ...others] = head;
  const lines = table(
    others,
    rows.map((row) => row.slice(1)),
  ).split('\n');
  const firsts = [first, ...rows.map(([cell = '']) => cell)];
  return firsts.map((cell, index) => `${cell}\n  ${lines[index] ?? ''}\n`).join('');
}

function fits(text: string): boolean {
  return text.split('\n').every((line) => width(line) <= COLUMNS);
}

function pad(cell: string, size: number, fill: boolean): string {
  const space = ' '.repeat(Math.max(0, size - width(cell)));
  if (/^-?[\d,]+$/.test(cell)) return space + cell;
  return fill ? cell + space : cell;
}

/** `12,345`, alike everywhere. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}
