import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect } from 'vitest';
import { width } from '../../src/commands/wrap.ts';
import { isObject, type Json, parseJson } from '../../src/json.ts';
import { type StatusDocument, statusDocument } from '../../src/status/document.ts';

/** The committed schema, as other programs read it. */
export const committedSchema: Json = parseJson(
  readFileSync(new URL('../../status.schema.json', import.meta.url), 'utf8'),
);

const validate = new Ajv({
  allErrors: true,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ },
}).compile(isObject(committedSchema) ? committedSchema : {});

/** What was printed is what the schema says, and nothing more than it names. */
export function expectStatus(printed: unknown): StatusDocument {
  validate(printed);
  expect(validate.errors ?? []).toEqual([]);
  return statusDocument.parse(printed);
}

/** The lines of a text that a terminal of 80 columns would break. */
export function tooWide(text: string): string[] {
  return text.split('\n').filter((line) => width(line) > 80);
}
