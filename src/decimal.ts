/**
 * The exact sum of plain decimal strings, with as many places as the longest
 * of them has. Integers of a common scale are all that a sum needs.
 */
export function sumDecimals(amounts: readonly string[]): string {
  const places = Math.max(0, ...amounts.map((amount) => fractionOf(amount).length));
  const total = amounts.reduce((sum, amount) => sum + scaled(amount, places), 0n);
  if (places === 0) return String(total);
  const digits = String(total < 0n ? -total : total).padStart(places + 1, '0');
  const sign = total < 0n ? '-' : '';
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function fractionOf(amount: string): string {
  return amount.split('.')[1] ?? '';
}

function scaled(amount: string, places: number): bigint {
  const [units = '0'] = amount.split('.');
  return BigInt(units + fractionOf(amount).padEnd(places, '0'));
}
