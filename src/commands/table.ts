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

function pad(cell: string, size: number, fill: boolean): string {
  const space = ' '.repeat(Math.max(0, size - width(cell)));
  if (/^-?[\d,]+$/.test(cell)) return space + cell;
  return fill ? cell + space : cell;
}

/** Terminal columns: a Chinese character takes two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text)
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
        character,
      )
        ? 2
        : 1;
  return columns;
}

/** `12,345`, alike everywhere. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}
