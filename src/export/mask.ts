import { createHmac } from 'node:crypto';
import { isObject, isRawNumber, type Json, parseJson, writeJson } from '../json.ts';
import type { StoredRecord } from '../store/record-columns.ts';
import type { ExportRow } from './rows.ts';

/** Exports for those who may see the calls, and not who called whom. */

/** What `maskNumbers` leaves of a number that is long enough for it. */
const FIRST = 3;
const LAST = 4;
/** Service numbers and extensions (110, 10086, 8001) tell of no person. */
const LONGEST_SERVICE = 5;
/** Shorter ones would show nearly all their digits: they keep the last two. */
const SHORTEST_WHOLE = 10;

const DIGIT = /\p{Nd}/gu;
/**
 * Digits of any script, one after another or with a few characters between them
 * that are no words. Too much is masked so, such as dates: which separators
 * people and programs put into numbers, no list says.
 */
const DIGITS = /\p{Nd}(?:[^\p{L}\p{N}"{}[\]]{0,4}\p{Nd})*/gu;

/**
 * Masks every number in a text: the first three and the last four digits stay,
 * the rest is `*`; of six to nine digits the last two stay, and up to five all.
 * A text in which something is masked comes in its plain form (NFKC), since
 * digits may hide in other characters (`①`).
 */
export function maskNumbers(text: string): string {
  return maskPlain(text, (plain) => plain.replace(DIGITS, maskDigits));
}

/** The same for a text that is one number: all its digits count, whatever stands between them. */
export function maskParty(text: string): string {
  return maskPlain(text, maskDigits);
}

function maskPlain(text: string, mask: (plain: string) => string): string {
  const plain = text.normalize('NFKC');
  const masked = mask(plain);
  return masked === plain ? text : masked;
}

function maskDigits(text: string): string {
  const count = text.match(DIGIT)?.length ?? 0;
  if (count <= LONGEST_SERVICE) return text;
  const [first, last] = count < SHORTEST_WHOLE ? [0, 2] : [FIRST, LAST];
  let position = 0;
  return text.replace(DIGIT, (digit) => {
    position += 1;
    return position <= first || position > count - last ? digit : '*';
  });
}

/** In the strings, the numbers and the names of keys; a number that is masked becomes a string. */
function maskJson(value: Json): Json {
  if (typeof value === 'string') return maskNumbers(value);
  if (typeof value === 'number' || isRawNumber(value)) {
    const text = writeJson(value);
    const masked = maskNumbers(text);
    return masked === text ? value : masked;
  }
  if (Array.isArray(value)) return value.map((item: Json) => maskJson(item));
  if (!isObject(value)) return value;
  const masked = new Map<string, Json>();
  for (const [key, part] of Object.entries(value)) {
    masked.set(freeKey(maskNumbers(key), masked), maskJson(part));
  }
  return Object.fromEntries(masked);
}

/** Keys that are masked alike stay apart: `138****8000`, `138****8000 (2)`. */
function freeKey(key: string, taken: ReadonlyMap<string, Json>): string {
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? key : `${key} (${number})`;
    if (!taken.has(free)) return free;
  }
}

/**
 * Masks the numbers of a row. Its ids become pseudonyms: providers build ids of
 * numbers, and of one that is a digest (VOS) the few digits that are hidden can
 * be found by trying them all. Equal ids stay equal and different ones different
 * in every export of a store. The payload and the link to the recording are left
 * out: what they may say is the provider's, and the recording says it aloud.
 *
 * @param key what nobody else knows, and the same for every export of a store.
 */
export function masker(key: string): (row: ExportRow) => ExportRow {
  const pseudonym = (id: string | null): string | null => (id === null ? null : alias(key, id));
  const text = (value: string | null): string | null =>
    value === null ? null : maskNumbers(value);
  const party = (value: string | null): string | null => (value === null ? null : maskParty(value));
  return ({ record, before }) => {
    // Each column by name: a new one does not compile until it is decided what it may show.
    const masked: StoredRecord = {
      account_id: record.account_id,
      provider: record.provider,
      call_id: alias(key, record.call_id),
      native_id: pseudonym(record.native_id),
      correlation_id: pseudonym(record.correlation_id),
      direction: record.direction,
      call_mode: text(record.call_mode),
      caller: party(record.caller),
      callee: party(record.callee),
      agent: text(record.agent),
      started_at: record.started_at,
      ringing_at: record.ringing_at,
      answered_at: record.answered_at,
      ended_at: record.ended_at,
      duration_seconds: record.duration_seconds,
      ring_seconds: record.ring_seconds,
      talk_seconds: record.talk_seconds,
      billed_seconds: record.billed_seconds,
      cost: record.cost,
      currency: text(record.currency),
      disposition: record.disposition,
      hangup_cause: text(record.hangup_cause),
      hangup_reason: text(record.hangup_reason),
      hangup_party: record.hangup_party,
      recording_ref: null,
      recording_state: record.recording_state,
      is_call: record.is_call,
      flags: record.flags,
      custom: writeJson(maskJson(parseJson(record.custom))),
      source: record.source,
      listed_on: record.listed_on,
      version: record.version,
      change_seq: record.change_seq,
      first_seen_at: record.first_seen_at,
      changed_at: record.changed_at,
      missing_since: record.missing_since,
      mapping_version: record.mapping_version,
      raw: 'null',
    };
    return { record: masked, before };
  };
}

/** Letters only, so that there are no digits in it that could be a number's. */
function alias(key: string, id: string): string {
  const digest = createHmac('sha256', key).update(id).digest('hex').slice(0, 32);
  return digest.replaceAll(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
}
