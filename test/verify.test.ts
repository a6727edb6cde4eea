import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import type { Sandbox } from '../src/sandbox/contract.ts';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { addDays, DAY, HOUR, MINUTE, SECOND } from '../src/time.ts';
import { ago, at, dayStates, oneStatus, statusOf, tamper } from './support/tamper.ts';
import {
  accountsOf,
  countIn,
  type Finished,
  freshRow,
  instantOf,
  openWorkbench,
  pagesAsked,
  query,
  reportOf,
  reportsOf,
  shanghai,
  until,
  type Workbench,
} from './support/workbench.ts';

// Audits, through the real binary: what they find, what they mark, what they leave alone.

vi.setConfig({ testTimeout: 60_000 });

const providerOf = (name: string): ProviderName => z.enum(PROVIDERS).parse(name);
const accountOf = (provider: ProviderName): string => `demo-${provider}`;

const Audit = z.object({
  account_id: z.string(),
  day: z.string(),
  audited_at: z.int(),
  state: z.string(),
  provider_total: z.int().nullable(),
  listed: z.int(),
  stored: z.int(),
  new: z.int(),
  changed: z.int(),
  missing: z.int(),
  vanished: z.int(),
  quarantined: z.int(),
  duplicates: z.int(),
  talk_seconds: z.int(),
  cost: z.string(),
  digest: z.string(),
  latest_seconds: z.int().nullable(),
});
type Audit = z.infer<typeof Audit>;

/** Every audit that the store keeps, the oldest first. */
function auditsIn(store: string, where = '1 = 1'): Audit[] {
  const sql = `select * from audits where ${where} order by audited_at, account_id, day`;
  return query(store, Audit, sql);
}

/** What the provider lists under a day. */
function listedOn(sandbox: Sandbox, provider: ProviderName, day: string): JsonObject[] {
  return sandbox.rows(provider).filter((row) => shanghai.dayOf(instantOf(provider, row)) === day);
}

/** The days of a world that are over for the lookback of two hours. */
function closedDays(days: number): string[] {
  const all = Array.from({ length: days }, (_, index) => ago(days - index));
  return all.filter((day) => shanghai.startOfDay(addDays(day, 1)) + 2 * HOUR <= Date.now());
}

/** Lets time pass for the audits of a store: they were so much earlier. */
function age(store: string, by: number): void {
  tamper(store, 'update audits set audited_at = audited_at - ?', by);
}

/** The arguments that audit one day, due or not. */
const only = (day: string): string[] => ['--from', day, '--to', addDays(day, 1)];

async function verify(bench: Workbench, ...args: string[]): Promise<Finished> {
  return bench.run('--json', 'verify', ...args);
}

/** What a run says of each of an account's days, in short. */
function daysIn(result: Finished, account?: string): unknown[] {
  const report = account === undefined ? reportOf(result) : reportFor(result, account);
  return report.days.map((day) => [day.day, day.state, day.new, day.changed, day.missing]);
}

function reportFor(result: Finished, account: string) {
  const report = reportsOf(result).find((one) => one.account === account);
  if (report === undefined) throw new Error(`Nothing is said of ${account}.`);
  return report;
}

function missingIn(store: string, account?: string): number {
  const of = account === undefined ? '' : `and account_id = '${account}'`;
  return countIn(store, 'calls', `missing_since is not null ${of}`);
}

const PLACES = 9;

/** An amount as a count of its billionths: no amount here has more decimal places. */
function billionths(amount: string): bigint {
  const [, sign = '', units = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount) ?? [];
  return BigInt(sign + units + fraction.padEnd(PLACES, '0'));
}

const Stored = z.object({
  call_id: z.string(),
  content_hash: z.string(),
  talk_seconds: z.int().nullable(),
  cost: z.string().nullable(),
  currency: z.string().nullable(),
});

/** The sums of a day, made here from what the store holds. */
function sumsOf(store: string, account: string, day: string) {
  const sql = `select call_id, content_hash, talk_seconds, cost, currency from calls
    where account_id = ? and listed_on = ? and missing_since is null`;
  const rows = query(store, Stored, sql, account, day);
  const lines = rows.map(({ call_id, content_hash }) => `${call_id}\0${content_hash}\n`);
  const cost: Record<string, bigint> = {};
  let talk = 0;
  for (const { cost: amount, currency, talk_seconds } of rows) {
    talk += talk_seconds ?? 0;
    if (amount === null) continue;
    cost[currency ?? 'unknown'] = (cost[currency ?? 'unknown'] ?? 0n) + billionths(amount);
  }
  const digest = createHash('sha256').update(lines.sort().join('')).digest('hex');
  return { stored: rows.length, talk, cost, digest };
}

