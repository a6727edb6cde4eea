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
  /[:,[]\s*(?:-?(?:\d+(?:\.\d+)?[eE]|[\d.]{16}|\d+\.\d*0(?!\d)|0\.0{6})|-0(?![\d.]))/;

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
  const entries = Object.keys(row)
    .sort()
    .flatMap((key) => {
      const value = row[key] ?? null;
      if (!volatile.includes(key)) return [`${JSON.stringify(key)}:${sortedText(value)}`];
      // One that is left out is as unset as one that is null.
      return isSet(value) ? [`${JSON.stringify(key)}:true`] : [];
    });
  return `{${entries.join(',')}}`;
}

function sortedText(value: Json): string {
  if (isObject(value)) return canonicalJson(value, []);
  if (Array.isArray(value)) return `[${value.map((item: Json) => sortedText(item)).join(',')}]`;
  return JSON.stringify(value);
}

function isSet(value: Json): boolean {
  return value !== null && value !== '';
}
