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
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const form of formsOf(secret)) forms.add(form);
  }
  // The longest first, so that no part of one secret survives another's removal.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
}

function formsOf(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64').replaceAll('=', ''),
    Buffer.from(secret).toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ];
}

/**
 * Foreign words made fit to print: without control characters, secrets, query
 * strings, anything that looks like a digest (a server may print the signature
 * it expected), with numbers masked, and short.
 */
export function cleanWords(text: string, redact: Redactor): string {
  const plain = redact(text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' '))
    .replace(/(\bhttps?:\/\/[^\s?#"']+)[?#][^\s"']*/gi, '$1')
    .replace(/\b[0-9a-f]{32,}\b/gi, HIDDEN)
    .replace(/\b\d{7,}\b/g, maskNumber)
    .replace(/ {2,}/g, ' ')
    .trim();
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST - 1)}…`;
}

/** `13800138000` → `138****8000`. */
export function maskNumber(number: string): string {
  if (number.length < 8) return '*'.repeat(number.length);
  return `${number.slice(0, 3)}${'*'.repeat(number.length - 7)}${number.slice(-4)}`;
}
