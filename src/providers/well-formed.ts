import type { Call } from '../call.ts';

/**
 * Half a character (a lone surrogate) is JSON that no database keeps as text: it
 * is replaced there; PostgreSQL keeps no U+0000 either. In the ids that would
 * fold two calls into one, or hide the call from the next look for it.
 *
 * @returns which id no store can keep as it is; null where all are kept.
 */
export function brokenId({ call_id, native_id }: Call): 'call_id' | 'native_id' | null {
  if (!isStorable(call_id)) return 'call_id';
  return native_id === null || isStorable(native_id) ? null : 'native_id';
}

/** The call as a store keeps it, so that mapping it again gives the same. */
export function wellFormed(call: Call): Call {
  return isWellFormed(call) ? call : mendedCall(call);
}

function isWellFormed(call: Call): boolean {
  return (
    isWhole(call.correlation_id) &&
    isWhole(call.call_mode) &&
    isWhole(call.caller) &&
    isWhole(call.callee) &&
    isWhole(call.agent) &&
    isWhole(call.hangup_cause) &&
    isWhole(call.hangup_reason) &&
    isWhole(call.recording_ref)
  );
}

function isWhole(text: string | null): boolean {
  return text === null || isStorable(text);
}

function mendedCall(call: Call): Call {
  return {
    ...call,
    correlation_id: mended(call.correlation_id),
    call_mode: mended(call.call_mode),
    caller: mended(call.caller),
    callee: mended(call.callee),
    agent: mended(call.agent),
    hangup_cause: mended(call.hangup_cause),
    hangup_reason: mended(call.hangup_reason),
    recording_ref: mended(call.recording_ref),
  };
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function mended(text: string | null): string | null {
  return text === null ? null : text.toWellFormed().replaceAll('\0', '\uFFFD');
}
