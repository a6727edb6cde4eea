import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import { sandboxConfig } from '../src/sandbox/config.ts';
import type { Sandbox, SandboxOptions } from '../src/sandbox/contract.ts';
import { startSandbox } from '../src/sandbox/server.ts';
import { makeTraffic } from '../src/sandbox/traffic.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { addDays, DAY, HOUR, MINUTE, SECOND, zoneClock } from '../src/time.ts';

// Everything here is signed and asked as the providers' documents say, by hand.

const ZONE = 'Asia/Shanghai';
const shanghai = zoneClock(ZONE);
// A Thursday afternoon.
const NOW = Date.parse('2026-10-15T15:30:00+08:00');
const FIRST = '2026-10-12';
const START = '2026-10-12 00:00:00';
const END = '2026-10-15 23:59:59';

let now = NOW;
let open: Sandbox[] = [];

beforeEach(() => {
  now = NOW;
});

afterEach(async () => {
  await Promise.all(open.map((sandbox) => sandbox.close()));
  open = [];
});

async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ now: () => now, days: 3, callsPerDay: 60, ...options });
  open.push(sandbox);
  return sandbox;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parseJson(text) };
}

/** The value at a path of keys. */
function at(value: Json | undefined, ...path: string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (part, key) => (isObject(part) ? part[key] : undefined),
    value,
  );
}

function listAt(value: Json, ...path: string[]): JsonObject[] {
  const list = at(value, ...path);
  return Array.isArray(list) ? list.filter((item: Json) => isObject(item)) : [];
}

/** Rows as a set: the order in which a provider lists them is its own affair. */
function sorted(rows: readonly JsonObject[]): string[] {
  return rows.map(writeJson).sort();
}

function queryOf(fields: Record<string, string | number>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) query.set(name, String(value));
  return query;
}

