import type { CallVersion } from './call-versions.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';

type RecordColumn = (typeof RECORD_COLUMNS)[number];

/** How the value of a column becomes JSON. */
export type JsonForm = 'json' | 'boolean' | 'scalar';

/** The keys of a record in its JSON, in their order, each with what stands before its value. */
export const RECORD_KEYS = RECORD_COLUMNS.map((column, index) => ({
  column,
  head: `${index === 0 ? '{' : ','}"${column}":`,
  form: formOf(column),
}));

function formOf(column: RecordColumn): JsonForm {
  switch (column) {
    // They hold JSON, and none of them null; parsing it would only risk its numbers.
    case 'flags':
    case 'custom':
    case 'raw':
      return 'json';
    case 'is_call':
      return 'boolean';
    default:
      return 'scalar';
  }
}

/** The record as one JSON object, `custom` and `raw` as they were received. */
export function recordJson(record: StoredRecord): string {
  // By concatenation: half the time of a list that is joined.
  let text = '';
  for (const { column, head, form } of RECORD_KEYS) text += head + VALUES[form](record[column]);
  return `${text}}`;
}

/** Like the record's own, with the reason and the time of the change after it. */
export function versionJson({ record, change_reason, replaced_at }: CallVersion): string {
  const end = `"change_reason":${JSON.stringify(change_reason)},"replaced_at":${JSON.stringify(replaced_at)}`;
  return `${recordJson(record).slice(0, -1)},${end}}`;
}

type Value = string | number | null;

const VALUES: Readonly<Record<JsonForm, (value: Value) => string>> = {
  json: String,
  boolean: (value) => (value === 1 ? 'true' : 'false'),
  scalar: (value) => {
    if (value === null) return 'null';
    return typeof value === 'string' ? stringJson(value) : String(value);
  },
};

/** Nothing in it that JSON writes otherwise. */
const PLAIN = /^[ !#-[\]-~]*$/;

function stringJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
