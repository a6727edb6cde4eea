import type { Call, CallFlag } from '../call.ts';
import { writeJson } from '../json.ts';

/** The columns that the provider's mapping fills. */
export function mappedColumns(call: Call, flags: readonly CallFlag[]) {
  const { call_id, is_call, custom, flags: own, ...columns } = call;
  const all = [...new Set([...own, ...flags])].sort();
  return {
    ...columns,
    is_call: is_call ? 1 : 0,
    custom: writeJson(custom),
    flags: JSON.stringify(all),
    identity_key: call_id,
  };
}

/** The flags that the store set itself, which no mapping may drop. */
export function storeFlags(flags: string): readonly CallFlag[] {
  return flags.includes('"identity_conflict"') ? ['identity_conflict'] : [];
}
