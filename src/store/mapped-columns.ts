import type { Call, CallFlag } from '../call.ts';
import { writeJson } from '../json.ts';

/**
 * What the provider's mapping fills, by column. Its `call_id` is the identity;
 * a stored call keeps its own.
 */
export function mappedColumns(call: Call, flags: readonly CallFlag[]) {
  return {
    // Copied whole: a rest without `call_id` took four times as long, a microsecond more a call.
    ...call,
    is_call: call.is_call ? 1 : 0,
    custom: writeJson(call.custom),
    flags: flagsText(call.flags, flags),
    identity_key: call.call_id,
  };
}

function flagsText(own: readonly CallFlag[], flags: readonly CallFlag[]): string {
  if (own.length === 0 && flags.length === 0) return '[]';
  return JSON.stringify([...new Set([...own, ...flags])].sort());
}

/** The flags that the store set itself, which no mapping may drop. */
export function storeFlags(flags: string): readonly CallFlag[] {
  return flags.includes('"identity_conflict"') ? ['identity_conflict'] : [];
}
