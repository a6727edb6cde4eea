import type { Api, ApiPage } from './api.ts';
import type { FloorRow } from './table.ts';
import { dayOf, utc, wall } from './times.ts';

interface Bill {
  readonly [field: string]: string | number | null;
}

interface Answer {
  readonly data: {
    readonly result: { readonly totalitems: number; readonly bills: readonly Bill[] };
  };
}

const DISPOSITIONS: Readonly<Record<string, string>> = { '10016': 'no_answer' };

export const infin8linx: Api = {
  size: 1000,
  async fetchPage(base, { from, to, page }): Promise<ApiPage> {
    const form = new FormData();
    const fields = {
      ...{
        service: 'App.Sip_Cdr.GetBill',
        token: 'token',
        starttime: wall(from),
        endtime: wall(to),
      },
      ...{ direction: '3', syncflag: '3', callmethod: '0' },
      ...{ currentpage: String(page), itemsperpage: '1000' },
    };
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const response = await fetch(base, { method: 'POST', body: form });
    const answer: Answer = JSON.parse(await response.text());
    const { totalitems: total, bills } = answer.data.result;
    return { total, rows: bills.map(rowOf) };
  },
};

function rowOf(bill: Bill): FloorRow {
  const start = Date.parse(`${bill['starttime']}+08:00`);
  const end = Date.parse(`${bill['endtime']}+08:00`);
  const answer = bill['answertime'] === null ? null : Date.parse(`${bill['answertime']}+08:00`);
  const talk = Number(bill['billsec']);
  const answered = talk > 0 && answer !== null;
  return {
    account_id: 'bench',
    provider: 'infin8linx',
    call_id: bill['uuid'] ?? String(bill['id']),
    native_id: String(bill['id']),
    correlation_id: bill['uuid'] ?? null,
    direction: bill['direction'] === 'callin' ? 'inbound' : 'outbound',
    call_mode: String(bill['callmethod']),
    caller: bill['displaynumber'] ?? null,
    callee: bill['destnumber'] ?? null,
    agent: bill['extnumber'] ?? null,
    started_at: utc(start),
    ringing_at: null,
    answered_at: answered ? utc(answer) : null,
    ended_at: utc(end),
    duration_seconds: (end - start) / 1000,
    ring_seconds: ((answered ? answer : end) - start) / 1000,
    talk_seconds: talk,
    billed_seconds: null,
    cost: null,
    currency: null,
    disposition: answered ? 'answered' : (DISPOSITIONS[String(bill['hangupcause'])] ?? 'unknown'),
    hangup_cause: String(bill['hangupcause']),
    recording_ref: bill['recordurl'] || null,
    listed_on: dayOf(start),
    raw: JSON.stringify(bill),
    change_seq: Number(bill['id']),
  };
}
