import type { Call } from '../call.ts';

/** An index of PostgreSQL holds entries of 2,700 bytes; two of these and a time are to fit. */
const MOST_BYTES = 1000;

/**
 * Why a call cannot be kept as it is, with the field; null where it can.
 *
 * Half a character (a lone surrogate) is JSON that no database keeps as text: it
 * is replaced there; PostgreSQL keeps no U+0000 either. In the ids that would
 * fold two calls into one, or hide the call from the next look for it. And no
 * id or number is so long that an index could not hold it.
 */
export function unkept(call: Call): string | null {
  for (const field of ['call_id', 'native_id'] as const) {
    const text = call[field];
    if (text !== null && !isStorable(text)) return `${field}: holds half a character or U+0000`;
  }
  for (const field of ['call_id', 'native_id', 'caller', 'callee'] as const) {
    const text = call[field];
    // No character has more than three bytes for each of its units.
    const long = text !== null && 3 * text.length > MOST_BYTES;
    if (long && Buffer.byteLength(text) > MOST_BYTES) return `${field}: longer than 1,000 bytes`;
  }
  return null;
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
