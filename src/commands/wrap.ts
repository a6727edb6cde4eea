/** Text for terminals, no wider than the narrowest that people still use. */

export const COLUMNS = 80;

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Terminal columns: a Chinese character takes two, a combining mark none. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): number {
  if (WIDE.test(character)) return 2;
  return /\p{Mn}/u.test(character) ? 0 : 1;
}

/** Breaks every line of a text that is too wide, its rest indented like its own words. */
export function wrapLines(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [prefix = ''] = /^ *(?:[→!?·] )?/.exec(line) ?? [];
      return width(line) <= COLUMNS ? line : wrap(line.slice(prefix.length), prefix);
    })
    .join('\n');
}

/**
 * One line of text over as many as it needs, without an end of line.
 *
 * @param prefix before the first line; the others are indented as far.
 */
export function wrap(text: string, prefix = ''): string {
  if (width(prefix + text) <= COLUMNS) return prefix + text;
  const indent = ' '.repeat(width(prefix));
  const room = COLUMNS - indent.length;
  const lines: string[] = [];
  let line = '';
  for (const piece of piecesOf(text, room)) {
    const joined = line + piece;
    if (line === '' || width(joined.trimEnd()) <= room) line = joined;
    else {
      lines.push(line.trimEnd());
      line = piece;
    }
    if (piece.endsWith('\n')) {
      lines.push(line.trimEnd());
      line = '';
    }
  }
  if (line !== '') lines.push(line.trimEnd());
  return prefix + lines.join(`\n${indent}`);
}

/** A command between backticks, or a word; each with what follows it. Chinese breaks after its punctuation. */
const PIECE = /`[^`]*`[^\s`]*\s*|[^\s，。；：、！？）]+(?:[，。；：、！？）]+\s*|\s*)|\S\s*/g;

function piecesOf(text: string, room: number): readonly string[] {
  return (text.match(PIECE) ?? []).flatMap((piece) => {
    if (width(piece.trimEnd()) <= room) return [piece];
    return piece.startsWith('`') && piece.includes(' ') ? continued(piece, room) : cut(piece, room);
  });
}

/** A command that is too long for a line goes on after a backslash, so that it can be pasted as it stands. */
function continued(command: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of command.split(/(?<=\s)/)) {
    if (line !== '' && width(line + word.trimEnd()) > room - 2) {
      lines.push(`${line}\\\n`);
      line = '';
    }
    line += word;
  }
  return [...lines, line].flatMap((part) => cut(part, room));
}

function cut(text: string, room: number): readonly string[] {
  const parts: string[] = [];
  let part = '';
  for (const character of text.trimEnd()) {
    if (width(part + character) > room) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  return [...parts, part + (/\s*$/.exec(text)?.[0] ?? '')];
}
