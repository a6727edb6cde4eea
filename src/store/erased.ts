import { hash } from 'node:crypto';
import type { Call, CallFlag } from '../call.ts';
import { spellingsIn } from '../number-match.ts';
import type { Identity, KnownCall } from './identity.ts';
import type { ListedCall } from './listed-call.ts';
import type { CallsTable } from './schema.ts';

/**
 * What is left of an erased call: its identity, times, durations, money and
 * outcome. Whatever names a person or may hold a number is gone, and the digest
 * of the payload with it, since that would let anyone try the numbers there are.
 */

/** The payload of an erased call, as JSON. */
export const NO_PAYLOAD = 'null';

const FLAG: CallFlag = 'erased';

const BLANK = {
  caller: null,
  callee: null,
  agent: null,
  recording_ref: null,
  // Whether there is one is no longer ours to say: its name would be the way to it.
  recording_state: 'unknown',
} as const;

/**
 * By what a provider's change of an erased call is seen, all of it left in the
 * row itself. Not what a mapping, a dimension or a setting decides (disposition,
 * hangup_reason, currency): these change without the provider.
 */
const TOLD = [
  'started_at',
  'ringing_at',
  'answered_at',
  'ended_at',
  'duration_seconds',
  'ring_seconds',
  'talk_seconds',
  'billed_seconds',
  'cost',
  'hangup_cause',
] as const satisfies readonly (keyof Call & keyof CallsTable)[];

type Told = Pick<CallsTable, (typeof TOLD)[number]>;

/** What may be a code or a sentence stays, unless it may hold a number, be it whose it is. */
function texts(columns: Texts): Texts {
  const { call_mode, hangup_cause, hangup_reason } = columns;
  return {
    ...{ call_mode: code(call_mode), hangup_cause: code(hangup_cause) },
    hangup_reason: code(hangup_reason),
  };
}

type Texts = Pick<Call, 'call_mode' | 'hangup_cause' | 'hangup_reason'>;

function code(text: string | null): string | null {
  return text === null || spellingsIn(text).size > 0 ? null : text;
}

/** The `content_hash` of an erased call. */
export function erasedHash(columns: Told, { key, nativeId }: Identity): string {
  const told = TOLD.map((name) => (name === 'hangup_cause' ? code(columns[name]) : columns[name]));
  return hash('sha256', JSON.stringify([key, nativeId, ...told]));
}

/**
 * A listed row as it may be stored under an erasure.
 *
 * @param stored the call that it is, where that is known: what a listing does
 * not repeat of its identity stays, and is no change.
 */
export function eraseListing(
  listed: ListedCall,
  erasureId: string,
  stored: KnownCall | null,
): ListedCall {
  const { call } = listed;
  const flags = [...new Set<CallFlag>([...call.flags, FLAG])].sort();
  const nativeId = call.native_id ?? stored?.native_id ?? null;
  // As a change of the call would leave it: one that has nothing but its native id unlearns nothing.
  const bare = call.call_id === call.native_id;
  const key = stored !== null && bare ? stored.identity_key : call.call_id;
  return {
    ...listed,
    call: { ...call, ...BLANK, ...texts(call), custom: {}, flags },
    raw: NO_PAYLOAD,
    hash: erasedHash(call, { key, nativeId }),
    erasureId,
  };
}

/** The columns of a stored call that an erasure overwrites, `raw` besides. */
export function erasedColumns(
  columns: Told & Texts & { readonly flags: string } & KnownCall,
  erasureId: string,
) {
  const flags: readonly string[] = JSON.parse(columns.flags);
  return {
    ...BLANK,
    ...texts(columns),
    custom: '{}',
    flags: JSON.stringify([...new Set([...flags, FLAG])].sort()),
    content_hash: erasedHash(columns, { key: columns.identity_key, nativeId: columns.native_id }),
    erasure_id: erasureId,
  };
}
