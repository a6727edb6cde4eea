/**
 * One number has many spellings: a provider may write 13800138000,
 * +8613800138000, 008613800138000 or 013800138000. They are listed, so that
 * looking for a number stays a lookup of equal texts in an index.
 */

/** The providers are Chinese: a number without a country code is one of theirs. */
const COUNTRY = '86';
/** Mobile, or area code and number, without the trunk prefix 0. */
const NATIONAL = /^[1-9]\d{9,10}$/;
const MOBILE = /^1[3-9]\d{9}$/;
/** Shorter ones are extensions, service or local numbers, which no country code goes with. */
const SHORTEST_INTERNATIONAL = 9;

/**
 * The spellings under which a number may be stored, the one given first.
 *
 * Blanks, hyphens, dots, brackets and invisible characters are left out, and the
 * trunk prefix 0 behind a country code (`+86 (0)138…`); `+` and `00` begin a country
 * code. Full-width characters count as the plain ones. A number of ten or eleven
 * digits is looked for with and without 86 and the trunk prefix 0. Since +1 380…
 * and the mobile 1380… have the same digits, what looks like a Chinese mobile
 * number is one unless a `+` or `00` says otherwise.
 */
export function numberForms(given: string): readonly string[] {
  const typed = given.trim();
  const plain = plainNumber(typed);
  const [, prefix, digits] = /^(\+|00)?(\d+)$/.exec(plain) ?? [];
  const forms = new Set([typed, plain]);
  if (digits === undefined) return [...forms];
  const national = nationalNumber(digits, prefix !== undefined);
  if (national !== null) {
    const whole = COUNTRY + national;
    for (const form of [national, `0${national}`, whole, `+${whole}`, `00${whole}`])
      forms.add(form);
  }
  if (isInternational(digits, prefix !== undefined)) {
    for (const form of [`+${digits}`, `00${digits}`]) forms.add(form);
    if (!MOBILE.test(digits)) forms.add(digits);
  }
  return [...forms];
}

/** Of what people and programs put between the digits of a number. */
export const SEPARATOR = '[\\s().\\p{Pd}\\p{Cf}]';
const SEPARATORS = new RegExp(SEPARATOR, 'gu');

/** Full-width characters as the plain ones, without the trunk prefix behind a country code. */
export function plainText(text: string): string {
  return text.normalize('NFKC').replaceAll(/\(\s*0\s*\)/g, '');
}

/** A text that is a number as a whole, without what stands between its digits. */
export function plainNumber(text: string): string {
  return plainText(text).replaceAll(SEPARATORS, '');
}

/** The number without country code and trunk prefix; null where it is not a Chinese one. */
function nationalNumber(digits: string, prefixed: boolean): string | null {
  const rest = digits.startsWith(COUNTRY) ? digits.slice(COUNTRY.length).replace(/^0/, '') : '';
  if (NATIONAL.test(rest)) return rest;
  if (prefixed) return null;
  const number = digits.replace(/^0/, '');
  return NATIONAL.test(number) ? number : null;
}

function isInternational(digits: string, prefixed: boolean): boolean {
  if (prefixed) return true;
  return digits.length >= SHORTEST_INTERNATIONAL && !digits.startsWith('0') && !MOBILE.test(digits);
}

/** The digits that every spelling of a number contains. */
export function sharedDigits(forms: readonly string[]): string {
  const digits = forms.map((form) => plainNumber(form).replaceAll(/\D/g, ''));
  return digits.reduce((least, one) => (one.length < least.length ? one : least));
}
