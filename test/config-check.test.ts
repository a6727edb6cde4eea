import { readdir } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { serialize } from 'node:v8';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { expectedLoad } from '../src/check/load.ts';
import { addressHint } from '../src/check/refusal.ts';
import { emptySurvey, look } from '../src/check/survey.ts';
import { fittingZones } from '../src/check/zone.ts';
import { loadConfig } from '../src/config/config.ts';
import { makeHttpClient } from '../src/providers/http.ts';
import { findProvider } from '../src/providers/registry.ts';
import { FAKES } from '../src/sandbox/fakes.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { makeClient } from '../src/sync/client.ts';
import { addDays, DAY, HOUR, MINUTE, zoneClock } from '../src/time.ts';
import { storeExists } from './support/test-store.ts';
import {
  accountsOf,
  type Finished,
  freshRow,
  instantOf,
  NO_JITTER,
  openWorkbench,
  shanghai,
} from './support/workbench.ts';

// What `config check` finds out, by asking simulated providers that are wrong in one way each.

const Finding = z.strictObject({
  level: z.enum(['problem', 'warning', 'notice']),
  code: z.string(),
  message: z.string(),
  hint: z.string(),
});

const Total = z.strictObject({ day: z.string(), rows: z.int(), exact: z.boolean() });

const Check = z.strictObject({
  account: z.string(),
  provider: z.string(),
  base_url: z.string(),
  state: z.enum(['ok', 'problem']),
  login: z.enum(['accepted', 'refused', 'unknown']),
  requests: z.int(),
  clock_skew_seconds: z.int().nullable(),
  time_zone: z.string(),
  newest_call_at: z.string().nullable(),
  today: Total.nullable(),
  yesterday: Total.nullable(),
  currencies: z.array(z.string()),
  history_from: z.string().nullable(),
  requests_per_day: z.strictObject({
    total: z.int(),
    polls: z.int(),
    audits: z.int(),
    other: z.int(),
  }),
  findings: z.array(Finding),
});
type Check = z.infer<typeof Check>;

function checksOf({ json, stderr }: Finished): ReadonlyMap<string, Check> {
  expect(json, stderr).toBeDefined();
  const { accounts } = z.strictObject({ accounts: z.array(Check) }).parse(json);
  return new Map(accounts.map((check) => [check.account, check]));
}

function checkOf(checks: ReadonlyMap<string, Check>, account: string): Check {
  return checks.get(account) ?? expect.fail(`${account} was not checked`);
}

function findingOf(check: Check, code: string): z.infer<typeof Finding> {
  const codes = check.findings.map((finding) => finding.code).join(', ');
  return (
    check.findings.find((finding) => finding.code === code) ??
    expect.fail(`${check.account} has no ${code} but ${codes}`)
  );
}

/** What no output may hold: logins, and numbers of people. */
function expectDiscreet({ stdout, stderr }: Finished): void {
  const output = stdout + stderr;
  const logins = Object.values(FAKES).flatMap((login) => Object.entries(login));
  for (const [name, value] of logins) {
    if (/secret|password|token|accessKey/i.test(name)) expect(output).not.toContain(String(value));
  }
  expect(output).not.toMatch(/(?<![\d-])1\d{10}(?!\d)/);
}

/** A provider of one's own, on loopback. @returns its port. */
async function serve(answer: (response: ServerResponse) => void): Promise<number> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

