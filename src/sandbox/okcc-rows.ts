import type { JsonObject, RawNumber } from '../json.ts';
import { SECOND } from '../time.ts';
import type { Call, Ending } from './traffic.ts';
import { decimalText } from './wire.ts';

const CAUSES: Readonly<Record<Ending, number>> = {
  answered: 1,
  no_answer: 305,
  busy: 306,
  rejected: 303,
  cancelled: 0,
  invalid_number: 304,
  unreachable: 310,
  failed: 300,
};
const SERVICES = { manual: '1', click: '5', automatic: '4', ivr: '21' } as const;

/** A record of getCdrList as the document's sample has it. `exact` keeps the zeros at the end of fees. */
export function renderCdr(
  call: Call,
  key: number,
  format: (at: number) => string,
  exact: boolean,
): JsonObject {
  const start = format(call.start);
  const answered = call.answer === null ? null : format(call.answer);
  // Unanswered calls repeat the beginning; so does a charge, which is no call.
  const ring = answered === null ? start : format(call.ring);
  const day = start.slice(0, 10).replaceAll('-', '');
  const time = (answered ?? start).slice(11).replaceAll(':', '');
  const file = `/data/voicerecord/3/${day}/${call.agent}-${day}-${time}-${call.callee}-${call.caller}.mp3`;
  const fee: RawNumber | number = exact
    ? JSON.rawJSON((call.cost / 1000).toFixed(2))
    : Number(decimalText(call.cost));
  return {
    key: String(key),
    agent: call.agent,
    serviceType: serviceType(call),
    startTime: start,
    ringTime: ring,
    answerTime: answered ?? start,
    caller: call.caller,
    callee: call.callee,
    timeLength: String(call.talkSeconds),
    fee,
    releaseCause: call.charge === null ? CAUSES[call.ending] : 0,
    filename: answered !== null ? file : key % 2 === 0 ? '' : '/data/voicerecord/.mp3',
    session: `${call.start / SECOND}-${String(key % 10_000).padStart(4, '0')}-${key + 4126}`,
    userData: key % 3 === 0 ? 'userData' : '',
    taskID: call.mode === 'automatic' ? '77' : '0',
    byeTime: format(call.end),
    result: answered !== null ? '1' : call.ending === 'invalid_number' ? '3' : '2',
  };
}

function serviceType(call: Call): string {
  if (call.charge !== null) return call.charge === 'rent' ? '17' : '18';
  if (call.direction === 'internal') return '3';
  return call.direction === 'inbound' ? '2' : SERVICES[call.mode];
}
