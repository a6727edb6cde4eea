import { type Batches, recordJson, versionJson } from '../store/records.ts';
import { gather } from './gather.ts';
import { type ExportRow, mapEach } from './rows.ts';

/** One JSON object, `custom` and `raw` as they were received. */
export function rowJson({ record, before }: ExportRow): string {
  return before === null ? recordJson(record) : versionJson({ record, ...before });
}

/** Objects as lines. */
export async function* ndjson(objects: Batches<string>): AsyncGenerator<string> {
  for await (const lines of gather(mapEach(objects, (json) => `${json}\n`))) {
    yield withoutOtherEnds(lines);
  }
}

export function jsonLine(json: string): string {
  return withoutOtherEnds(`${json}\n`);
}

/** Where some readers end a line and JSON does not: Node's readline at U+2028 and U+2029, Python's `splitlines` at U+0085 too. */
const OTHER_ENDS = ['\u0085', '\u2028', '\u2029'];

/** They stand nowhere but in texts, which may say them by their numbers. */
function withoutOtherEnds(json: string): string {
  // Nearly none has any, and a text in which no character is above U+00FF is not even looked through for the last two.
  return OTHER_ENDS.reduce(
    (text, end) => (text.includes(end) ? text.replaceAll(end, escaped(end)) : text),
    json,
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
