import { type TableName, tableOf } from '../tables.ts';

export const CALL_VERSIONS = tableOf('call_versions');

/** Those that grow by accounts and days and not by calls, a window before what belongs to it. */
export const SMALL_TABLES = (
  [
    ...(['meta', 'accounts', 'leases', 'windows', 'window_pages', 'window_rows', 'holes'] as const),
    ...(['days', 'audits', 'runs', 'quarantine', 'dimensions', 'pauses', 'backfills'] as const),
    ...(['erasures', 'erasure_accounts', 'retentions'] as const),
  ] satisfies readonly TableName[]
).map(tableOf);