function costsOf({ cost }: Audit): Record<string, bigint> {
  const sums = z.record(z.string(), z.string()).parse(JSON.parse(cost));
  return Object.fromEntries(
    Object.entries(sums).map(([currency, sum]) => [currency, billionths(sum)]),
  );
}

it('verifies every closed day after a sync, keeps its numbers, and has then nothing to do', async () => {
  const bench = await openWorkbench({
    sandbox: { days: 3, callsPerDay: 40, providers: { okcc: { fees: 'exact' } } },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const first = await verify(bench);
  expect(first.code, first.stderr).toBe(0);
  const days = closedDays(3);
  for (const report of reportsOf(first)) {
    expect(report).toMatchObject({ state: 'ok', error: null, inserted: 0, changed: 0, holes: 0 });
    const provider = providerOf(report.provider);
    expect(report.days.map(({ day }) => day)).toEqual(days);
    for (const day of report.days) {
      const listed = listedOn(bench.sandbox, provider, day.day).length;
      // A bare list says nothing of its length.
      const total = provider === 'vos' ? null : listed;
      const numbers = { provider_total: total, listed, stored: listed, new: 0, changed: 0 };
      expect([provider, day]).toEqual([
        provider,
        expect.objectContaining({ ...numbers, state: 'verified', missing: 0, quarantined: 0 }),
      ]);
      expect(day.audited_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  }
  const audits = auditsIn(bench.store);
  expect(audits).toHaveLength(PROVIDERS.length * days.length);
  const money = new Set<string>();
  for (const audit of audits) {
    const listed = listedOn(bench.sandbox, providerOf(audit.account_id.slice(5)), audit.day);
    const sums = sumsOf(bench.store, audit.account_id, audit.day);
    expect(audit).toMatchObject({
      ...{ state: 'verified', listed: listed.length, stored: sums.stored, vanished: 0 },
      ...{ duplicates: 0, talk_seconds: sums.talk, digest: sums.digest, latest_seconds: null },
    });
    expect(costsOf(audit)).toEqual(sums.cost);
    for (const currency of Object.keys(sums.cost)) money.add(currency);
  }
  // Sums of nothing would prove nothing.
  expect(money).toContain('CNY');
  expect(audits.some(({ talk_seconds }) => talk_seconds > 0)).toBe(true);

  const asked = pagesAsked(bench.sandbox.requests).length;
  const second = await verify(bench);
  expect(second.code, second.stderr).toBe(0);
  for (const report of reportsOf(second)) expect([report.state, report.days]).toEqual(['ok', []]);
  expect(pagesAsked(bench.sandbox.requests).length).toBe(asked);
  // A range is audited due or not, and adds to what is kept.
  const third = await verify(bench, ...only(ago(3)));
  expect(third.code, third.stderr).toBe(0);
  const kept = auditsIn(bench.store);
  expect(kept.slice(0, audits.length)).toEqual(audits);
  expect(kept.slice(audits.length).map(({ day }) => day)).toEqual(PROVIDERS.map(() => ago(3)));
});

/** A field that can change without making another call of it, to what no row of the sandbox has. */
const CHANGED: Readonly<Record<ProviderName, JsonObject>> = {
  infin8linx: { hangupcause: 10_099 },
  itniotech: { cost: '9.99' },
  okcc: { userData: 'changed' },
  udesk: { agentName: '坐席9999' },
  vos: { fee: 7.5 },
};

it('finds in old days what polls cannot see: late, changed, gone and returned rows', async () => {
  const bench = await openWorkbench({ sandbox: { days: 3, callsPerDay: 30 } });
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  const late = at(2, '12:00:00');
  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, late));
  }
  const poll = await bench.run('--json', 'sync');
  expect(poll.code, poll.stderr).toBe(0);
  for (const { inserted, changed } of reportsOf(poll)) expect([inserted, changed]).toEqual([0, 0]);
  const found = await verify(bench, ...only(day));
  expect(found.code, found.stderr).toBe(0);
  for (const { account, inserted } of reportsOf(found)) {
    expect(daysIn(found, account)).toEqual([[day, 'verified', 1, 0, 0]]);
    expect(inserted).toBe(1);
  }
  for (const { lateness } of statusOf(await bench.run('--json', 'status'))) {
    expect(lateness.calls).toBe(1);
    const seconds = Math.round((Date.now() - late) / SECOND);
    expect(Math.abs((lateness.latest_seconds ?? 0) - seconds)).toBeLessThan(60);
  }

  const isLate = (provider: ProviderName) => (row: JsonObject) => instantOf(provider, row) === late;
  for (const provider of PROVIDERS) {
    expect(bench.sandbox.change(provider, isLate(provider), CHANGED[provider])).toBe(1);
  }
  const changed = await verify(bench, ...only(day));
  expect(changed.code, changed.stderr).toBe(0);
  for (const provider of PROVIDERS) {
    expect(daysIn(changed, accountOf(provider))).toEqual([[day, 'verified', 0, 1, 0]]);
  }
  expect(countIn(bench.store, 'call_versions', "change_reason = 'provider'")).toBe(5);

  // Gone: each row stays, and says since when it is not listed.
  const count = countIn(bench.store, 'calls');
  const gone = new Map(
    PROVIDERS.map((provider) => [provider, bench.sandbox.rows(provider).filter(isLate(provider))]),
  );
  for (const provider of PROVIDERS) bench.sandbox.remove(provider, isLate(provider));
  const before = new Date().toISOString();
  const removed = await verify(bench, ...only(day));
  expect(removed.code, removed.stderr).toBe(0);
  for (const provider of PROVIDERS) {
    expect(daysIn(removed, accountOf(provider))).toEqual([[day, 'verified', 0, 0, 1]]);
    const [report] = reportFor(removed, accountOf(provider)).days;
    expect(report?.stored).toBe(listedOn(bench.sandbox, provider, day).length);
  }
  expect(countIn(bench.store, 'calls')).toBe(count);
  const Since = z.object({ missing_since: z.string(), version: z.int() });
  const marked = query(
    bench.store,
    Since,
    'select missing_since, version from calls where missing_since is not null',
  );
  expect(marked).toHaveLength(PROVIDERS.length);
  for (const { missing_since, version } of marked) {
    expect(missing_since > before).toBe(true);
    expect(version).toBe(2);
  }
  // Marked once; that it is gone still is no news.
  const again = await verify(bench, ...only(day));
  expect(daysIn(again, 'demo-okcc')).toEqual([[day, 'verified', 0, 0, 0]]);

  for (const provider of PROVIDERS) {
    for (const row of gone.get(provider) ?? []) bench.sandbox.insert(provider, row);
  }
  const back = await verify(bench, ...only(day));
  expect(back.code, back.stderr).toBe(0);
  for (const provider of PROVIDERS) {
    expect(daysIn(back, accountOf(provider))).toEqual([[day, 'verified', 0, 0, 0]]);
  }
  expect(missingIn(bench.store)).toBe(0);
  expect(countIn(bench.store, 'calls')).toBe(count);
  expect(countIn(bench.store, 'call_versions')).toBe(5);
});

/** Lets a share of a day's rows go, and returns them. */
function loseRows(sandbox: Sandbox, provider: ProviderName, day: string, count: number) {
  const lost = new Set(
    listedOn(sandbox, provider, day)
      .slice(0, count)
      .map((row) => writeJson(row)),
  );
  const rows = sandbox.rows(provider).filter((row) => lost.has(writeJson(row)));
  expect(sandbox.remove(provider, (row) => lost.has(writeJson(row)))).toBe(count);
  return rows;
}

it('believes that many calls are gone only when it sees so again an hour later', async () => {
  const providers = ['itniotech', 'okcc', 'udesk', 'vos'] as const;
  const bench = await openWorkbench({ providers, sandbox: { days: 2, callsPerDay: 70 } });
  // Equal rows would make the counts another matter.
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  const gone = new Map(
    providers.map((provider) => [provider, loseRows(bench.sandbox, provider, day, 14)]),
  );
  const first = await verify(bench, ...only(day));
  expect(first.code, first.stderr).toBe(1);
  for (const { account, state } of reportsOf(first)) {
    expect(state).toBe('incomplete');
    expect(daysIn(first, account)).toEqual([[day, 'mismatch', 0, 0, 0]]);
  }
  expect(auditsIn(bench.store).map(({ vanished, missing }) => [vanished, missing])).toEqual(
    providers.map(() => [14, 0]),
  );
  const status = await bench.run('--json', 'status', '--check');
  expect(status.code).toBe(1);
  for (const { alarms } of statusOf(status)) {
    expect(alarms.map(({ code }) => code)).toContain('days_mismatch');
  }

  // Not an hour later: neither is it due, nor does it decide when it is asked for.
  age(bench.store, HOUR - 2 * MINUTE);
  for (const report of reportsOf(await verify(bench))) {
    expect(report.days.map((one) => one.day)).not.toContain(day);
  }
  expect((await verify(bench, ...only(day))).code).toBe(1);
  expect(missingIn(bench.store)).toBe(0);

  // One comes back meanwhile, of another nothing was gone after all.
  const [itniotech = [], udesk = []] = [gone.get('itniotech'), gone.get('udesk')];
  for (const row of itniotech) bench.sandbox.insert('itniotech', row);
  for (const row of udesk.slice(0, 3)) bench.sandbox.insert('udesk', row);
  // The provider's clock may seem to be a second behind, and the earlier of the two counts.
  age(bench.store, HOUR + 2 * SECOND);
  const last = await verify(bench);
  expect(last.code, last.stderr).toBe(0);
  const missing = { itniotech: 0, okcc: 14, udesk: 11, vos: 14 };
  for (const provider of providers) {
    const report = reportFor(last, accountOf(provider)).days.find((one) => one.day === day);
    expect([provider, report?.state, report?.missing]).toEqual([
      ...[provider, 'verified', missing[provider]],
    ]);
    expect(missingIn(bench.store, accountOf(provider))).toBe(missing[provider]);
  }
});

it('believes at once that ten calls of a day are gone, or a tenth of them', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'udesk'],
    sandbox: { days: 2, callsPerDay: 0 },
  });
  const day = ago(2);
  // Ten of twenty, and twelve of a hundred and twenty.
  for (const [provider, rows] of [
    ['okcc', 20],
    ['udesk', 120],
  ] as const) {
    for (let number = 0; number < rows; number += 1) {
      const instant = at(2, '09:00:00') + number * MINUTE;
      bench.sandbox.insert(provider, madeRow(provider, instant, number));
    }
  }
  expect((await bench.run('sync')).code).toBe(0);
  loseRows(bench.sandbox, 'okcc', day, 10);
  loseRows(bench.sandbox, 'udesk', day, 12);
  const result = await verify(bench, ...only(day));
  expect(result.code, result.stderr).toBe(0);
  expect(daysIn(result, 'demo-okcc')).toEqual([[day, 'verified', 0, 0, 10]]);
  expect(daysIn(result, 'demo-udesk')).toEqual([[day, 'verified', 0, 0, 12]]);
  // One more than that of either is too many.
  loseRows(bench.sandbox, 'udesk', day, 11);
  const more = await verify(bench, '--account', 'demo-udesk', ...only(day));
  expect(more.code, more.stderr).toBe(1);
  expect(daysIn(more)).toEqual([[day, 'mismatch', 0, 0, 0]]);
});

