import { randomUUID } from 'node:crypto';
import type { Insertable } from 'kysely';
import type {
  AccountsTable,
  CallsTable,
  CallVersionsTable,
  DaysTable,
  RunsTable,
} from '../../src/store/schema.ts';
import { DAY, isoMillis, isoSeconds, MINUTE } from '../../src/time.ts';
import { type BenchCall, callOf } from '../server/calls.ts';
import { billJson } from '../server/wording.ts';
import { startOf, type World } from '../server/world.ts';
import { ACCOUNT } from './place.ts';
import { shanghai } from './world.ts';

/**
 * The rows of a store that is full of a world, as syncs would have left them.
 * The content hashes are made up: none of these calls is listed again.
 */

/** One call in so many was changed by its provider. */
const CHANGED = 10;
/** What such a call was before is kept so many times. */
export const CHANGES = 3;

export function isChanged(call: Pick<BenchCall, 'number'>): boolean {
  return call.number % CHANGED === 0;
}

/** @param history whether some calls were changed, and say so in their version. */
export function* callRows(world: World, history: boolean): Generator<Insertable<CallsTable>> {
  for (let index = 0; index < world.calls; index += 1) {
    const call = callOf(world.first + index, startOf(world, index));
    yield storedCall(call, index + 1, history && isChanged(call) ? 1 + CHANGES : 1);
  }
}

/** What the changed calls were before. */
export function* versionRows(world: World): Generator<Insertable<CallVersionsTable>> {
  for (let index = 0; index < world.calls; index += 1) {
    const call = callOf(world.first + index, startOf(world, index));
    if (!isChanged(call)) continue;
    for (let version = 1; version <= CHANGES; version += 1) {
      const { account_id, call_id, raw, version: _, ...record } = storedCall(call, 0, version);
      yield {
        ...{ account_id, call_id, version, change_reason: 'provider', raw },
        ...{ replaced_at: record.changed_at, record: JSON.stringify(record) },
      };
    }
  }
}

function storedCall(call: BenchCall, sequence: number, version: number): Insertable<CallsTable> {
  const { start, answer, end, talkSeconds } = call;
  const seen = isoMillis(end + 5 * MINUTE);
  return {
    account_id: ACCOUNT,
    provider: 'infin8linx',
    call_id: call.uuid,
    native_id: String(263_056_202 + call.number),
    correlation_id: call.uuid,
    direction: call.inbound ? 'inbound' : 'outbound',
    call_mode: '2',
    caller: call.caller,
    callee: call.callee,
    agent: call.agent,
    started_at: isoSeconds(start),
    ringing_at: null,
    answered_at: answer === null ? null : isoSeconds(answer),
    ended_at: isoSeconds(end),
    duration_seconds: (end - start) / 1000,
    ring_seconds: ((answer ?? end) - start) / 1000,
    talk_seconds: talkSeconds,
    billed_seconds: null,
    cost: null,
    currency: null,
    disposition: answer === null ? 'no_answer' : 'answered',
    hangup_cause: answer === null ? '10016' : '10001',
    hangup_reason: answer === null ? 'no answer' : 'normal',
    hangup_party: call.number % 2 === 0 ? 'caller' : 'callee',
    recording_ref: answer === null ? null : `http://192.0.2.10/record/${call.number}.mp3`,
    recording_state: answer === null ? 'none' : 'listed',
    is_call: 1,
    flags: '[]',
    custom: '{"userid":"0","memberid":"0","chengshudu":"0","ext":"0","companycode":"1"}',
    source: 'pull',
    listed_on: shanghai.dayOf(start),
    listed_exact: 1,
    version,
    change_seq: sequence,
    first_seen_at: seen,
    changed_at: seen,
    missing_since: null,
    mapping_version: 1,
    raw: billJson(call),
    identity_key: call.uuid,
    content_hash: `${call.uuid}${call.uuid}`.replaceAll('-', ''),
    erasure_id: null,
  };
}

/** A month of polls every five minutes: no more runs are kept. */
const POLLS = 30 * 288;

export function accountRow({ from }: World): Insertable<AccountsTable> {
  const watermark = shanghai.startOfDay(shanghai.dayOf(Date.now()));
  return { id: ACCOUNT, provider: 'infin8linx', start_at: from, watermark };
}

export function* dayRows({ from, days, calls }: World): Generator<Insertable<DaysTable>> {
  for (let index = 0; index < days; index += 1) {
    const at = from + index * DAY;
    yield {
      ...{ account_id: ACCOUNT, day: shanghai.dayOf(at), state: 'verified' },
      ...{ proven_to: at + DAY, provider_total: calls / days, listed: calls / days },
      ...{ accepted_reason: null, updated_at: at + 2 * DAY },
    };
  }
}

export function* runRows(): Generator<Insertable<RunsTable>> {
  const now = Date.now();
  const counts = {
    ...{ windows: 1, requests: 1, fetched: 0, inserted: 0, changed: 0, unchanged: 0 },
    ...{ duplicates: 0, quarantined: 0, missing: 0, holes: 0 },
  };
  for (let poll = POLLS; poll > 0; poll -= 1) {
    const started_at = now - poll * 5 * MINUTE;
    const told = { state: 'ok', error: null, ...counts } as const;
    const times = { started_at, ended_at: started_at + 200 };
    yield { id: randomUUID(), account_id: ACCOUNT, trigger: 'poll', ...times, ...told };
  }
}