function digest(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

// Infin8linx

const ALL = { direction: 3, syncflag: 3, callmethod: 0 };

function bills(sandbox: Sandbox, fields: Record<string, string | number>): Promise<Answer> {
  const form = new FormData();
  const common = { service: 'App.Sip_Cdr.GetBill', token: 'sandbox-secret-infin8linx-token' };
  const range = { starttime: START, endtime: END };
  for (const [name, value] of Object.entries({ ...common, ...range, ...fields })) {
    form.set(name, String(value));
  }
  return ask(sandbox.urls.infin8linx, { method: 'POST', body: form });
}

async function billsPaged(sandbox: Sandbox, fields: Record<string, string | number>) {
  const rows: JsonObject[] = [];
  for (let currentpage = 1; ; currentpage += 1) {
    const { body } = await bills(sandbox, { itemsperpage: 50, ...fields, currentpage });
    const page = listAt(body, 'data', 'result', 'bills');
    rows.push(...page);
    if (page.length === 0) return rows;
  }
}

describe('infin8linx', () => {
  const login = { service: 'App.Sip_Auth.Login', appid: 'sandbox-app' };

  it('lists every call once, by pages', async () => {
    const sandbox = await start();
    const first = await bills(sandbox, { ...ALL, itemsperpage: 50 });
    expect(at(first.body, 'ret')).toBe(200);
    expect(at(first.body, 'data', 'result', 'totalitems')).toBe(sandbox.rows('infin8linx').length);
    expect(sorted(await billsPaged(sandbox, ALL))).toEqual(sorted(sandbox.rows('infin8linx')));
  });

  it('loses calls by its own defaults: new ones only, API calls only, ten a page', async () => {
    const sandbox = await start();
    const { body } = await bills(sandbox, {});
    const page = listAt(body, 'data', 'result', 'bills');
    expect(page).toHaveLength(10);
    expect(page.every((row) => row['callmethod'] === 3)).toBe(true);
    const again = listAt((await bills(sandbox, {})).body, 'data', 'result', 'bills');
    const ids = new Set(page.map((row) => row['id']));
    expect(again.some((row) => ids.has(row['id'] ?? null))).toBe(false);
    const old = await bills(sandbox, { ...ALL, syncflag: 2 });
    expect(at(old.body, 'data', 'result', 'totalitems')).toBe(page.length + again.length);
    const inbound = listAt(
      (await bills(sandbox, { ...ALL, direction: 1 })).body,
      'data',
      'result',
      'bills',
    );
    expect(inbound.every((row) => row['direction'] === 'callin')).toBe(true);
  });

  it('hands out tokens that expire', async () => {
    const sandbox = await start();
    const wrong = await bills(sandbox, { ...login, accesskey: 'no' });
    expect(at(wrong.body, 'data', 'status')).toBe(1);
    const right = await bills(sandbox, { ...login, accesskey: 'sandbox-secret-infin8linx' });
    const token = String(at(right.body, 'data', 'result', 'token'));
    expect(at((await bills(sandbox, { ...ALL, token })).body, 'data', 'status')).toBe(0);
    now += 12 * HOUR;
    expect(at((await bills(sandbox, { ...ALL, token })).body, 'ret')).toBe(600);
  });

  it('can refuse a token with a status', async () => {
    const sandbox = await start({ providers: { infin8linx: { tokenRefusal: 'status' } } });
    const { body } = await bills(sandbox, { token: 'no' });
    expect([at(body, 'ret'), at(body, 'data', 'status'), at(body, 'data', 'code')]).toEqual([
      200, 1, 1010,
    ]);
  });

  it('refuses parameters beyond its limits', async () => {
    const sandbox = await start();
    for (const fields of [
      { itemsperpage: 1001 },
      { currentpage: 0 },
      { starttime: 'x' },
      { syncflag: 4 },
    ]) {
      expect(at((await bills(sandbox, fields)).body, 'ret')).toBe(400);
    }
    expect(at((await bills(sandbox, { ...ALL, itemsperpage: 1000 })).body, 'ret')).toBe(200);
  });

  it('can list the fields of the table, with links signed anew', async () => {
    const sandbox = await start({ providers: { infin8linx: { fields: 'table' } } });
    const read = async () => listAt((await bills(sandbox, ALL)).body, 'data', 'result', 'bills');
    const talked = (rows: JsonObject[]) => rows.find((row) => row['recordurl'] !== '');
    const [one, two] = [talked(await read()), talked(await read())];
    expect(one?.['uuid']).toBe(two?.['uuid']);
    expect(one?.['recordurl']).not.toBe(two?.['recordurl']);
  });
});

// Itniotech

interface SipAsk {
  readonly current?: number;
  readonly size?: number;
  readonly from?: number;
  readonly to?: number;
  readonly timestamp?: number;
  readonly secret?: string;
  readonly params?: JsonObject;
}

function sip(sandbox: Sandbox, query: SipAsk): Promise<Answer> {
  const { current = 1, size = 100, from = shanghai.startOfDay(FIRST), to = NOW } = query;
  const timestamp = String(query.timestamp ?? Math.floor(now / SECOND));
  const secret = query.secret ?? 'sandbox-secret-itniotech';
  return ask(`${sandbox.urls.itniotech}/recordSipQuery`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json;charset=UTF-8',
      sign: digest('md5', `sandbox-key${secret}${timestamp}`),
      timestamp,
      'api-key': 'sandbox-key',
    },
    body: JSON.stringify({
      current,
      size,
      params: {
        strTime: shanghai.formatWithOffset(from),
        endTime: shanghai.formatWithOffset(to),
        ...query.params,
      },
    }),
  });
}