/** A row of a world that has no calls of its own to be like. */
function madeRow(provider: 'okcc' | 'udesk' | 'vos', instant: number, number: number): JsonObject {
  const time = shanghai.format(instant);
  const id = 573_300 + number;
  const rows = {
    okcc: {
      ...{ key: String(id), session: `made-${number}`, serviceType: '1', startTime: time },
      ...{ ringTime: time, answerTime: time, byeTime: time, caller: '02110000001' },
      ...{ callee: '15400000001', timeLength: '0', fee: 0, result: '2' },
    },
    udesk: {
      ...{ id, callId: `made-${number}`, createTime: time, customerNumber: '15400000001' },
      ...{ duration: 0, result: 2, callType: 2 },
    },
    vos: {
      ...{ phone: `made-${number}`, callee_phone: '15400000001', start_time: time, end_time: time },
      ...{ hold_time: '00:00:00', fee: 0, customer_account: '10086001' },
    },
  };
  return rows[provider];
}

it('marks nothing wrongly where a list moves while it is read', async () => {
  const providers = ['itniotech', 'okcc', 'udesk', 'vos'] as const;
  const bench = await openWorkbench({
    providers,
    sandbox: {
      days: 2,
      callsPerDay: 60,
      providers: {
        itniotech: { callsPerDay: 800 },
        udesk: { callsPerDay: 800 },
        okcc: { pageSize: 10 },
        vos: { list: 'meta', pageSize: 10 },
      },
    },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  for (const provider of providers) bench.sandbox.setFaults(provider, { latency: 50 });
  const before = new Map(
    providers.map((provider) => [provider, pagesAsked(bench.sandbox.requests, provider).length]),
  );
  const running = bench.start(['--json', 'verify', ...only(day)]);
  const removed = new Map<ProviderName, number>();
  await Promise.all(
    providers.map(async (provider) => {
      const asked = () =>
        pagesAsked(bench.sandbox.requests, provider).length - (before.get(provider) ?? 0);
      await until(`page 2 of ${provider}`, () => asked() >= 2);
      // Newest first: what goes at the end of the day pulls the rest to earlier pages, past the reader.
      removed.set(provider, loseLast(bench.sandbox, provider, day, 2));
      await until(`page 3 of ${provider}`, () => asked() >= 3);
      const instant = at(2, '23:59:30');
      bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, instant));
    }),
  );
  const moved = await running.finished;
  expect(moved.code, moved.stderr).toBe(0);
  const next = await verify(bench, ...only(day));
  expect(next.code, next.stderr).toBe(0);
  for (const provider of providers) {
    const listed = listedOn(bench.sandbox, provider, day).length;
    const [report] = reportFor(next, accountOf(provider)).days;
    expect([provider, report?.state, report?.stored]).toEqual([provider, 'verified', listed]);
    expect(missingIn(bench.store, accountOf(provider))).toBe(removed.get(provider));
  }
});

