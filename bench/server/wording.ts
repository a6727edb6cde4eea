import { SECOND, zoneClock } from '../../src/time.ts';
import type { BenchCall } from './calls.ts';

/** One call as each provider lists it: the fields of its document, in ASCII. */

const clock = zoneClock('Asia/Shanghai');

export function billJson(call: BenchCall): string {
  const start = clock.format(call.start);
  const day = start.slice(0, 10).replaceAll('-', '');
  const id = 263_056_202 + call.number;
  const recorded = call.answer !== null;
  return JSON.stringify({
    id,
    extnumber: call.agent,
    destnumber: call.callee,
    displaynumber: call.caller,
    starttime: start,
    answertime: call.answer === null ? null : clock.format(call.answer),
    endtime: clock.format(call.end),
    duration: (call.end - call.start) / SECOND,
    billsec: call.talkSeconds,
    direction: call.inbound ? 'callin' : 'callout',
    callmethod: 2,
    userid: '0',
    memberid: '0',
    chengshudu: '0',
    customuuid: '0',
    recordfilename: recorded ? `${day}/${id}.mp3` : '',
    downloadip: recorded ? '192.0.2.10' : '',
    hangupdirection: call.number % 2 === 0 ? 10040 : 10041,
    hangupcause: recorded ? 10001 : 10016,
    userkey: '',
    companycode: '1',
    ext: '0',
    uuid: call.uuid,
    taskid: '',
    round: 0,
    recordurl: recorded ? `http://192.0.2.10/record/${day}/${id}.mp3` : '',
  });
}

export function recordJson(call: BenchCall): string {
  const answered = call.answer !== null;
  const minutes = Math.ceil(call.talkSeconds / 60);
  return JSON.stringify({
    voiceId: call.uuid,
    sipGroupName: 'bench',
    phoneName: call.agent,
    callee: call.callee,
    displayNum: call.caller,
    submitTime: clock.formatWithOffset(call.start),
    callTime: clock.formatWithOffset(call.start),
    ringingTime: clock.formatWithOffset(call.start + SECOND),
    answerTime: call.answer === null ? '' : clock.formatWithOffset(call.answer),
    hangupTime: clock.formatWithOffset(call.end),
    callDuration: call.talkSeconds,
    chargedDuration: minutes * 60,
    terminationCode: answered ? '1000' : '408',
    terminationReason: answered ? 'success' : 'Request Timeout',
    code: '86',
    billPeriod: '60/60',
    rate: '0.0125',
    cost: `0.0${pad3(minutes * 125)}`,
    currency: null,
    recordingFileId: answered ? `rec-${call.number}` : '',
  });
}

function pad3(value: number): string {
  return String(value).padStart(3, '0');
}
