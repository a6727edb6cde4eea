import { RECORD_COLUMNS } from './record-columns.ts';
import type { CallsTable } from './schema.ts';

/** The columns of `calls` in the order in which a row is written. */
export const CALL_COLUMNS = [
  ...RECORD_COLUMNS,
  'listed_exact',
  'identity_key',
  'content_hash',
  'erasure_id',
] as const satisfies readonly (keyof CallsTable)[];

/** Those that a later write may change: not what the call is known by, nor when it was first seen. */
export const UPDATED_COLUMNS = CALL_COLUMNS.filter(
  (column) => !['account_id', 'provider', 'call_id', 'first_seen_at'].includes(column),
);

/** What is read of a stored call to recognise it. */
export const KNOWN_COLUMNS = [
  'call_id',
  'native_id',
  'identity_key',
  'content_hash',
  'missing_since',
  'listed_exact',
  'erasure_id',
] as const satisfies readonly (keyof CallsTable)[];
