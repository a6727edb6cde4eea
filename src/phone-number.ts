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
 * Blanks, hyphens, dots and brackets are left out; `+` and `00` begin a country
 * code. A number of ten or eleven digits is looked for with and without 86 and
 * the trunk prefix 0. Since +1 380… and the mobile 1380… have the same digits,
 * what looks like a Chinese mobile number is one unless a `+` or `00` says otherwise.
 */
export function numberForms(given: string): readonly string[] {
  const typed = given.trim();
  const plain = typed.replaceAll(/[\s().-]/g, '');
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

/** The number without country code and trunk prefix; null where it is not a Chinese one. */
function nationalNumber(digits: string, prefixed: boolean): string | null {
  const rest = digits.startsWith(COUNTRY) ? digits.slice(COUNTRY.length) : '';
  if (NATIONAL.test(rest)) return rest;
  if (prefixed) return null;
  const number = digits.replace(/^0/, '');
  return NATIONAL.test(number) ? number : null;
}

function isInternational(digits: string, prefixed: boolean): boolean {
  if (prefixed) return true;
  return digits.length >= SHORTEST_INTERNATIONAL && !digits.startsWith('0') && !MOBILE.test(digits);
}
