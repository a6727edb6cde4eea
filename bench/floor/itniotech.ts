import { createHash } from 'node:crypto';
import type { Api, ApiPage } from './api.ts';
import type { FloorRow } from './table.ts';
import { dayOf, utc, wall } from './times.ts';

interface SipRecord {
  readonly [field: string]: string | number | null;
}

interface Answer {
  readonly data: { readonly total: number; readonly records: readonly SipRecord[] };
}

const DISPOSITIONS: Readonly<Record<string, string>> = { '408': 'no_answer' };

export const itniotech: Api = {
  size: 100,
  async fetchPage(base, { from, to, page }): Promise<ApiPage> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const sign = createHash('md5').update(`keysecret${timestamp}`).digest('hex');
    const times = { strTime: zoned(from), endTime: zoned(to) };
    const response = await fetch(`${base}/recordSipQuery`, {
      method: 'POST',
      headers: {
        ...{ 'Content-Type': 'application/json;charset=UTF-8', Sign: sign },
        ...{ Timestamp: timestamp, 'Api-Key': 'key' },
      },
      body: JSON.stringify({ current: page, size: 100, params: times }),
    });
    const answer: Answer = JSON.parse(await response.text());
    return { total: answer.data.total, rows: answer.data.records.map(rowOf) };
  },
};

function zoned(at: number): string {
  return `${wall(at).replace(' ', 'T')}+08:00`;
}

function rowOf(record: SipRecord): FloorRow {
  const start = Date.parse(String(record['submitTime']));
  const ringing = Date.parse(String(record['ringingTime']));
  const end = Date.parse(String(record['hangupTime']));
  const answer = record['answerTime'] === '' ? null : Date.parse(String(record['answerTime']));
  const talk = Number(record['callDuration']);
  const answered = talk > 0 && answer !== null;
  return {
    account_id: 'bench',
    provider: 'itniotech',
    call_id: record['voiceId'] ?? null,
    native_id: null,
    correlation_id: null,
    direction: 'outbound',
    call_mode: null,
    caller: record['displayNum'] ?? null,
    callee: record['callee'] ?? null,
    agent: record['phoneName'] ?? null,
    started_at: utc(start),
    ringing_at: utc(ringing),
    answered_at: answered ? utc(answer) : null,
    ended_at: utc(end),
    duration_seconds: (end - start) / 1000,
    ring_seconds: ((answered ? answer : end) - ringing) / 1000,
    talk_seconds: talk,
    billed_seconds: record['chargedDuration'] ?? null,
    cost: record['cost'] ?? null,
    currency: record['currency'] ?? 'USD',
    disposition: answered
      ? 'answered'
      : (DISPOSITIONS[String(record['terminationCode'])] ?? 'unknown'),
    hangup_cause: record['terminationCode'] ?? null,
    recording_ref: record['recordingFileId'] || null,
    listed_on: dayOf(start),
    raw: JSON.stringify(record),
    change_seq: start,
  };
}