describe('itniotech', () => {
  it('lists every call once, by pages', async () => {
    const sandbox = await start();
    const rows: JsonObject[] = [];
    const first = await sip(sandbox, {});
    const pages = Number(at(first.body, 'data', 'pages'));
    for (let current = 1; current <= pages; current += 1) {
      rows.push(...listAt((await sip(sandbox, { current })).body, 'data', 'records'));
    }
    expect(sorted(rows)).toEqual(sorted(sandbox.rows('itniotech')));
    expect(at(first.body, 'data', 'total')).toBe(rows.length);
    expect(new Set(rows.map((row) => row['voiceId'])).size).toBe(rows.length);
    const phoneName = rows[0]?.['phoneName'] ?? '';
    const some = listAt((await sip(sandbox, { params: { phoneName } })).body, 'data', 'records');
    expect(some).toEqual(rows.filter((row) => row['phoneName'] === phoneName));
  });

  it.each<[string, string, SipAsk]>([
    ['-1', 'a wrong signature', { secret: 'no' }],
    ['-16', 'an old timestamp', { timestamp: Math.floor(NOW / SECOND) - 301 }],
    ['-16', 'a timestamp of the future', { timestamp: Math.floor(NOW / SECOND) + 301 }],
    ['0', 'a timestamp within five minutes', { timestamp: Math.floor(NOW / SECOND) - 299 }],
    ['-22', 'a size above 100', { size: 101 }],
    ['-22', 'page 0', { current: 0 }],
    ['-22', 'a time without offset', { params: { strTime: '2026-10-12 00:00:00' } }],
    ['-25', 'more than 31 days', { from: NOW - 31 * DAY - SECOND }],
    ['0', 'exactly 31 days', { from: NOW - 31 * DAY }],
    ['-25', 'what is older than two months', { from: NOW - 63 * DAY, to: NOW - 60 * DAY }],
  ])('answers %s to %s', async (status, _title, query) => {
    const sandbox = await start();
    const answer = await sip(sandbox, query);
    expect([answer.status, at(answer.body, 'status')]).toEqual([200, status]);
  });

  it('keeps a clock of its own and tells it in Date', async () => {
    const sandbox = await start({ clockSkew: 10 * MINUTE });
    const answer = await sip(sandbox, {});
    expect(at(answer.body, 'status')).toBe('-16');
    const theirs = Date.parse(answer.headers.get('date') ?? '');
    expect(theirs - now).toBe(10 * MINUTE);
    expect(at((await sip(sandbox, { timestamp: theirs / SECOND })).body, 'status')).toBe('0');
    sandbox.setClockSkew(0);
    expect(at((await sip(sandbox, {})).body, 'status')).toBe('0');
  });

  it('states money in three ways', async () => {
    const keys = async (money: 'usd' | 'eur' | 'costEur') => {
      const sandbox = await start({ providers: { itniotech: { money } } });
      const row = sandbox.rows('itniotech')[0] ?? {};
      return ['cost', 'costEur', 'currency'].filter((key) => key in row);
    };
    expect(await keys('usd')).toEqual(['cost']);
    expect(await keys('eur')).toEqual(['cost', 'currency']);
    expect(await keys('costEur')).toEqual(['costEur']);
  });
});

// OKCC

let sequence = 0;

function cdrs(
  sandbox: Sandbox,
  request: JsonObject,
  authentication: JsonObject = {},
  init: RequestInit = {},
): Promise<Answer> {
  const timestamp = String(now);
  sequence += 1;
  const seq = String(authentication['seq'] ?? sequence);
  const sign = digest('md5', `C2@${timestamp}@${seq}@sandbox-secret-okcc`);
  return ask(`${sandbox.urls.okcc}/getCdrList`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: writeJson({
      authentication: { customer: 'C2', timestamp, seq, digest: sign, ...authentication },
      request: { startTime: START, endTime: END, ...request },
    }),
    ...init,
  });
}

const cdrOf = ({ body }: Answer) => listAt(body, 'data', 'response', 'cdr');
const totalOf = ({ body }: Answer) => at(body, 'data', 'response', 'total');
const errorOf = ({ body }: Answer) => at(body, 'result', 'error');
const keysOf = (rows: readonly JsonObject[]) => rows.map((row) => Number(row['key']));

