import { z } from 'zod';
import type { CallFlag, Direction, Disposition, HangupParty } from '../call.ts';
import type { Text } from '../codes/entry.ts';
import type { Json, JsonObject } from '../json.ts';
import { isoSeconds } from '../time.ts';
import * as faults from './faults.ts';
import {
  customFields,
  flagList,
  plainText,
  plainWhole,
  RowProblem,
  readStart,
  readTime,
  received,
  requiredText,
  secondsBetween,
  statedSeconds,
  text,
  timeText,
  UNCOMPILED,
  whole,
} from './fields.ts';
import { countedPage, pageCount } from './paging.ts';
import { defineProvider, type Failed, type HttpBody, type HttpRequest } from './provider.ts';

/** The most that the API allows (vendor's public documentation). */
const PAGE_SIZE = 1000;

/** What stands in a time field that was never set (seen in client code). */
const UNSET_TIMES: ReadonlySet<string> = new Set(['1970-01-01 08:00:00', '0000-00-00 00:00:00']);

/** `hangupcause`: the provider's document has no table; these are seen in client code. */
const CAUSES: ReadonlyMap<string | null, readonly [reason: string, Disposition]> = new Map([
  ['10001', ['normal', 'unknown']],
  ['10002', ['cancelled', 'cancelled']],
  ['10003', ['rejected', 'rejected']],
  ['10004', ['trunk failed', 'failed']],
  ['10005', ['not answered by user', 'no_answer']],
  ['10006', ['busy', 'busy']],
  ['10007', ['server hung up', 'failed']],
  ['10008', ['extension unregistered', 'failed']],
  ['10009', ['unreachable', 'unreachable']],
  ['10011', ['timer', 'unknown']],
  ['10012', ['inbound callback error', 'unknown']],
  ['10013', ['no such extension', 'unknown']],
  ['10014', ['not found', 'invalid_number']],
  ['10015', ['timeout', 'no_answer']],
  ['10016', ['no answer', 'no_answer']],
  ['10017', ['call invalid', 'unknown']],
  ['10019', ['region unknown', 'unknown']],
  ['10020', ['other', 'unknown']],
  ['10024', ['bad request', 'failed']],
  ['10025', ['forbidden', 'failed']],
  ['10027', ['number changed', 'invalid_number']],
  ['10028', ['intercepted', 'failed']],
  ['10031', ['unknown', 'unknown']],
  ['10040', ['caller hung up', 'unknown']],
  ['10041', ['callee hung up', 'unknown']],
]);

/** `hangupdirection` takes its codes from the same list. */
const PARTIES: ReadonlyMap<string | null, HangupParty> = new Map([
  ['10040', 'caller'],
  ['10041', 'callee'],
]);

const DIRECTIONS: ReadonlyMap<string | null, Direction> = new Map([
  ['callin', 'inbound'],
  ['callout', 'outbound'],
]);

const CUSTOM = 'userid memberid chengshudu ext customuuid taskid round userkey companycode'.split(
  ' ',
);

const setTime = (value: string | null): string | null =>
  value !== null && UNSET_TIMES.has(value) ? null : value;
const time = text.transform(setTime);
const plainTime = (value: Json | undefined): string | null => setTime(plainText(value));

const row = z
  .object({
    id: text,
    uuid: text,
    direction: text,
    callmethod: text,
    displaynumber: text,
    disnumber: text,
    destnumber: text,
    extnumber: text,
    starttime: time,
    answertime: time,
    endtime: time,
    billsec: whole,
    hangupcause: text,
    hangupdirection: text,
    recordurl: text,
    recordfilename: text,
  })
  .catchall(received);

type Row = z.infer<typeof row>;

function plainRow(row: JsonObject): Row {
  return {
    ...row,
    id: plainText(row['id']),
    uuid: plainText(row['uuid']),
    direction: plainText(row['direction']),
    callmethod: plainText(row['callmethod']),
    displaynumber: plainText(row['displaynumber']),
    disnumber: plainText(row['disnumber']),
    destnumber: plainText(row['destnumber']),
    extnumber: plainText(row['extnumber']),
    starttime: plainTime(row['starttime']),
    answertime: plainTime(row['answertime']),
    endtime: plainTime(row['endtime']),
    billsec: plainWhole(row['billsec']),
    hangupcause: plainText(row['hangupcause']),
    hangupdirection: plainText(row['hangupdirection']),
    recordurl: plainText(row['recordurl']),
    recordfilename: plainText(row['recordfilename']),
  };
}