it('tells of accounts that are well what an operator can compare, and writes nothing', async () => {
  const bench = await openWorkbench({ sandbox: { callsPerDay: 150 } });
  const recent = Date.now() - 6 * MINUTE;
  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, recent));
  }
  const result = await bench.run('--json', 'config', 'check');
  const checks = checksOf(result);
  expect(result.code, result.stdout).toBe(0);
  const today = shanghai.dayOf(Date.now());
  for (const provider of PROVIDERS) {
    const check = checkOf(checks, `demo-${provider}`);
    const times = bench.sandbox.rows(provider).map((row) => instantOf(provider, row));
    const rowsOf = (day: string) => times.filter((at) => shanghai.dayOf(at) === day).length;
    expect(check, provider).toMatchObject({
      ...{ state: 'ok', login: 'accepted', time_zone: 'Asia/Shanghai', findings: [] },
      today: { day: today, rows: rowsOf(today), exact: true },
      yesterday: { day: addDays(today, -1), rows: rowsOf(addDays(today, -1)), exact: true },
    });
    expect(Math.abs(check.clock_skew_seconds ?? 99)).toBeLessThan(5);
    // The sandbox may have made a later one.
    const newest = Math.floor(Math.max(...times) / 1000) * 1000;
    expect(Date.parse(check.newest_call_at ?? '')).toBe(newest);
    expect(newest).toBeGreaterThanOrEqual(Math.floor(recent / 1000) * 1000);
    expect(check.requests).toBeLessThanOrEqual(5);
    expect(check.requests_per_day.total).toBeGreaterThan(20);
  }
  expect(checkOf(checks, 'demo-okcc').currencies).toEqual(['CNY']);
  expect(checkOf(checks, 'demo-udesk').currencies).toEqual([]);
  const { history_from } = checkOf(checks, 'demo-itniotech');
  expect(Date.now() - Date.parse(history_from ?? '')).toBeGreaterThan(55 * DAY);
  expectDiscreet(result);
  expect(storeExists(bench.store)).toBe(false);
  expect(await readdir(bench.folder)).toEqual(['worker.config.json']);
});

it('finds a time zone by which calls come from the future, and says which would fit', async () => {
  const bench = await openWorkbench({ providers: ['infin8linx', 'okcc', 'vos'] });
  const recent = Date.now() - 6 * MINUTE;
  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, recent));
  }
  await bench.configure({ timeZone: 'UTC' });
  const result = await bench.run('config', 'check');
  expect(result.code, result.stderr).toBe(1);
  for (const provider of ['infin8linx', 'okcc', 'vos']) {
    expect(result.stdout).toMatch(new RegExp(`demo-${provider} .*: problem`));
  }
  expect(result.stdout.match(/7h 5\dm in the future by UTC/g)).toHaveLength(3);
  expect(
    result.stdout.match(/→ What would fit: timeZone Asia\/Shanghai \(it was [67]m/g),
  ).toHaveLength(3);
  expectDiscreet(result);
});

it('tells apart a refused login, a pasted path, a page of HTML and a clock that is off', async () => {
  const bench = await openWorkbench();
  const late = await bench.addSandbox({ clockSkew: 10 * MINUTE });
  const [infin8linx = {}, , okcc = {}, udesk = {}, vos = {}] = accountsOf(bench.sandbox, PROVIDERS);
  await bench.writeConfig({
    accounts: [
      { ...infin8linx, currency: 'CNY' },
      { ...okcc, baseUrl: `${bench.sandbox.urls.okcc}/getCdrList` },
      { ...udesk, baseUrl: `${bench.sandbox.urls.udesk}/v1/callLogs/` },
      { ...vos, baseUrl: `${bench.sandbox.urls.vos}/nowhere` },
      ...accountsOf(late, ['itniotech']),
      ...accountsOf(late, ['infin8linx'], { id: 'behind-a-page' }),
    ],
  });
  bench.sandbox.setFaults('infin8linx', { rate: 1, kinds: ['auth'] });
  late.setFaults('infin8linx', { rate: 1, kinds: ['html'] });
  const result = await bench.start(['--json', 'config', 'check'], NO_JITTER).finished;
  const checks = checksOf(result);
  expect(result.code).toBe(1);

  const refused = checkOf(checks, 'demo-infin8linx');
  expect(refused).toMatchObject({ state: 'problem', login: 'refused', today: null });
  expect(findingOf(refused, 'auth.rejected').level).toBe('problem');

  for (const provider of ['okcc', 'udesk'] as const) {
    const pasted = checkOf(checks, `demo-${provider}`);
    expect(pasted).toMatchObject({ state: 'problem', login: 'unknown' });
    expect(findingOf(pasted, 'base_url.endpoint').hint).toBe(
      `Set baseUrl to ${bench.sandbox.urls[provider]}.`,
    );
  }
  // A path that is wrong in another way is told what one looks like.
  const lost = checkOf(checks, 'demo-vos');
  expect(findingOf(lost, 'provider.refused').hint).toContain('https://vos.example.com');
  expect(lost.findings.map(({ code }) => code)).not.toContain('base_url.endpoint');

  const off = checkOf(checks, 'demo-itniotech');
  expect(off).toMatchObject({ state: 'problem', login: 'accepted' });
  expect(off.clock_skew_seconds).toBeGreaterThan(590);
  expect(findingOf(off, 'clock.skew').message).toMatch(/^this machine's clock is .* behind/);

  const page = checkOf(checks, 'behind-a-page');
  expect(page).toMatchObject({ state: 'problem', login: 'unknown' });
  expect(findingOf(page, 'response.html').hint).toContain('baseUrl');
  expectDiscreet(result);
});

it('keeps nothing of the calls it sees but what it tells of them', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { callsPerDay: 4000 } });
  const [account] = loadConfig(bench.config, {}).accounts;
  if (account === undefined) return expect.fail('there is no account');
  const { id, connector, clock, settle, minInterval } = account;
  const http = makeHttpClient(account);
  onTestFinished(() => http.close());
  const [silent, onRequest] = [() => undefined, () => undefined];
  const client = makeClient({
    ...{ account: id, connector, http, minInterval, onRequest, redact: (text) => text },
    ...{ log: { debug: silent, info: silent, warn: silent, error: silent } },
    signal: new AbortController().signal,
  });
  const survey = emptySurvey();
  await look({ account: id, connector, clock, client, settle }, survey);
  expect(survey.yesterday?.rows).toBeGreaterThan(1000);
  expect(survey.calls.count).toBeGreaterThan(100);
  expect(serialize(survey).length).toBeLessThan(1000);
});

