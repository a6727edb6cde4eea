/**
 * JSON that loses nothing: an integer above 2^53 or a decimal such as 1.10 is
 * kept as the provider wrote it.
 */

/** A number whose text a double cannot give back. `JSON.stringify` writes it verbatim. */
export interface RawNumber {
  readonly rawJSON: string;
}

export type Json = string | number | boolean | null | RawNumber | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

// In every Node we support, not yet in TypeScript's library.
declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): Json;
  }
}

/**
 * Where a number stands that a double may not give back as written: sixteen
 * digits or more, a decimal that ends in 0, an exponent, a very small fraction,
 * minus zero. It is looked for only where a value can begin, so that the long
 * digits inside strings (ids, phone numbers) do not send every page down the
 * slow path, which costs nine times plain parsing.
 */
const DELICATE_NUMBER =
  /[:,[]\s*(?:-?\d(?:\d*(?:\.\d+)?[eE]|[\d.]{15}|\d*\.\d*0(?!\d)|\.0{6})|-0(?![\d.]))/;

/**
 * Parses JSON text without loss.
 *
 * @throws SyntaxError where the text is not JSON.
 */
export function parseJson(text: string): Json {
  if (!DELICATE_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && JSON.stringify(value) !== source
      ? JSON.rawJSON(source)
      : value,
  );
}

export function isRawNumber(value: unknown): value is RawNumber {
  return JSON.isRawJSON(value);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
  );
}

/**
 * The text as JSON writes it, numbers verbatim. Keys keep the order received,
 * but for those that look like whole numbers, which JavaScript puts first.
 */
export function writeJson(value: Json): string {
  return JSON.stringify(value);
}

/**
 * One text for all payloads that say the same: keys sorted at every level. The
 * `volatile` fields of the top level count only as set or unset, because a
 * provider signs their links anew at every read.
 */
export function canonicalJson(row: JsonObject, volatile: readonly string[]): string {
  return sortedObject(row, volatile, false);
}

export interface RowTexts {
  /** As `writeJson` has it. */
  readonly raw: string;
  readonly canonical: string;
}

/**
 * Both texts of a row. The first tells whether JSON escapes anything in it:
 * without a backslash the texts in it need not be looked through one by one for
 * the second, which takes a third of its time.
 */
export function rowTexts(row: JsonObject, volatile: readonly string[]): RowTexts {
  const raw = writeJson(row);
  return { raw, canonical: sortedObject(row, volatile, !raw.includes('\\')) };
}

/** @param plain that JSON escapes nothing in it. */
function sortedObject(row: JsonObject, volatile: readonly string[], plain: boolean): string {
  // By their places: 1.3 µs for a row of 20 fields, where to look each up by its name took 1.9.
  const values = Object.values(row);
  let text = '';
  for (const { place, head, isVolatile } of layoutOf(Object.keys(row), volatile).fields) {
    const value = values[place] ?? null;
    // One that is left out is as unset as one that is null.
    if (isVolatile && !isSet(value)) continue;
    text += text === '' ? head.slice(1) : head;
    text += isVolatile ? 'true' : sortedText(value, plain);
  }
  return `{${text}}`;
}

/** What is the same for all rows with the same fields in the same order, and nearly all rows of a list are. */
interface Layout {
  readonly keys: readonly string[];
  readonly volatile: readonly string[];
  /** In their canonical order. */
  readonly fields: readonly Field[];
}

interface Field {
  /** Which of the row's fields it is. */
  readonly place: number;
  /** How it is written up to its value, after another one. */
  readonly head: string;
  readonly isVolatile: boolean;
}

/** The newest first. */
let layouts: readonly Layout[] = [];
const MOST_LAYOUTS = 8;

function layoutOf(keys: readonly string[], volatile: readonly string[]): Layout {
  for (const layout of layouts) {
    if (isSame(layout.keys, keys) && isSame(layout.volatile, volatile)) return layout;
  }
  const fields = [...keys].sort().map((name) => ({
    place: keys.indexOf(name),
    head: `,${JSON.stringify(name)}:`,
    isVolatile: volatile.includes(name),
  }));
  const layout: Layout = { keys, volatile, fields };
  layouts = [layout, ...layouts.slice(0, MOST_LAYOUTS - 1)];
  return layout;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}

const NONE: readonly string[] = [];
/** What a JSON string may not hold as it is: quotes, backslashes, what comes before the blank, surrogates. */
const TO_ESCAPE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function sortedText(value: Json, plain: boolean): string {
  if (typeof value === 'string')
    return plain || !TO_ESCAPE.test(value) ? `"${value}"` : JSON.stringify(value);
  if (value === null) return 'null';
  // As JSON writes it, and sooner.
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  if (isObject(value)) return sortedObject(value, NONE, plain);
  if (Array.isArray(value))
    return `[${value.map((item: Json) => sortedText(item, plain)).join(',')}]`;
  return JSON.stringify(value);
}

function isSet(value: Json): boolean {
  return value !== null && value !== '';
}