const secret = z.string().min(1);
const credentials = z.union(
  [
    z.strictObject({ token: secret.meta({ description: 'A token that was handed out.' }) }),
    z.strictObject({
      appId: secret.meta({ description: 'The id of the login.' }),
      accessKey: secret.meta({ description: 'The key that a token is fetched with.' }),
    }),
  ],
  'give either token, or appId and accessKey',
);

const envelope = z.object({ ret: requiredText, msg: text, data: z.unknown().optional() });
const outcome = z.object({
  status: requiredText,
  desc: text,
  code: text,
  errcode: text,
  result: z.unknown().optional(),
});
const coded = z.object({ code: requiredText });
const session = z.object({ token: requiredText });
const listing = z
  .object({ totalitems: whole, itemsperpage: whole, bills: z.array(received).nullish() })
  .refine(({ bills, totalitems }) => Array.isArray(bills) || totalitems === 0, {
    path: ['bills'],
    error: 'is missing',
  });

type Refuse = (ret: string, said: faults.Said) => Failed;

/** The gateway's verdict is `ret`, that of the service behind it `data.status`. */
function openEnvelope<Result>(
  body: unknown,
  promised: z.ZodType<Result>,
  refuse: Refuse,
): Failed | { readonly kind: 'result'; readonly result: Result } {
  const outer = envelope.safeParse(body, UNCOMPILED);
  if (!outer.success) return faults.notAsPromised(outer.error);
  const { ret, msg, data } = outer.data;
  if (ret !== '200') return refuse(ret, { code: ret, message: msg });
  const inner = outcome.safeParse(data, UNCOMPILED);
  if (!inner.success) return faults.notAsPromised(inner.error);
  const { status, desc, code, errcode, result } = inner.data;
  if (status === '0') {
    const parsed = promised.safeParse(result, UNCOMPILED);
    if (!parsed.success) return faults.notAsPromised(parsed.error);
    return { kind: 'result', result: parsed.data };
  }
  const own = code ?? errcode ?? coded.safeParse(result).data?.code ?? status;
  // The service says with 1010 what the gateway says with 600 (vendor's public documentation).
  const expired = status === '1' && own === '1010';
  return refuse(expired ? '600' : ret, { code: own, message: desc ?? msg });
}

/** `ret` of a login that may not do this (vendor's public documentation, client code). */
const HINTS: ReadonlyMap<string, Text> = new Map([
  [
    '601',
    {
      en: 'Have the provider authorise this login for the call records.',
      zh: '请联系服务商为该账号开通话单查询授权。',
    },
  ],
  [
    '602',
    {
      en: "Have the provider renew this login's authorisation: it has expired.",
      zh: '该账号的授权已过期，请联系服务商续期。',
    },
  ],
  [
    '603',
    {
      en: 'Have the provider enable the module of the call records for this login.',
      zh: '请联系服务商为该账号启用话单模块。',
    },
  ],
]);

function refusal(ret: string, said: faults.Said, otherwise: (said: faults.Said) => Failed): Failed {
  if (ret === '500') return faults.providerTrouble(said);
  if (ret === '604') return faults.addressRefused(said);
  const hint = HINTS.get(ret);
  return hint === undefined ? otherwise(said) : faults.credentialsRefused(said, hint);
}

const refuseList: Refuse = (ret, said) =>
  refusal(ret, said, ret === '600' ? faults.tokenRefused : faults.requestRefused);

/** Where a login is refused, logging in again is no remedy. */
const refuseLogin: Refuse = (ret, said) => refusal(ret, said, faults.credentialsRefused);

function post(
  operation: string,
  url: string,
  fields: Readonly<Record<string, string>>,
  secrets: readonly string[],
): HttpRequest {
  const body: HttpBody = { kind: 'form', fields: Object.entries(fields) };
  return { operation, method: 'POST', url, headers: {}, body, secrets };
}