it('does not wait after its last attempt', async () => {
  const asked: number[] = [];
  const port = await serve((response) => {
    asked.push(performance.now());
    response.writeHead(429, { 'retry-after': '3' }).end('{}');
  });
  const bench = await openWorkbench({ providers: ['itniotech'] });
  await bench.configure({ baseUrl: `http://127.0.0.1:${port}` });
  const result = await bench.start(['--json', 'config', 'check'], NO_JITTER).finished;
  const ended = performance.now();
  expect(checkOf(checksOf(result), 'demo-itniotech')).toMatchObject({ requests: 2 });
  const [first = 0, second = 0] = asked;
  expect(second - first).toBeGreaterThan(3000);
  expect(ended - second).toBeLessThan(2500);
});

it('says what to have allowed where the provider refuses the address', async () => {
  const port = await serve((response) => {
    response.end(JSON.stringify({ status: '-2', reason: 'IP not allowed for 13800138000' }));
  });
  const bench = await openWorkbench({ providers: ['itniotech'] });
  await bench.configure({ baseUrl: `http://127.0.0.1:${port}` });
  const result = await bench.run('--json', 'config', 'check');
  const check = checkOf(checksOf(result), 'demo-itniotech');
  expect([result.code, check.login]).toEqual([1, 'refused']);
  expect(findingOf(check, 'auth.address').hint).toContain('behind NAT');
  expectDiscreet(result);

  const card = { netmask: '', mac: '', cidr: null, internal: false, family: 'IPv4' as const };
  const own = addressHint(null, { eth0: [{ ...card, address: '203.0.113.7' }] });
  for (const text of Object.values(own)) expect(text).toContain('203.0.113.7');
  const local = addressHint(null, { eth0: [{ ...card, address: '192.168.1.7' }] });
  for (const text of Object.values(local)) expect(text).not.toContain('192.');
  expect(addressHint('http://proxy.example.com', {}).en).toContain('goes through a proxy');
});