describe('okcc', () => {
  it.each(['descending', 'ascending'] as const)('lists every row once, %s', async (order) => {
    const sandbox = await start({ providers: { okcc: { order, pageSize: 40 } } });
    const rows: JsonObject[] = [];
    for (let page = cdrOf(await cdrs(sandbox, {})); page.length > 0; ) {
      rows.push(...page);
      page = cdrOf(await cdrs(sandbox, { startKey: rows.at(-1)?.['key'] ?? '' }));
    }
    expect(sorted(rows)).toEqual(sorted(sandbox.rows('okcc')));
    const ascending = keysOf(rows).toSorted((a, b) => a - b);
    expect(keysOf(rows)).toEqual(order === 'ascending' ? ascending : ascending.reverse());
    const byHangup = rows.toSorted((a, b) => Number(a['key']) - Number(b['key']));
    const ends = byHangup.map((row) => String(row['byeTime']));
    expect(ends).toEqual(ends.toSorted());
    const services = new Set(rows.map((row) => row['serviceType']));
    expect(services.has('17') || services.has('18')).toBe(true);
  });

  it('understands startKey in each way an installation may', async () => {
    const second = async (startKey: 'exclusive' | 'inclusive' | 'ignored' | 'wrong-way') => {
      const sandbox = await start({ providers: { okcc: { startKey, pageSize: 10 } } });
      const first = keysOf(cdrOf(await cdrs(sandbox, {})));
      const next = keysOf(cdrOf(await cdrs(sandbox, { startKey: String(first.at(-1)) })));
      return next.map((key) => first.indexOf(key));
    };
    expect(await second('exclusive')).toEqual(Array.from({ length: 10 }, () => -1));
    expect((await second('inclusive')).slice(0, 2)).toEqual([9, -1]);
    expect(await second('ignored')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await second('wrong-way')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('counts in each way an installation may', async () => {
    const totals = async (total: 'range' | 'page' | 'rest' | 'none') => {
      const sandbox = await start({
        providers: { okcc: { total, pageSize: 10, statesSize: false } },
      });
      const first = await cdrs(sandbox, {});
      expect(at(first.body, 'data', 'response', 'size')).toBeUndefined();
      const startKey = String(keysOf(cdrOf(first)).at(-1));
      return [
        totalOf(first),
        totalOf(await cdrs(sandbox, { startKey })),
        sandbox.rows('okcc').length,
      ];
    };
    const [range, rangeLater, all] = await totals('range');
    expect([range, rangeLater]).toEqual([String(all), String(all)]);
    expect((await totals('page')).slice(0, 2)).toEqual(['10', '10']);
    expect((await totals('rest')).slice(0, 2)).toEqual([String(all), String(Number(all) - 10)]);
    expect((await totals('none')).slice(0, 2)).toEqual([undefined, undefined]);
  });

  it('refuses with the codes of its document', async () => {
    const sandbox = await start();
    expect(errorOf(await cdrs(sandbox, {}, { digest: 'no' }))).toBe(1);
    expect(errorOf(await cdrs(sandbox, {}, { customer: 'C3' }))).toBe(1);
    expect(errorOf(await cdrs(sandbox, {}, { seq: 'same' }))).toBe(0);
    expect(errorOf(await cdrs(sandbox, {}, { seq: 'same' }))).toBe(1);
    expect(errorOf(await cdrs(sandbox, {}, { seq: '1'.repeat(21) }))).toBe(1);
    expect(errorOf(await cdrs(sandbox, { startTime: 'x' }))).toBe(5);
    expect(errorOf(await cdrs(sandbox, {}, {}, { body: 'no JSON' }))).toBe(8);
    expect(errorOf(await cdrs(sandbox, {}, {}, { headers: {} }))).toBe(8);
    const post = { method: 'POST', body: '{}' };
    const base = `${sandbox.url}/okcc/openapi`;
    expect(errorOf(await ask(`${base}/V9/getCdrList`, post))).toBe(10);
    expect(errorOf(await ask(`${base}/V2.0.6/getNothing`, post))).toBe(11);
  });

  it('filters, answers with today where no time is sent, and can write exact fees', async () => {
    const sandbox = await start({ providers: { okcc: { fees: 'exact', endInclusive: false } } });
    const fees = cdrOf(await cdrs(sandbox, { serviceType: '17' }));
    expect(fees.every((row) => row['serviceType'] === '17')).toBe(true);
    const today = cdrOf(await cdrs(sandbox, { startTime: '', endTime: '' }));
    expect(today.length).toBeGreaterThan(0);
    expect(today.every((row) => String(row['startTime']).startsWith('2026-10-15'))).toBe(true);
    expect(writeJson(today)).toMatch(/"fee":\d+\.\d0[,}]/);
    const time = today[0]?.['startTime'] ?? '';
    expect(cdrOf(await cdrs(sandbox, { startTime: time, endTime: time }))).toEqual([]);
  });
});

// Udesk

function udesk(sandbox: Sandbox, path: string, fields: Record<string, string | number> = {}) {
  const timestamp = Math.floor(now / SECOND);
  const sign = digest('sha1', `sandbox@example.com&sandbox-secret-udesk&${timestamp}`);
  const range = { startTime: START, endTime: END };
  const all = { ...range, email: 'sandbox@example.com', timestamp, sign, ...fields };
  const query = queryOf(all);
  return ask(`${sandbox.urls.udesk}${path}?${query}`);
}

describe('udesk', () => {
  it('lists every call once, by pages', async () => {
    const sandbox = await start();
    const rows: JsonObject[] = [];
    for (let pageNum = 1; ; pageNum += 1) {
      const { body } = await udesk(sandbox, '/v1/callLogs', { pageNum, pageSize: 50 });
      const page = listAt(body, 'data', 'list');
      if (page.length === 0) break;
      expect(at(body, 'data', 'total')).toBe(sandbox.rows('udesk').length);
      rows.push(...page);
    }
    expect(sorted(rows)).toEqual(sorted(sandbox.rows('udesk')));
  });

  it('may state a wrong total', async () => {
    const sandbox = await start({ providers: { udesk: { total: 'one' } } });
    const { body } = await udesk(sandbox, '/v1/callLogs');
    expect([at(body, 'data', 'total'), listAt(body, 'data', 'list').length]).toEqual([1, 20]);
  });

  it('lists the reasons, tabs and all, and the ids of its calls are among them', async () => {
    const sandbox = await start();
    const reasons = listAt((await udesk(sandbox, '/v1/hangupReasons')).body, 'data');
    expect(reasons).toHaveLength(18);
    expect(reasons[6]).toEqual({ id: 7, name: '暂停服务\t' });
    const used = sandbox.rows('udesk').map((row) => row['hangupCauseId'] ?? 1);
    const known = new Set(reasons.map((row) => row['id'] ?? 0));
    expect(used.every((id) => known.has(id))).toBe(true);
  });

  it('shows the legs and recordings of one call', async () => {
    const sandbox = await start();
    const talked = sandbox.rows('udesk').find((row) => Number(row['duration']) > 0);
    const callId = String(talked?.['callId']);
    const legs = listAt((await udesk(sandbox, '/v1/callLogs/view', { callId })).body, 'data');
    expect(legs.map((leg) => leg['channelUserType'])).toEqual([1, 2]);
    expect(writeJson(legs[0]?.['callLogRecordFoundResponseList'] ?? null)).toContain('recordUrl');
    expect(at((await udesk(sandbox, '/v1/callLogs/view', { callId: 'x' })).body, 'data')).toEqual(
      [],
    );
  });

  it('refuses in the body, or as a status too', async () => {
    const sandbox = await start();
    const wrong = await udesk(sandbox, '/v1/callLogs', { sign: 'no' });
    expect([wrong.status, at(wrong.body, 'code')]).toEqual([200, 401]);
    const large = await udesk(sandbox, '/v1/callLogs', { pageSize: 101 });
    expect(at(large.body, 'code')).toBe(400);
    const strict = { refusal: 'http', timestampTolerance: MINUTE } as const;
    const other = await start({ providers: { udesk: strict }, clockSkew: 2 * MINUTE });
    expect((await udesk(other, '/v1/callLogs')).status).toBe(401);
  });
});

// VOS

function vos(
  sandbox: Sandbox,
  fields: Record<string, string | number>,
  token = 'sandbox-secret-vos',
) {
  const query = queryOf(fields);
  const path = '/agent-api/vos/00000000-0000-4000-8000-000000000010/get_call_record';
  const headers = { authorization: `Bearer ${token}` };
  return ask(`${sandbox.urls.vos}${path}?${query}`, { headers });
}

const DAYS = [0, 1, 2, 3].map((count) => addDays(FIRST, count));

describe('vos', () => {
  it('lists every call once, day by day', async () => {
    const sandbox = await start();
    const rows: JsonObject[] = [];
    for (const time of DAYS) rows.push(...listAt((await vos(sandbox, { time })).body, 'data'));
    expect(sorted(rows)).toEqual(sorted(sandbox.rows('vos')));
    const yesterday = listAt((await vos(sandbox, { vos_account_id: 10 })).body, 'data');
    expect(yesterday.length).toBeGreaterThan(0);
    expect(yesterday.every((row) => String(row['start_time']).startsWith('2026-10-14'))).toBe(true);
  });

  it.each(['meta', 'silent'] as const)('has pages of 15 (%s)', async (list) => {
    const sandbox = await start({ providers: { vos: { list } } });
    const rows: JsonObject[] = [];
    for (const time of DAYS) {
      for (let page = 1; ; page += 1) {
        const { body } = await vos(sandbox, { time, page });
        const data = listAt(body, 'data');
        expect(at(body, 'meta', 'current_page')).toBe(list === 'meta' ? page : undefined);
        rows.push(...data);
        if (data.length < 15) break;
      }
    }
    expect(sorted(rows)).toEqual(sorted(sandbox.rows('vos')));
  });

  it('refuses', async () => {
    const sandbox = await start({ providers: { vos: { today: 'refused' } } });
    expect((await vos(sandbox, {}, 'no')).status).toBe(401);
    expect((await vos(sandbox, { time: '2026-02-30' })).status).toBe(422);
    expect((await vos(sandbox, { time: '2026-10-15' })).status).toBe(422);
    expect((await vos(sandbox, { vos_account_id: 11 })).status).toBe(404);
    expect((await vos(sandbox, { time: '2026-10-14' })).status).toBe(200);
  });

  it('has calls equal in everything', async () => {
    const rows = sorted((await start({ callsPerDay: 1500 })).rows('vos'));
    expect(new Set(rows).size).toBeLessThan(rows.length);
  });
});

describe('the sandbox', () => {
  it('lists live calls once they are over, in the order of hanging up', async () => {
    const sandbox = await start({ live: true, callsPerDay: 400 });
    const before = sandbox.rows('okcc');
    expect(before.every((row) => String(row['byeTime']) <= shanghai.format(now))).toBe(true);
    now += 2 * HOUR;
    const after = sandbox.rows('okcc');
    expect(after.length).toBeGreaterThan(before.length);
    const last = Math.max(...keysOf(before));
    const known = new Set(before.map(writeJson));
    const fresh = after.filter((row) => !known.has(writeJson(row)));
    expect(after.length - fresh.length).toBe(before.length);
    expect(keysOf(fresh).every((key) => key > last)).toBe(true);
    now += 3 * DAY;
    expect(keysOf(sandbox.rows('okcc')).length).toBeGreaterThan(after.length);
  });

  it('stands still when it is not live', async () => {
    const sandbox = await start();
    const before = sandbox.rows('udesk');
    now += DAY;
    expect(sandbox.rows('udesk')).toEqual(before);
  });

  it('can put in, change and take away a row while lists are read', async () => {
    const sandbox = await start();
    const [row = {}] = sandbox.rows('infin8linx');
    const count = sandbox.rows('infin8linx').length;
    sandbox.insert('infin8linx', { ...row, id: 1 });
    expect(sandbox.rows('infin8linx')).toHaveLength(count + 1);
    expect(sandbox.change('infin8linx', ({ id }) => id === 1, { billsec: 77 })).toBe(1);
    const listed = await billsPaged(sandbox, ALL);
    expect(listed.find(({ id }) => id === 1)).toEqual({ ...row, id: 1, billsec: 77 });
    expect(sandbox.remove('infin8linx', ({ id }) => id === 1)).toBe(1);
    expect(sandbox.rows('infin8linx')).toHaveLength(count);
    expect(() => sandbox.insert('vos', {})).toThrow('needs the time');
  });

  it('logs what was asked', async () => {
    const sandbox = await start();
    await sip(sandbox, { size: 7 });
    await vos(sandbox, {}, 'no');
    expect(sandbox.requests).toMatchObject([
      { provider: 'itniotech', operation: 'recordSipQuery', status: 200, parameters: { size: 7 } },
      { provider: 'vos', operation: 'get_call_record', status: 401, fault: null },
    ]);
    expect(sandbox.stats()).toMatchObject({ providers: { vos: { requests: 1, faults: 0 } } });
  });

  it('offers accounts for every provider', async () => {
    const sandbox = await start();
    const config = sandboxConfig(sandbox, { store: 'sqlite:x.db' });
    expect(config['store']).toBe('sqlite:x.db');
    const accounts = listAt(config, 'accounts');
    expect(accounts.map((account) => account['provider'])).toEqual([...PROVIDERS]);
    expect(accounts[2]).toMatchObject({ id: 'demo-okcc', currency: 'CNY', startAt: FIRST });
  });

  it('refuses what is no provider', async () => {
    const sandbox = await start();
    expect((await ask(`${sandbox.url}/nobody`)).status).toBe(404);
    const huge = { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) };
    expect((await ask(`${sandbox.url}/okcc`, huge)).status).toBe(413);
  });
});

describe('faults', () => {
  const get = (sandbox: Sandbox, init: RequestInit = {}) =>
    fetch(`${sandbox.urls.vos}/agent-api/vos/x/get_call_record`, { redirect: 'manual', ...init });

  it('follow a script, one a request', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { script: ['503', null, '429', '500'], retryAfter: 7 });
    const answers = [
      await get(sandbox),
      await get(sandbox),
      await get(sandbox),
      await get(sandbox),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 401, 429, 500]);
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([
      '7',
      null,
      '7',
      null,
    ]);
    expect((await get(sandbox)).status).toBe(401);
    expect(sandbox.requests.map(({ fault }) => fault)).toEqual(['503', null, '429', '500', null]);
  });

  it('cut, hold or close the connection', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { script: ['reset', 'truncated', 'timeout'] });
    await expect(get(sandbox)).rejects.toThrow('fetch failed');
    await expect(get(sandbox).then((response) => response.text())).rejects.toThrow();
    await expect(get(sandbox, { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout');
    expect(sandbox.requests.map(({ status }) => status)).toEqual([null, 401, null]);
  });

  it('send other things than the answer', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { script: ['html', 'empty', 'redirect', 'auth', 'system'] });
    expect(await (await get(sandbox)).text()).toContain('<h1>');
    expect(await (await get(sandbox)).text()).toBe('');
    const redirect = await get(sandbox);
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      302,
      '/_sandbox/elsewhere',
    ]);
    expect((await get(sandbox)).status).toBe(401);
    expect((await get(sandbox)).status).toBe(500);
    await fetch(`${sandbox.url}/_sandbox/elsewhere`);
    expect(sandbox.stats()['redirectsFollowed']).toBe(1);
  });

  it('send the answer in other bytes', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { script: ['bom', 'gbk', 'slow'], slowFor: 100 });
    const path = '/agent-api/vos/00000000-0000-4000-8000-000000000010/get_call_record';
    const headers = { authorization: 'Bearer sandbox-secret-vos' };
    const bytes = async () =>
      new Uint8Array(await (await fetch(sandbox.urls.vos + path, { headers })).arrayBuffer());
    const [bom, gbk, slow] = [await bytes(), await bytes(), await bytes()];
    expect([...bom.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(gbk)).toThrow();
    expect(new TextDecoder('gbk').decode(gbk)).toBe(new TextDecoder().decode(slow));
  });

  it('pack a gigabyte into a megabyte', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { script: ['gzip-bomb'] });
    const response = await get(sandbox);
    expect(Number(response.headers.get('content-length'))).toBeLessThan(2 * 1024 * 1024);
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > 100_000_000) break;
    }
    expect(size).toBeGreaterThan(100_000_000);
  });

  it('come at a rate, and change over the admin path', async () => {
    const sandbox = await start();
    const admin = (path: string, faults: unknown) =>
      ask(`${sandbox.url}/_sandbox/faults/${path}`, {
        method: 'POST',
        body: JSON.stringify(faults),
      });
    expect((await admin('vos', { rate: 0.5, kinds: ['500'] })).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 40; count += 1) statuses.push((await get(sandbox)).status);
    const failed = statuses.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(8);
    expect(failed).toBeLessThan(32);
    expect((await admin('vos', null)).status).toBe(200);
    expect((await get(sandbox)).status).toBe(401);
    expect((await admin('vos', { rate: 2 })).status).toBe(400);
    expect((await admin('nobody', {})).status).toBe(404);
    const stats = await ask(`${sandbox.url}/_sandbox/stats`);
    expect(at(stats.body, 'providers', 'vos', 'faults')).toBe(failed);
  });

  it('do not keep the sandbox from closing', async () => {
    const sandbox = await start();
    sandbox.setFaults('vos', { latency: 60_000 });
    sandbox.setFaults('okcc', { script: ['timeout'] });
    const waiting = [get(sandbox), fetch(sandbox.urls.okcc)].map((request) =>
      request.then(
        () => 'answered',
        () => 'cut',
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await sandbox.close();
    expect(await Promise.all(waiting)).toEqual(['cut', 'cut']);
  });
});

