import type { Address } from './provider.ts';

/**
 * A base URL to which the path of an endpoint was pasted, without it; null
 * where it ends in none.
 *
 * @param baseUrl without query and fragment.
 */
export function withoutEndpoint(baseUrl: string, { endpoint }: Address): string | null {
  const plain = baseUrl.replace(/\/+$/, '');
  if (!URL.canParse(plain) || !endpoint.test(new URL(plain).pathname)) return null;
  return plain.replace(endpoint, '').replace(/\/+$/, '');
}
