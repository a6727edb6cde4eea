/** Text as Excel takes it. */

/** UTF-16 code units; a cell with more makes Excel repair the file. */
export const LONGEST_TEXT = 32_767;

/** Cut to what a cell holds, with a mark that says so. */
export function fitText(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  const mark = `… [cut: ${text.length} characters]`;
  const kept = text.slice(0, LONGEST_TEXT - mark.length);
  // Not between the halves of one character.
  return (/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept) + mark;
}

/**
 * Text for an element. What XML 1.0 cannot carry, and a carriage return, which
 * it would turn into a line feed, are written `_xHHHH_` (ECMA-376, ST_Xstring),
 * and so is the beginning of a text that looks like that already.
 */
export function xmlText(text: string): string {
  return (
    text
      .replaceAll(/_(?=x[0-9a-fA-F]{4}_)/g, '_x005F_')
      .replaceAll(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, (character) =>
        character === '\n' || character === '\t' ? character : escaped(character),
      )
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      // For `]]>`, which may not stand in a text.
      .replaceAll('>', '&gt;')
  );
}

function escaped(character: string): string {
  return `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;
}
