import { createHash } from 'node:crypto';
import type { Call } from '../../src/call.ts';
import type { ListedCall, WriteContext } from '../../src/store/listed-call.ts';

export const CONTEXT: WriteContext = {
  accountId: 'acme',
  provider: 'itniotech',
  source: 'pull',
  mappingVersion: 1,
  now: '2026-10-02T00:00:00.000Z',
};

interface Wanted {
  readonly id: string;
  readonly native?: string | null;
  readonly caller?: string | null;
  readonly callee?: string | null;
  readonly startedAt?: string;
}

/** A call as a page lists it; two of the same ids and caller have the same payload. */
export function listed({
  id,
  native = null,
  caller = '13800138000',
  callee = '02000000',
  startedAt = '2026-10-01T00:00:00Z',
}: Wanted): ListedCall {
  const raw = `{"uuid":"${id}","id":"${native}","caller":"${caller}","cost":1.10}`;
  return {
    call: {
      call_id: id,
      native_id: native,
      correlation_id: null,
      direction: 'outbound',
      call_mode: '1',
      caller,
      callee,
      agent: null,
      started_at: startedAt,
      ringing_at: null,
      answered_at: null,
      ended_at: '2026-10-01T00:01:00Z',
      duration_seconds: 60,
      ring_seconds: null,
      talk_seconds: 0,
      billed_seconds: null,
      cost: '1.10',
      currency: 'CNY',
      disposition: 'no_answer',
      hangup_cause: null,
      hangup_reason: null,
      hangup_party: null,
      recording_ref: null,
      recording_state: 'none',
      is_call: true,
      flags: [],
      custom: {},
    } satisfies Call,
    listedExactly: true,
    listedOn: '2026-10-01',
    raw,
    hash: createHash('sha256').update(raw).digest('hex'),
    erasureId: null,
  };
}