describe('traffic', () => {
  const from = shanghai.startOfDay('2026-10-12');
  const week = { seed: 5, from, to: from + 7 * DAY, callsPerDay: 2000, zone: ZONE };

  it('is the same for a seed, whatever span holds it', () => {
    const calls = makeTraffic(week);
    expect(makeTraffic(week)).toEqual(calls);
    const part = makeTraffic({ ...week, from: from + 30 * HOUR, to: from + 40 * HOUR });
    const inside = calls.filter(
      (call) => call.start >= from + 30 * HOUR && call.start < from + 40 * HOUR,
    );
    expect(part).toEqual(inside);
    expect(makeTraffic({ ...week, seed: 6 })).not.toEqual(calls);
    expect(new Set(calls.map((call) => call.uid)).size).toBe(calls.length);
  });

  it('looks like a call centre', () => {
    const calls = makeTraffic(week).filter((call) => call.charge === null);
    const share = (part: typeof calls) => part.length / calls.length;
    expect(share(calls.filter((call) => call.answer !== null))).toBeCloseTo(0.6, 1);
    const hour = (call: { start: number }) => Number(shanghai.format(call.start).slice(11, 13));
    expect(share(calls.filter((call) => hour(call) >= 8 && hour(call) < 20))).toBeGreaterThan(0.8);
    const sunday = calls.filter((call) => shanghai.dayOf(call.start) === '2026-10-18');
    expect(share(sunday)).toBeLessThan(0.1);
    const midnight = (call: { start: number; end: number }) =>
      shanghai.dayOf(call.start) !== shanghai.dayOf(call.end);
    expect(calls.filter(midnight).length).toBeGreaterThanOrEqual(7);
    const seconds = new Set(calls.map((call) => call.start));
    expect(seconds.size).toBeLessThan(calls.length);
    for (const call of calls) {
      expect(call.start <= call.ring && call.ring <= (call.answer ?? call.end)).toBe(true);
      expect(call.end - (call.answer ?? call.end)).toBe(call.talkSeconds * SECOND);
    }
    const numbers = calls.flatMap((call) => [call.caller, call.callee]);
    expect(numbers.every((number) => /^(154000\d{5}|0\d{2,3}1\d{7}|10\d\d)$/.test(number))).toBe(
      true,
    );
  });
});
