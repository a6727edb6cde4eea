import { recordJson, versionJson } from '../store/records.ts';
import type { ExportRow } from './rows.ts';

/** One JSON object a line, `custom` and `raw` as they were received. */
export function ndjsonLine({ record, before }: ExportRow): string {
  return `${before === null ? recordJson(record) : versionJson({ record, ...before })}\n`;
}
