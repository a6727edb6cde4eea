import { recordJson, versionJson } from '../store/records.ts';
import type { ExportRow } from './rows.ts';

/** One JSON object a line, `custom` and `raw` as they were received. */
export function ndjsonLine({ record, before }: ExportRow): string {
  return jsonLine(before === null ? recordJson(record) : versionJson({ record, ...before }));
}

/**
 * JSON as one line for every reader: some end a line at characters that JSON
 * lets stand in a text (Node's readline at U+2028 and U+2029, Python's
 * `splitlines` at U+0085 too), so these are escaped.
 */
export function jsonLine(json: string): string {
  // Looked for first: nearly no line has any, and replacing costs the more of the two.
  return `${OTHER_ENDS.test(json) ? json.replaceAll(EACH_OTHER_END, escaped) : json}\n`;
}

const OTHER_ENDS = /[\u0085\u2028\u2029]/;
const EACH_OTHER_END = /[\u0085\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