/** GetBill, the list of calls (provider's document). */
export const infin8linx = defineProvider({
  name: 'infin8linx',
  address: {
    example: 'https://pbx.example.com',
    endpoint: /\/App\.Sip_[A-Za-z_.]+$/,
  },
  credentials,
  options: z.strictObject({}),
  row,
  plainRow,
  secrets: (login) => ['token' in login ? login.token : login.accessKey],
  principal: (login) => ('token' in login ? login.token : login.appId),
  defaults: { every: '5m', minInterval: '0s' },
  // No limit is documented; the document's own sample asks for two years at once.
  reach: { maxDays: 366, horizon: () => null, wholeDays: false },
  paging: 'numbered',
  identity: 'native',
  volatile: ['recordurl', 'downloadip'],
  mappingVersion: 1,

  request(ask, { baseUrl, clock, credentials: login }) {
    const token = 'token' in login ? login.token : (ask.signing.token ?? '');
    const fields = {
      service: 'App.Sip_Cdr.GetBill',
      token,
      starttime: clock.format(ask.from),
      endtime: clock.format(ask.to),
      direction: '3',
      // Left out, these two list only what was never listed before, and only calls made by API
      // (vendor's public documentation).
      syncflag: '3',
      callmethod: '0',
      currentpage: String(pageCount(ask.cursor).page),
      itemsperpage: String(PAGE_SIZE),
    };
    return post('GetBill', baseUrl, fields, token === '' ? [] : [token]);
  },

  read(body, ask) {
    const opened = openEnvelope(body, listing, refuseList);
    if (opened.kind === 'fault') return opened;
    const { bills, totalitems: total, itemsperpage: size } = opened.result;
    const rows = bills ?? [];
    return countedPage(ask, rows, { asked: PAGE_SIZE, total, size });
  },

  login: {
    request(_signing, { baseUrl, credentials: login }) {
      if ('token' in login) return null;
      const fields = {
        service: 'App.Sip_Auth.Login',
        appid: login.appId,
        accesskey: login.accessKey,
      };
      return post('Login', baseUrl, fields, [login.accessKey]);
    },
    read(body) {
      const opened = openEnvelope(body, session, refuseLogin);
      return opened.kind === 'fault' ? opened : { kind: 'token', token: opened.result.token };
    },
  },

  toCall(bill, { clock }) {
    const callId = bill.uuid ?? bill.id;
    if (callId === null) throw new RowProblem('id: is missing');
    const flags = new Set<CallFlag>();
    const start = readStart(clock, 'starttime', bill.starttime, flags);
    const answer = readTime(clock, 'answertime', bill.answertime, flags);
    const end = readTime(clock, 'endtime', bill.endtime, flags);
    const duration = secondsBetween(start, end, flags);
    const waited = secondsBetween(start, answer, flags);
    const talk = statedSeconds(bill.billsec, flags);
    // `answertime` may be set on calls that nobody answered (seen in client code).
    const answered = talk !== null && talk > 0;
    const [reason = null, unanswered = 'unknown'] = CAUSES.get(bill.hangupcause) ?? [];
    const recording = bill.recordurl ?? bill.recordfilename;
    return {
      call_id: callId,
      native_id: bill.id,
      correlation_id: bill.uuid,
      direction: DIRECTIONS.get(bill.direction) ?? 'unknown',
      call_mode: bill.callmethod,
      // Listed rows have the first, pushed ones the second (provider's document).
      caller: bill.displaynumber ?? bill.disnumber,
      callee: bill.destnumber,
      agent: bill.extnumber,
      started_at: isoSeconds(start),
      ringing_at: null,
      answered_at: answered ? timeText(answer) : null,
      ended_at: timeText(end),
      duration_seconds: duration,
      // The stated `duration` contradicts its documentation in logged payloads.
      ring_seconds: answered ? waited : duration,
      talk_seconds: talk,
      billed_seconds: null,
      cost: null,
      currency: null,
      disposition: answered ? 'answered' : unanswered,
      hangup_cause: bill.hangupcause,
      hangup_reason: reason,
      hangup_party: PARTIES.get(bill.hangupdirection) ?? null,
      recording_ref: recording,
      recording_state: recording === null ? 'none' : 'listed',
      is_call: true,
      flags: flagList(flags),
      custom: customFields(bill, CUSTOM),
    };
  },
});
