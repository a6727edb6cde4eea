/**
 * What may stand in a label. Labels are kept for months, copied and shown to
 * many: what is neither an id nor a code becomes `other`, were it a number of a
 * person or a text with a secret in it.
 */

const OTHER = 'other';

/** An account's id, in the form that the configuration demands. */
export function idLabel(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) ? text : OTHER;
}

/** A code, state or name of our own. They hold no digits, unlike numbers and most secrets. */
export function codeLabel(text: string): string {
  return text.length <= 48 && /^[A-Za-z]+(?:[._-][A-Za-z]+)*$/.test(text) ? text : OTHER;
}

/** A provider's name, one of which holds a digit. */
export function providerLabel(text: string): string {
  return /^[a-z]{1,24}\d?[a-z]{0,24}$/.test(text) ? text : OTHER;
}

/** How a request ended: an HTTP status, or the code of the error where none came. */
export function outcomeLabel(text: string): string {
  return /^[1-5]\d\d$/.test(text) ? text : codeLabel(text);
}
