import { isObject, isRawNumber, type Json, parseJson } from './json.ts';
import { plainNumber, plainText, SEPARATOR } from './phone-number.ts';

/**
 * What in a call counts as a phone number. The search of the store and the rows
 * that come later go by this alone, so that neither finds what the other misses.
 *
 * A party's column is a number as a whole. Elsewhere a run of digits is one: in
 * the texts of the payload, and in a party's column with words in it. No list of
 * keys that are never numbers is needed: the call's own ids, decimals, dates and
 * addresses are told by themselves, and of what is left nothing has the ten
 * digits of a subscriber by chance. Such a list would have to be kept for each
 * provider, and what it names wrongly would stay in clear.
 */

/** So many digits are a subscriber's wherever they stand; fewer may be an account, an id or a time. */
export const SHORTEST_ANYWHERE = 10;
/** Fewer are never looked for outside of a party's column. */
export const SHORTEST_IN_TEXT = 7;
/** `00`, and the most digits that a number has. */
const LONGEST = 17;

export interface Searched {
  readonly caller: string | null;
  readonly callee: string | null;
  readonly agent: string | null;
  readonly call_id: string | null;
  readonly native_id: string | null;
  readonly correlation_id: string | null;
  readonly identity_key?: string;
  /** The payload, as JSON. */
  readonly raw: string;
}

/** What is searched of a row that is no call. */
export function rowAlone(raw: string): Searched {
  const ids = { call_id: null, native_id: null, correlation_id: null };
  return { caller: null, callee: null, agent: null, ...ids, raw };
}

/** A place that may hold a number. */
export interface Mention {
  readonly place: 'party' | 'payload';
  /** The payload's own name of the field; of a party, that of the column. */
  readonly field: string;
  /** Under what it is sought: `numberKeys`. */
  readonly key: string;
}

const IN_TEXT = 'in text ';

/**
 * Under what a number is sought and registered.
 *
 * @param forms every spelling of it.
 * @param inPayload also seven to nine digits of it count outside of a party's column.
 */
export function numberKeys(forms: readonly string[], inPayload: boolean): readonly string[] {
  const plain = [...new Set(forms.map(plainNumber))];
  return inPayload ? [...new Set([...plain, ...plain.map(textKey)])] : plain;
}

function textKey(spelling: string): string {
  return digitsOf(spelling) < SHORTEST_ANYWHERE ? IN_TEXT + spelling : spelling;
}

function digitsOf(spelling: string): number {
  return spelling.startsWith('+') ? spelling.length - 1 : spelling.length;
}

/** Every place of a call that may hold a number, parties first. */
export function* mentionsOf(call: Searched): Generator<Mention> {
  for (const field of ['caller', 'callee'] as const) {
    const text = call[field];
    if (text === null) continue;
    yield { place: 'party', field, key: plainNumber(text) };
    yield* longMentions(field, text);
  }
  // An agent's name or work number, which has digits of its own.
  if (call.agent !== null) yield* longMentions('agent', call.agent);
  const ids = [call.call_id, call.native_id, call.correlation_id, call.identity_key ?? null];
  yield* payloadMentions(call.raw, ids);
}

function* longMentions(field: string, text: string): Generator<Mention> {
  for (const key of spellingsIn(text)) {
    if (digitsOf(key) >= SHORTEST_ANYWHERE) yield { place: 'party', field, key };
  }
}

function* payloadMentions(raw: string, ids: readonly (string | null)[]): Generator<Mention> {
  for (const { field, text } of textsOf(parsed(raw), '')) {
    // They stay as they are, so that nothing would be won.
    if (ids.includes(text)) continue;
    for (const spelling of spellingsIn(text)) {
      yield { place: 'payload', field, key: textKey(spelling) };
    }
  }
}

/** What is no JSON, such as a damaged payload, is a text. */
function parsed(raw: string): Json {
  try {
    return parseJson(raw);
  } catch {
    return raw;
  }
}

interface Text {
  readonly field: string;
  readonly text: string;
}

const DECIMAL = /^-?(?:0|[1-9]\d*)\.\d+$/;

/** The texts of a payload that may hold a number: its strings, whole numbers, and names. */
function* textsOf(value: Json, field: string): Generator<Text> {
  if (typeof value === 'string') {
    if (!DECIMAL.test(value)) yield { field, text: value };
  } else if (typeof value === 'number' || isRawNumber(value)) {
    const text = typeof value === 'number' ? String(value) : value.rawJSON;
    if (/^\d+$/.test(text)) yield { field, text };
  } else if (Array.isArray(value)) {
    for (const part of value) yield* textsOf(part, field);
  } else if (isObject(value)) {
    for (const [name, part] of Object.entries(value)) {
      yield { field: name, text: name };
      yield* textsOf(part, name);
    }
  }
}

const FEWEST = new RegExp(`\\p{Nd}(?:.{0,8}?\\p{Nd}){${SHORTEST_IN_TEXT - 1}}`, 'su');
/** 2026-11-20, with the hour of a time behind it: its parts are no groups of a number. */
const DATE =
  /(?<!\d)(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)(?:[T\s]+\d{1,2}(?=:))?/g;
/** 192.168.101.23 has the digits of a mobile number. */
const ADDRESS =
  /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])/g;
/** Groups of digits that may belong together. */
const CHAIN = new RegExp(`\\+?\\d+(?:${SEPARATOR}{1,4}\\d+)*`, 'gu');
const LETTER = /[A-Za-z]/;

/** Whatever in a text may be a spelling of a number of seven digits and more, without its separators. */
export function spellingsIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  if (!FEWEST.test(text)) return found;
  addSpellings(text, found);
  // As the value of a parameter in an address: %2B86138…
  if (text.includes('%')) addSpellings(decoded(text), found);
  return found;
}

function decoded(text: string): string {
  return text.replaceAll(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function addSpellings(text: string, found: Set<string>): void {
  const plain = plainText(text).replaceAll(DATE, '|').replaceAll(ADDRESS, '|');
  for (const { 0: chain, index } of plain.matchAll(CHAIN)) {
    const groups = chain.match(/\+?\d+/g) ?? [];
    const before = LETTER.test(plain[index - 1] ?? '');
    const after = LETTER.test(plain[index + chain.length] ?? '');
    // Any groups in a row: a date, an extension or another number may stand beside.
    for (let from = 0; from < groups.length; from += 1) {
      let joined = '';
      for (let to = from; to < groups.length; to += 1) {
        joined += groups[to];
        const digits = digitsOf(joined);
        if (digits > LONGEST) break;
        const within = (from === 0 && before) || (to === groups.length - 1 && after);
        // Few digits beside letters are a part of some code; ten and more are nobody's code by chance.
        if (digits >= (within ? SHORTEST_ANYWHERE : SHORTEST_IN_TEXT)) found.add(joined);
      }
    }
  }
}