function loseLast(sandbox: Sandbox, provider: ProviderName, day: string, count: number): number {
  const last = listedOn(sandbox, provider, day).slice(-count);
  const texts = new Set(last.map((row) => writeJson(row)));
  return sandbox.remove(provider, (row) => texts.has(writeJson(row)));
}

it('reads a day that is not over, leaves it open, and marks nothing in it', async () => {
  // With a lookback of days the days before today are open too, whatever time it is.
  const bench = await openWorkbench({
    sandbox: { days: 2, callsPerDay: 30 },
    settings: { lookback: '4d' },
  });
  expect((await bench.run('sync')).code).toBe(0);
  for (const provider of PROVIDERS) {
    loseRows(bench.sandbox, provider, ago(1), 3);
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, at(1, '12:00:00')));
  }
  // None of them is due by itself.
  for (const { days } of reportsOf(await verify(bench))) expect(days).toEqual([]);
  const result = await verify(bench, '--from', ago(1), '--to', ago(-1));
  expect(result.code, result.stderr).toBe(0);
  for (const { account } of reportsOf(result)) {
    expect(daysIn(result, account)).toEqual([
      [ago(1), 'open', 1, 0, 0],
      [ago(0), 'open', 0, 0, 0],
    ]);
    expect(dayStates(bench.store, account)[ago(1)]).toBe('open');
  }
  expect(missingIn(bench.store)).toBe(0);
});

