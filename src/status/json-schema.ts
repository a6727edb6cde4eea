import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { statusDocument } from './document.ts';

/** The JSON Schema (draft-07) of `status --json`. A reader must bear fields that a later version adds. */
export function statusJsonSchema(): JsonObject {
  const made = parseJson(
    JSON.stringify(z.toJSONSchema(statusDocument, { io: 'output', target: 'draft-7' })),
  );
  const opened = open(made);
  if (!isObject(opened)) throw new TypeError('a schema is no object');
  return {
    ...opened,
    title: 'cdrsync --json status',
    description: 'How each account and the store stand. Later versions may add fields and codes.',
  };
}

function open(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => open(item));
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).filter(
    ([key, value]) => key !== 'additionalProperties' || value !== false,
  );
  return Object.fromEntries(entries.map(([key, value]): [string, Json] => [key, open(value)]));
}
