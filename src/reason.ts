import { CdrError, describeError } from './errors.ts';
import { cleanWords } from './redact.ts';
import { toStoreError } from './store/trouble.ts';

/**
 * What the log says of a failure. The words of foreign errors may hold numbers
 * and line breaks, which are masked; the secrets of the configuration are kept
 * out by the log itself.
 */
export function reasonOf(thrown: unknown): { readonly code: string; readonly reason: string } {
  const error = toStoreError(thrown);
  if (error instanceof CdrError) return { code: error.fault.code, reason: describeError(error) };
  if (!(error instanceof Error)) return { code: 'internal', reason: typeof error };
  const code = 'code' in error ? ` ${String(error.code)}` : '';
  const words = cleanWords(`${error.name}${code}: ${error.message}`, (text) => text);
  return { code: 'internal', reason: words };
}