it('audits again at the ages that are configured, the oldest day first', async () => {
  const bench = await openWorkbench({
    providers: ['udesk'],
    sandbox: { days: 5, callsPerDay: 10 },
    settings: { audit: ['1d', '3d'] },
  });
  expect((await bench.run('sync')).code).toBe(0);
  expect((await verify(bench)).code).toBe(0);
  const due = async (): Promise<unknown[]> =>
    daysIn(await verify(bench)).map((day) => z.array(z.unknown()).parse(day)[0]);
  const auditedAt = (day: string, after: number): number =>
    tamper(
      bench.store,
      'update audits set audited_at = ? where day = ?',
      shanghai.startOfDay(addDays(day, 1)) + after,
      day,
    );
  // Just before it was a day old, and just after: the first is to be audited again.
  auditedAt(ago(2), DAY - SECOND);
  auditedAt(ago(3), DAY + SECOND);
  expect(await due()).toEqual([ago(2)]);
  // At three days again; by now that holds for all days that were over three days ago.
  auditedAt(ago(4), 3 * DAY - SECOND);
  tamper(bench.store, 'delete from audits where day = ?', ago(5));
  auditedAt(ago(5), 0);
  expect(await due()).toEqual([ago(5), ago(4)]);
  const order = query(
    bench.store,
    z.object({ day: z.string() }),
    'select day from audits order by audited_at desc limit 2',
  );
  expect(order.map(({ day }) => day)).toEqual([ago(4), ago(5)]);

  await bench.configure({ audit: [] });
  tamper(bench.store, 'update audits set audited_at = audited_at - ?', 30 * DAY);
  expect(await due()).toEqual([]);
});

