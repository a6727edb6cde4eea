import { type Batches, mapEach } from '../store/batches.ts';
import { recordJson, versionJson } from '../store/record-json.ts';
import { gather } from './gather.ts';
import type { ExportRow } from './rows.ts';

/** One JSON object, `custom` and `raw` as they were received. */
export function rowJson({ record, before }: ExportRow): string {
  return before === null ? recordJson(record) : versionJson({ record, ...before });
}

/**
 * JSON as one line for every reader: some end a line at characters that JSON
 * lets stand in a text (Node's readline at U+2028 and U+2029, Python's
 * `splitlines` at U+0085 too), so these are escaped.
 */
export function jsonLine(json: string): string {
  return withoutOtherEnds(`${json}\n`);
}

/** The same of each object, escaped by the piece: by the line it takes a quarter longer. */
export async function* ndjson(objects: Batches<string>): AsyncGenerator<string> {
  const lines = mapEach(objects, (json) => `${json}\n`);
  for await (const piece of gather(lines)) yield withoutOtherEnds(piece);
}

const OTHER_ENDS = ['\u0085', '\u2028', '\u2029'];

/** One after another, in half the time of a pattern for all three. */
function withoutOtherEnds(json: string): string {
  return OTHER_ENDS.reduce((text, end) => text.replaceAll(end, escaped(end)), json);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