it('offline looks at the settings alone, and names every problem of the file', async () => {
  const bench = await openWorkbench();
  const [, itniotech = {}, okcc = {}, udesk = {}] = accountsOf(bench.sandbox, PROVIDERS);
  await bench.writeConfig({
    accounts: [
      { ...itniotech, baseUrl: 'http://api.example.com/voice', startAt: '2020-01-01' },
      { ...okcc, baseUrl: 'https://okcc.example.com/openapi/V2.0.6/getCdrList' },
      { ...udesk, minInterval: '10m' },
    ],
  });
  const result = await bench.run('--json', 'config', 'check', '--offline');
  const checks = checksOf(result);
  expect(result.code).toBe(1);
  const plain = checkOf(checks, 'demo-itniotech');
  expect(plain).toMatchObject({ state: 'ok', login: 'unknown', requests: 0, today: null });
  expect(plain.findings.map(({ code }) => code)).toEqual(['base_url.http', 'horizon.start_at']);
  expect(findingOf(checkOf(checks, 'demo-okcc'), 'base_url.endpoint').hint).toBe(
    'Set baseUrl to https://okcc.example.com/openapi/V2.0.6.',
  );
  expect(findingOf(checkOf(checks, 'demo-udesk'), 'load.min_interval').level).toBe('warning');
  expect(bench.sandbox.requests).toEqual([]);

  const one = await bench.run('--json', 'config', 'check', '--offline', '--account', 'demo-udesk');
  expect([one.code, [...checksOf(one).keys()]]).toEqual([0, ['demo-udesk']]);

  await bench.writeConfig({ accounts: [{ ...okcc, every: 'often', id: 'a b' }], stoer: 1 });
  const broken = await bench.run('config', 'check');
  expect(broken.code).toBe(2);
  for (const path of ['accounts[0].every', 'accounts[0].id', 'stoer']) {
    expect(broken.stderr).toContain(`${path}: `);
  }
});

it('guesses zones by the wall clock alone', () => {
  const now = Date.parse('2026-11-20T04:00:00Z');
  const zones = (wall: string) => fittingZones(wall, now).map(({ zone, age }) => [zone, age]);
  expect(zones('2026-11-20 11:50:00')).toEqual([['Asia/Shanghai', 10 * MINUTE]]);
  expect(zones('2026-11-20 09:25:00')).toEqual([
    ['Asia/Shanghai', 2 * HOUR + 35 * MINUTE],
    ['Asia/Kolkata', 5 * MINUTE],
  ]);
  expect(zones('2026-11-20 12:58:00')).toEqual([['Asia/Tokyo', 2 * MINUTE]]);
  expect(zones('2026-11-22 12:00:00')).toEqual([]);
});

it('reckons polls × windows × pages, audits × days, logins', () => {
  const settings = (provider: string, credentials: object, options: object) => {
    const access = { accountId: 'a', baseUrl: 'https://example.com', timeZone: 'Asia/Shanghai' };
    const connector = findProvider(provider)?.open({
      ...{ ...access, currency: null, credentials, options },
    });
    if (connector === undefined) return expect.fail(`no provider ${provider}`);
    const times = { every: 5 * MINUTE, lookback: 2 * HOUR, windowDays: 1 };
    return { connector, clock: zoneClock('Asia/Shanghai'), audit: [DAY, 3 * DAY], ...times };
  };
  const now = Date.parse('2026-11-20T04:00:00Z');
  const day = { rows: 250, exact: true, pageSize: 100, newestUnseen: false };
  const key = settings('itniotech', { apiKey: 'k', apiSecret: 's' }, {});
  // 288 polls, of which those up to 125 minutes after midnight have two windows.
  expect(expectedLoad(key, null, now)).toEqual({ total: 315, polls: 312, audits: 2, other: 1 });
  expect(expectedLoad(key, day, now)).toEqual({ total: 319, polls: 312, audits: 6, other: 1 });
  const busy = { ...day, rows: 5000 };
  expect(expectedLoad(key, busy, now)).toMatchObject({ polls: 312 * 5, audits: 100 });
  const whole = settings('vos', { token: 't' }, { userId: '7' });
  expect(expectedLoad(whole, day, now)).toMatchObject({ polls: 312 * 3, audits: 6 });
  const session = settings('infin8linx', { appId: 'a', accessKey: 'k' }, {});
  expect(expectedLoad(session, null, now)).toMatchObject({ polls: 312, other: 291 });
});