it('takes ranges and acceptances that make sense, and no others', async () => {
  const bench = await openWorkbench({
    providers: ['okcc', 'udesk'],
    sandbox: { days: 3, callsPerDay: 10 },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const udesk = ['--account', 'demo-udesk'];
  const range = await verify(bench, ...udesk, '--from', ago(3), '--to', ago(1));
  expect(range.code, range.stderr).toBe(0);
  expect(reportOf(range).days.map(({ day }) => day)).toEqual([ago(3), ago(2)]);

  const reason = ['--reason', 'told so'];
  const wrong = [
    [...udesk, '--from', ago(3)],
    [...udesk, '--from', ago(1), '--to', ago(3)],
    [...udesk, '--reason', 'without a day'],
    [...udesk, '--accept', ago(3)],
    [...udesk, '--accept', ago(3), '--reason', ' '],
    [...udesk, '--accept', '2026-02-30', ...reason],
    // Which account's day it is has to be said.
    ['--accept', ago(3), ...reason],
    [...udesk, '--account', 'demo-okcc', '--accept', ago(3), ...reason],
  ];
  const before = dayStates(bench.store, 'demo-udesk');
  const results = await Promise.all(wrong.map((args) => bench.run('verify', ...args)));
  for (const [index, { code, stderr }] of results.entries()) {
    expect([wrong[index], code]).toEqual([wrong[index], 2]);
    expect(stderr).toMatch(/--from|--to|--accept/);
    expect(stderr).not.toContain('    at ');
  }
  // Nothing is wrong with these days, so there is nothing to accept: open, verified, never read.
  for (const day of [ago(0), ago(3), ago(40)]) {
    const result = await verify(bench, ...udesk, '--accept', day, ...reason);
    expect([day, result.code === 0]).toEqual([day, false]);
    expect(`${result.stdout}${result.stderr}`).toContain('usage.accept');
  }
  expect(dayStates(bench.store, 'demo-udesk')).toEqual(before);
});

/** The sandbox's Udesk behind a server that states more rows than it lists. */
async function lyingUdesk(
  sandbox: Sandbox,
): Promise<{ baseUrl: string; lie: (by: number) => void }> {
  let more = 0;
  const server = createServer((request, response) => {
    fetch(sandbox.url + request.url)
      .then(async (answer) => {
        const body = withTotal(parseJson(await answer.text()), more);
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(writeJson(body));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('No port.');
  const baseUrl = `http://127.0.0.1:${address.port}/udesk/api`;
  return {
    baseUrl,
    lie: (by) => {
      more = by;
    },
  };
}

function withTotal(body: Json, more: number): Json {
  if (!isObject(body) || !isObject(body['data'])) return body;
  const { data } = body;
  const total = data['total'];
  return typeof total === 'number' ? { ...body, data: { ...data, total: total + more } } : body;
}

it('does not pass over a total that two equal walks contradict, until a person accepts the day', async () => {
  const bench = await openWorkbench({
    providers: ['udesk'],
    sandbox: { days: 3, callsPerDay: 20 },
  });
  const { baseUrl, lie } = await lyingUdesk(bench.sandbox);
  await bench.configure({ baseUrl });
  expect((await bench.run('sync')).code).toBe(0);
  const before = countIn(bench.store, 'calls');
  lie(2);
  const result = await verify(bench, '--from', ago(3), '--to', ago(1));
  expect(result.code, result.stderr).toBe(1);
  const listed = listedOn(bench.sandbox, 'udesk', ago(3)).length;
  expect(reportOf(result).days[0]).toMatchObject({
    ...{ day: ago(3), state: 'mismatch', provider_total: listed + 2, listed, stored: listed },
  });
  expect(dayStates(bench.store, 'demo-udesk')).toMatchObject({
    [ago(3)]: 'mismatch',
    [ago(2)]: 'mismatch',
  });
  expect(countIn(bench.store, 'calls')).toBe(before);
  expect(missingIn(bench.store)).toBe(0);

  const reason = 'two calls were erased, ticket 4711';
  const accept = await verify(bench, '--accept', ago(3), '--reason', reason);
  expect(accept.code, accept.stderr).toBe(0);
  expect(reportOf(accept).days).toMatchObject([{ day: ago(3), state: 'accepted' }]);
  // Read again and again, by each of the ways there are, it stays accepted.
  const range = ['--from', ago(3), '--to', ago(2)];
  const audit = await verify(bench, ...range);
  expect(audit.code, audit.stderr).toBe(0);
  expect(daysIn(audit)).toEqual([[ago(3), 'accepted', 0, 0, 0]]);
  const walk = await bench.run('--json', 'backfill', '--account', 'demo-udesk', ...range);
  expect(walk.code, walk.stderr).toBe(0);
  const states = await verify(bench);
  expect(reportOf(states).days.map(({ day }) => day)).not.toContain(ago(3));
  const status = oneStatus(await bench.run('--json', 'status'));
  expect(status.accepted).toEqual([{ day: ago(3), reason }]);

  // The other day is mended by a provider that counts right again.
  lie(0);
  const mended = await verify(bench, ...only(ago(2)));
  expect(mended.code, mended.stderr).toBe(0);
  expect(daysIn(mended)).toEqual([[ago(2), 'verified', 0, 0, 0]]);
});

it('leaves no half audit when it is killed, and the next one does all of it', async () => {
  const bench = await openWorkbench({
    providers: ['udesk', 'vos'],
    sandbox: {
      days: 4,
      callsPerDay: 60,
      providers: { udesk: { callsPerDay: 700 }, vos: { list: 'meta', pageSize: 8 } },
    },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const calls = countIn(bench.store, 'calls');
  for (const provider of ['udesk', 'vos'] as const) {
    bench.sandbox.setFaults(provider, { latency: 25 });
    loseRows(bench.sandbox, provider, ago(4), 2);
  }
  const asked = () => pagesAsked(bench.sandbox.requests).length;
  for (const pages of [3, 8, 13]) {
    const before = asked();
    const running = bench.start(['--json', 'verify', '--from', ago(4), '--to', ago(2)]);
    await until(`${pages} pages`, () => asked() >= before + pages || !running.alive());
    running.kill('SIGKILL');
    expect((await running.finished).signal).toBe('SIGKILL');
    // An audit is there with all that it says, or not at all.
    for (const audit of auditsIn(bench.store)) {
      expect(audit.listed).toBe(
        listedOn(bench.sandbox, providerOf(audit.account_id.slice(5)), audit.day).length,
      );
      expect(audit.digest).toBe(sumsOf(bench.store, audit.account_id, audit.day).digest);
    }
  }
  for (const provider of ['udesk', 'vos'] as const) bench.sandbox.setFaults(provider, null);
  const last = await verify(bench, '--from', ago(4), '--to', ago(2));
  expect(last.code, last.stderr).toBe(0);
  for (const { account, days } of reportsOf(last)) {
    expect(days.map(({ day, state }) => [day, state])).toEqual([
      [ago(4), 'verified'],
      [ago(3), 'verified'],
    ]);
    expect(missingIn(bench.store, account)).toBe(2);
  }
  expect(countIn(bench.store, 'calls')).toBe(calls);
  for (const table of ['windows', 'window_pages', 'window_rows', 'holes', 'call_versions']) {
    expect([table, countIn(bench.store, table)]).toEqual([table, 0]);
  }
});

it.each(['array', 'meta'] as const)(
  'tells equal rows of a VOS day by their number: %s',
  async (list) => {
    const bench = await openWorkbench({
      providers: ['vos'],
      sandbox: { days: 2, callsPerDay: 12, providers: { vos: { list, pageSize: 5 } } },
    });
    const row = madeRow('vos', at(2, '12:00:00'), 1);
    const isIt = (other: JsonObject) => other['phone'] === row['phone'];
    for (const _ of [1, 2, 3]) bench.sandbox.insert('vos', row);
    expect((await bench.run('sync')).code).toBe(0);
    const day = ago(2);
    const all = listedOn(bench.sandbox, 'vos', day).length;
    const first = await verify(bench, ...only(day));
    expect(first.code, first.stderr).toBe(0);
    expect(daysIn(first)).toEqual([[day, 'verified', 0, 0, 0]]);
    expect(reportOf(first).days[0]).toMatchObject({ listed: all, stored: all });

    bench.sandbox.remove('vos', isIt);
    for (const _ of [1, 2]) bench.sandbox.insert('vos', row);
    const less = await verify(bench, ...only(day));
    expect(less.code, less.stderr).toBe(0);
    expect(daysIn(less)).toEqual([[day, 'verified', 0, 0, 1]]);
    expect(reportOf(less).days[0]).toMatchObject({ listed: all - 1, stored: all - 1 });
    expect(countIn(bench.store, 'calls', 'missing_since is null')).toBe(
      bench.sandbox.rows('vos').length,
    );

    bench.sandbox.insert('vos', row);
    bench.sandbox.insert('vos', row);
    const back = await verify(bench, ...only(day));
    expect(back.code, back.stderr).toBe(0);
    // The one that was gone, and one that was never there.
    expect(daysIn(back)).toEqual([[day, 'verified', 1, 0, 0]]);
    expect(missingIn(bench.store)).toBe(0);
    expect(countIn(bench.store, 'calls')).toBe(bench.sandbox.rows('vos').length);
  },
);

it('keeps a day incomplete for a second that no page can hold, until it can be listed', async () => {
  const worlds = { days: 2, callsPerDay: 0 };
  const bench = await openWorkbench({
    providers: ['okcc'],
    sandbox: {
      ...worlds,
      providers: { okcc: { pageSize: 2, startKey: 'ignored', total: 'none', endInclusive: false } },
    },
  });
  const mended = await bench.addSandbox({ ...worlds, providers: {} });
  for (const [number, time] of ['10:00:00', '10:00:00', '10:00:00', '15:00:00'].entries()) {
    const row = madeRow('okcc', at(2, time), number);
    bench.sandbox.insert('okcc', row);
    mended.insert('okcc', row);
  }
  const day = ago(2);
  const state = () => dayStates(bench.store, 'demo-okcc')[day];
  const Hole = z.object({
    from_at: z.int(),
    to_at: z.int(),
    attempts: z.int(),
    next_try_at: z.int(),
  });
  const holes = () =>
    query(bench.store, Hole, 'select from_at, to_at, attempts, next_try_at from holes');
  const first = await bench.run('--json', 'sync');
  expect(first.code, first.stderr).toBe(1);
  const from = at(2, '10:00:00');
  expect(holes()).toMatchObject([{ from_at: from, to_at: from + SECOND, attempts: 0 }]);
  expect(state()).toBe('incomplete');

  const audit = await verify(bench, ...only(day));
  expect(audit.code, audit.stderr).toBe(1);
  expect(reportOf(audit)).toMatchObject({ state: 'incomplete', holes: 1 });
  expect(daysIn(audit)).toEqual([[day, 'incomplete', 0, 0, 0]]);
  expect(holes()).toHaveLength(1);
  const status = oneStatus(await bench.run('--json', 'status', '--check'));
  expect(status.alarms.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['holes', 'days_incomplete']),
  );

  // Tried again when it falls due, not at each poll, and ever more rarely.
  const waits: number[] = [];
  const before = bench.sandbox.requests.length;
  expect((await bench.run('sync')).code).toBe(0);
  const poll = bench.sandbox.requests.length - before;
  for (const _ of [1, 2, 3]) {
    const asked = bench.sandbox.requests.length;
    const [hole] = holes();
    waits.push(Math.round(((hole?.next_try_at ?? 0) - Date.now()) / HOUR));
    tamper(bench.store, 'update holes set next_try_at = ?', Date.now() - 1);
    const retry = await bench.run('--json', 'sync');
    expect(retry.code, retry.stderr).toBe(1);
    expect(reportOf(retry)).toMatchObject({ state: 'incomplete', holes: 1 });
    expect(bench.sandbox.requests.length - asked).toBeGreaterThan(poll);
  }
  expect(waits).toEqual([1, 6, 24]);

  await bench.writeConfig({
    store: bench.storeUrl,
    accounts: accountsOf(mended, ['okcc']),
  });
  tamper(bench.store, 'update holes set next_try_at = ?', Date.now() - 1);
  const last = await bench.run('--json', 'sync');
  expect(last.code, last.stderr).toBe(0);
  expect(reportOf(last).inserted).toBe(1);
  expect(holes()).toEqual([]);
  expect(state()).toBe('complete');
  expect(countIn(bench.store, 'calls')).toBe(4);
});

it('warns before a day leaves the reach of the provider unproven, and after', async () => {
  const bench = await openWorkbench({
    providers: ['itniotech'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const codes = async (): Promise<[number | null, string[]]> => {
    const result = await bench.run('--json', 'status', '--check');
    return [result.code, oneStatus(result).alarms.map(({ code }) => code)];
  };
  const old = ago(55);
  const openDay = (day: string) =>
    tamper(
      bench.store,
      `insert into days (account_id, day, state, proven_to, updated_at)
         values ('demo-itniotech', ?, 'open', ?, 0)`,
      day,
      shanghai.startOfDay(day),
    );
  // A month old is in no danger yet.
  openDay(ago(35));
  expect(await codes()).toEqual([0, []]);
  openDay(old);
  expect(await codes()).toEqual([1, ['horizon_near']]);
  expect((await verify(bench, ...only(old))).code).toBe(0);

  const gone = ago(70);
  openDay(gone);
  const late = await verify(bench, ...only(gone));
  expect(late.code, late.stderr).toBe(1);
  expect(dayStates(bench.store, 'demo-itniotech')[gone]).toBe('unreachable');
  // No read changes that; only a person can.
  expect((await bench.run('sync')).code).toBe(0);
  expect(await codes()).toEqual([1, ['days_unreachable']]);
  const accept = await verify(bench, '--accept', gone, '--reason', 'too late');
  expect(accept.code, accept.stderr).toBe(0);
  const status = await bench.run('--json', 'status', '--check');
  expect([status.code, oneStatus(status).alarms]).toEqual([0, []]);
  expect(oneStatus(status).accepted).toEqual([{ day: gone, reason: 'too late' }]);
});
