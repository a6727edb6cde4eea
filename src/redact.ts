/**
 * Keeps secrets, signatures, query strings and phone numbers out of whatever a
 * person or a log gets to read.
 */

export type Redactor = (text: string) => string;

const HIDDEN = '[redacted]';
/** Words of a provider are cut here; a page of HTML is no message. */
const LONGEST = 200;

/** Hides the secrets in every form in which a server may repeat them. */
export function redactor(secrets: readonly string[]): Redactor {
  const forms = new Set(secrets.filter((secret) => secret !== '').flatMap(formsOf));
  if (forms.size === 0) return (text) => text;
  // The longest first, so that no part of one secret survives another's removal. Whatever the case:
  // escapes and hexadecimal come in both.
  const ordered = [...forms].sort((a, b) => b.length - a.length).map(escapePattern);
  const pattern = new RegExp(ordered.join('|'), 'giu');
  return (text) => text.replace(pattern, HIDDEN);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function formsOf(given: string): readonly string[] {
  const secret = given.toWellFormed();
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? character);
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    json,
    json.replaceAll('/', '\\/'),
    encodeURIComponent(secret).replaceAll('%2F', '/'),
    secret.replace(/[^\x20-\x7e]/g, unicodeEscape),
    html,
    Buffer.from(secret).toString('hex'),
    ...base64Forms(secret),
  ];
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** The secret in base64, alone and as it looks inside something longer, such as `user:secret`. */
function base64Forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const inside = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const end = (offset + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    const core = text.slice(offset === 0 ? 0 : offset + 1, end);
    // Shorter ones would hide ordinary words.
    return core.length < 8 ? [] : [core];
  });
  const whole = bytes.toString('base64');
  const all = [whole, whole.replaceAll('=', ''), ...inside];
  return [...all, ...all.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** Characters that move a terminal's cursor or hide others. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text of ours, in which foreign words may stand: its own line breaks stay. */
export function printable(text: string): string {
  return text.split('\n').map(printableLine).join('\n');
}

/** Foreign words, on one line. */
export function printableLine(text: string): string {
  return text.replaceAll(UNSEEN, ' ');
}

/**
 * Foreign words made fit to print: without control characters, secrets, query
 * strings, anything that looks like a digest (a server may print the signature
 * it expected), with numbers masked, and short.
 */
export function cleanWords(text: string, redact: Redactor): string {
  const line = printableLine(redact(text)).replace(/ {2,}/g, ' ').trim();
  const plain = redact(line)
    .replace(/(\bhttps?:\/\/[^\s?#"']+)[?#][^\s"']*/gi, '$1')
    .replace(/\?[^\s"'<>?]*=[^\s"'<>]*/g, '')
    .replace(/(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])/gi, HIDDEN)
    // Not the digits of a hexadecimal code such as 0xF1000008.
    .replace(/(?<![0-9a-fx])\d{7,}(?!\d)/gi, maskNumber)
    .replace(/(?<!\d)\d{3}[- ]\d{4}[- ]\d{4}(?!\d)/g, maskNumber);
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST - 1).toWellFormed()}…`;
}

/** `13800138000` → `138****8000`. */
export function maskNumber(number: string): string {
  if (number.length < 8) return '*'.repeat(number.length);
  return `${number.slice(0, 3)}${'*'.repeat(number.length - 7)}${number.slice(-4)}`;
}
