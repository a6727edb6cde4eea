import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Json, JsonObject } from '../src/json.ts';
import type { RequestLog, Sandbox } from '../src/sandbox/contract.ts';
import { FAKES } from '../src/sandbox/fakes.ts';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { addDays, DAY, HOUR, MINUTE, SECOND } from '../src/time.ts';
import { asksForCalls, gated, serve } from './support/gate.ts';
import {
  accountsOf,
  countIn,
  freshRow,
  instantOf,
  listedRows,
  NO_JITTER,
  openWorkbench,
  pagesAsked,
  query,
  reportsOf,
  shanghai,
  storedRows,
  type Workbench,
  watermarkOf,
} from './support/workbench.ts';

// What the binary makes of each way in which a provider, or something before it, can fail.

vi.setConfig({ testTimeout: 90_000 });

/** A request as it came to the gate. */
interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Passing {
  /** The `Date` header instead of the provider's. */
  readonly date?: number;
  /** Put before the body. */
  readonly prefix?: string;
}

/** Answers a request in the provider's place; `pass` has the provider answer it. */
type Plan = (
  seen: Seen,
  response: ServerResponse,
  pass: (how?: Passing) => Promise<void>,
) => unknown;

/** Something in front of a simulated provider, which lets everything pass until it is given a plan. */
interface Gate {
  readonly url: string;
  readonly seen: Seen[];
  plan: Plan | null;
}

const pass: Plan = (_seen, _response, on) => on();

async function openGate(sandbox: Sandbox): Promise<Gate> {
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    } catch {
      // Who asked has gone away.
      return;
    }
    const bytes = Buffer.concat(chunks);
    const seen = { url: message.url ?? '', headers: message.headers, body: bytes.toString() };
    gate.seen.push(seen);
    const on = async ({ date, prefix = '' }: Passing = {}): Promise<void> => {
      const { host: _host, connection: _connection, ...headers } = message.headers;
      const { 'content-length': _length, 'transfer-encoding': _encoding, ...rest } = headers;
      const answer = await fetch(sandbox.url + seen.url, {
        method: message.method ?? 'GET',
        headers: Object.entries(rest).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]),
        body: bytes.length === 0 ? null : bytes,
      });
      const type = answer.headers.get('content-type') ?? '';
      const stamp = date === undefined ? answer.headers.get('date') : new Date(date).toUTCString();
      response.sendDate = false;
      response.writeHead(answer.status, { 'content-type': type, date: stamp ?? '' });
      response.end(Buffer.concat([Buffer.from(prefix), Buffer.from(await answer.arrayBuffer())]));
    };
    await (gate.plan ?? pass)(seen, response, on);
  });
  const gate: Gate = { url: await serve(server), seen: [], plan: null };
  return gate;
}

/** Fails those requests; the others pass. */
const only =
  (fails: (seen: Seen) => boolean, plan: Plan): Plan =>
  (seen, response, on) =>
    fails(seen) ? plan(seen, response, on) : on();

const says =
  (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Plan =>
  (_seen, response) =>
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text);

const saysJson = (body: Json, status = 200, headers: Readonly<Record<string, string>> = {}): Plan =>
  says(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });

/** Sends a head that promises more than comes, and then what `rest` does. */
const halfBody =
  (headers: Readonly<Record<string, string>>, rest: (response: ServerResponse) => void): Plan =>
  (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.write('{"status":"0",', () => rest(response));
  };

const dripping = (response: ServerResponse): void => {
  const timer = setInterval(() => response.write(' '), 50);
  response.once('close', () => clearInterval(timer));
};

// What an attempt costs: five of them where that may help; then one for each half of the window
// and one for a neighbour, to see whether anything answers at all. VOS has days and no halves.
const PROBES = 3;
const RETRIED = 5 + PROBES;
const ONCE = 1 + PROBES;
const VOS_RETRIED = 5 + 1;
const VOS_ONCE = 1 + 1;

interface Row {
  readonly name: string;
  /** Itniotech by default. */
  readonly provider?: ProviderName;
  readonly plan: Plan;
  /** Which requests fail; those for calls by default. */
  readonly fails?: (seen: Seen) => boolean;
  readonly settings?: JsonObject;
  /** Where the account looks for its provider instead. */
  readonly baseUrl?: (gate: Gate) => string;
  readonly class: string;
  readonly code: string;
  /** For pages of calls. */
  readonly requests: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

const SHORT = { timeout: '400ms' };
const TROUBLE = { class: 'transient', code: 'http.trouble', hint: /nothing is lost/i } as const;
const BROKEN = { class: 'transient', code: 'http.broken', requests: RETRIED } as const;
const SLOW = {
  ...{ class: 'transient', code: 'http.timeout', requests: RETRIED, settings: SHORT },
  ...{ message: /no complete answer in time/, hint: /"timeout" of the account/ },
} as const;
const LIMITED = {
  ...{ class: 'rate_limited', code: 'http.rate_limited', requests: 5 },
  ...{ message: /HTTP 429: 请求过于频繁/, hint: /minInterval/ },
} as const;
const tooMany = (headers: Readonly<Record<string, string>> = {}): Plan =>
  saysJson({ message: '请求过于频繁' }, 429, headers);
const LARGE = {
  ...{ class: 'contract', code: 'response.too_large', requests: ONCE },
  ...{ message: /larger than 64 MiB/, hint: /baseUrl/ },
} as const;
const SHAPE = {
  ...{ class: 'contract', code: 'response.shape', requests: ONCE },
  ...{ message: /not what the API promises/, hint: /baseUrl names this provider/ },
} as const;
const ELSEWHERE = { class: 'transient', code: 'http.broken', requests: 0 } as const;

const BEYOND = 65 * 1024 * 1024;

/** Failures of the connection, of a proxy or of a web server. */
const TRANSPORT: readonly Row[] = [
  {
    name: 'refused',
    plan: pass,
    // A port that nothing may listen on by itself.
    baseUrl: () => 'http://127.0.0.1:1/itniotech/voice',
    ...ELSEWHERE,
    message: /ECONNREFUSED/,
    hint: /host and port of baseUrl/,
  },
  {
    name: 'unknown-host',
    plan: pass,
    baseUrl: () => 'http://no-such-host.invalid/itniotech/voice',
    ...ELSEWHERE,
    message: /ENOTFOUND|EAI_AGAIN/,
    hint: /host name is not found/,
  },
  {
    name: 'http-on-https',
    plan: pass,
    baseUrl: ({ url }) => `${url.replace('http:', 'https:')}/itniotech/voice`,
    ...ELSEWHERE,
    message: /the connection failed \(\w+\)/,
    hint: /http and https in baseUrl/,
  },
  {
    name: 'not-http',
    plan: (_seen, response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
    ...BROKEN,
    message: /the connection failed \(HPE_\w+\)/,
    hint: /./,
  },
  {
    name: 'reset',
    plan: (_seen, response) => response.socket?.resetAndDestroy(),
    ...BROKEN,
    message: /ECONNRESET/,
    hint: /the next run goes on/,
  },
  {
    name: 'closed',
    plan: (_seen, response) => response.socket?.end(),
    ...BROKEN,
    message: /the connection (failed|broke)/,
    hint: /the next run goes on/,
  },
  { name: 'no-head', plan: () => undefined, ...SLOW },
  { name: 'no-end', plan: halfBody({ 'content-length': '500' }, () => undefined), ...SLOW },
  { name: 'drip', plan: halfBody({ 'content-length': '500' }, dripping), ...SLOW },
  { name: 'drip-chunked', plan: halfBody({}, dripping), ...SLOW },
  {
    name: 'truncated',
    plan: halfBody({ 'content-length': '500' }, (response) => response.destroy()),
    ...BROKEN,
    message: /the connection (failed|broke)/,
    hint: /the next run goes on/,
  },
  {
    name: 'truncated-chunked',
    plan: halfBody({}, (response) => response.socket?.end()),
    ...BROKEN,
    message: /the connection (failed|broke)/,
    hint: /the next run goes on/,
  },
  {
    // Without a length only the JSON shows that something is missing.
    name: 'truncated-unnoticed',
    plan: says(200, '{"status":"0","data":{'),
    ...{ class: 'contract', code: 'response.not_json', requests: RETRIED },
    message: /the answer is not JSON/,
    hint: /baseUrl names the API/,
  },
  { name: '429', plan: tooMany(), ...LIMITED },
  { name: '429-0', plan: tooMany({ 'retry-after': '0' }), ...LIMITED },
  { name: '429-1', plan: tooMany({ 'retry-after': '1' }), ...LIMITED },
  { name: '429-long', plan: tooMany({ 'retry-after': '100000' }), ...LIMITED, requests: 1 },
  {
    name: '429-date',
    plan: (...request) =>
      tooMany({ 'retry-after': new Date(Date.now() + SECOND).toUTCString() })(...request),
    ...LIMITED,
  },
  {
    name: '429-far-date',
    plan: (...request) =>
      tooMany({ 'retry-after': new Date(Date.now() + HOUR).toUTCString() })(...request),
    ...LIMITED,
    requests: 1,
  },
  { name: '429-garbage', plan: tooMany({ 'retry-after': 'soon, we hope' }), ...LIMITED },
  { name: '408', plan: says(408, ''), ...TROUBLE, requests: RETRIED, message: /HTTP 408$/ },
  {
    name: '500',
    plan: saysJson({ error: '数据库连接失败' }, 500),
    ...TROUBLE,
    requests: RETRIED,
    message: /HTTP 500: 数据库连接失败$/,
  },
  {
    name: '503-1',
    plan: says(503, 'busy', { 'retry-after': '1' }),
    ...TROUBLE,
    requests: RETRIED,
    message: /HTTP 503$/,
  },
  {
    name: '503-long',
    plan: says(503, 'busy', { 'retry-after': '100000' }),
    ...TROUBLE,
    requests: ONCE,
    message: /HTTP 503$/,
  },
  {
    name: '502-html',
    plan: says(502, '<html><h1>Bad Gateway</h1></html>', { 'content-type': 'text/html' }),
    ...TROUBLE,
    requests: RETRIED,
    message: /HTTP 502$/,
  },
  {
    name: 'html',
    plan: says(200, '<!doctype html><title>系统维护中</title>', { 'content-type': 'text/html' }),
    ...{ class: 'contract', code: 'response.html', requests: RETRIED },
    message: /an HTML page, not JSON/,
    hint: /login page or proxy/,
  },
  {
    name: 'empty',
    plan: says(200, ''),
    ...{ class: 'contract', code: 'response.not_json', requests: RETRIED },
    message: /the answer is not JSON/,
    hint: /baseUrl names the API/,
  },
  { name: 'json-array', plan: saysJson([{ status: '0' }]), ...SHAPE },
  { name: 'json-null', plan: saysJson(null), ...SHAPE },
  { name: 'json-text', plan: saysJson('ok'), ...SHAPE },
  { name: 'json-empty', plan: saysJson({}), ...SHAPE },
  {
    name: 'gbk-as-utf8',
    plan: (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' });
      // 中文 in GBK.
      response.end(Buffer.from('{"status":"0","reason":"\xd6\xd0\xce\xc4"}', 'latin1'));
    },
    ...{ class: 'contract', code: 'response.charset', requests: RETRIED },
    message: /not text in utf-8/i,
    hint: /ask it to send UTF-8/,
  },
  {
    name: 'unknown-charset',
    plan: says(200, '{}', { 'content-type': 'application/json;charset=martian' }),
    ...{ class: 'contract', code: 'response.charset', requests: RETRIED },
    message: /not text in martian/,
    hint: /ask it to send UTF-8/,
  },
  {
    name: 'too-large',
    plan: (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(BEYOND, ' '));
    },
    ...LARGE,
  },
  {
    name: 'gzip-bomb',
    plan: (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(BEYOND, ' '), { level: 1 }));
    },
    ...LARGE,
  },
  {
    name: '401',
    plan: saysJson({ msg: '账号已停用' }, 401),
    ...{ class: 'auth', code: 'http.auth', requests: 1 },
    message: /HTTP 401: 账号已停用$/,
    hint: /credentials of this account/,
  },
  {
    name: '403',
    plan: says(403, 'Forbidden'),
    ...{ class: 'auth', code: 'http.auth', requests: 1 },
    message: /HTTP 403$/,
    hint: /this machine's address is allowed/,
  },
  {
    name: '404',
    plan: says(404, 'Not Found'),
    ...{ class: 'contract', code: 'http.refused', requests: ONCE },
    message: /HTTP 404$/,
    hint: /baseUrl \(no endpoint path at its end\)/,
  },
  {
    name: '407',
    plan: says(407, ''),
    ...{ class: 'auth', code: 'http.proxy_auth', requests: 1 },
    message: /HTTP 407$/,
    hint: /user and password in "proxy"/,
  },
];

const infin8linx = (name: string, ret: number, msg: string) =>
  ({
    name: `infin8linx-${name}`,
    provider: 'infin8linx',
    plan: saysJson({ ret, data: [], msg }),
    settings: { credentials: { token: FAKES.infin8linx.token } },
    message: new RegExp(`\\(${ret}\\): ${msg}$`),
  }) as const;
const itniotech = (status: string, reason: string) =>
  ({
    name: `itniotech${status}`,
    provider: 'itniotech',
    plan: saysJson({ status, reason }),
    message: new RegExp(`\\(${status}\\): ${reason}$`),
  }) as const;
const okcc = (error: number | string, msg: string) =>
  ({
    name: `okcc-${error}`,
    provider: 'okcc',
    plan: saysJson({ result: { error, msg }, data: null, logs: null }),
    message: new RegExp(`\\(${error}\\): ${msg}$`),
  }) as const;
const udesk = (code: number, message: string) =>
  ({
    name: `udesk-${code}`,
    provider: 'udesk',
    plan: saysJson({ code, message, visible: false, data: null }),
    message: new RegExp(`\\(${code}\\): ${message}$`),
  }) as const;
const vos = (code: number, message: string) =>
  ({
    name: `vos-${code}`,
    provider: 'vos',
    plan: saysJson({ code, status: 'error', message, data: [] }),
    message: new RegExp(`\\(${code}\\): ${message}$`),
  }) as const;

const CREDENTIALS = {
  class: 'auth',
  code: 'auth.rejected',
  requests: 1,
  hint: /account|login/,
} as const;
const ADDRESS = {
  class: 'auth',
  code: 'auth.address',
  requests: 1,
  hint: /public address/,
} as const;
const PROVIDER_TROUBLE = {
  ...{ class: 'transient', code: 'provider.trouble', requests: RETRIED, hint: /fault of its own/ },
} as const;
const REFUSED = {
  ...{ class: 'contract', code: 'provider.refused', requests: ONCE, hint: /baseUrl/ },
} as const;
const SLOW_DOWN = {
  ...{ class: 'rate_limited', code: 'provider.rate_limited', requests: 5, hint: /minInterval/ },
} as const;

/** The errors that the providers document, in a body sent with 200. */
const IN_BODY: readonly Row[] = [
  { ...infin8linx('400', 400, '非法请求'), ...REFUSED },
  { ...infin8linx('500', 500, '服务器内部错误'), ...PROVIDER_TROUBLE },
  {
    // A token that was handed out by hand cannot be fetched anew.
    ...infin8linx('600', 600, 'token无效'),
    ...{ class: 'auth', code: 'auth.token', requests: 1, hint: /appId and accessKey/ },
  },
  { ...infin8linx('601', 601, '未授权'), ...CREDENTIALS, hint: /authorise/ },
  { ...infin8linx('602', 602, '授权过期'), ...CREDENTIALS, hint: /renew/ },
  { ...infin8linx('603', 603, '模块未授权'), ...CREDENTIALS, hint: /enable the module/ },
  { ...infin8linx('604', 604, 'IP未授权'), ...ADDRESS },
  {
    ...infin8linx('status-1', 200, ''),
    plan: saysJson({ ret: 200, data: { status: 1, desc: '获取失败', code: 1003 }, msg: '' }),
    ...REFUSED,
    message: /\(1003\): 获取失败$/,
  },
  {
    // With a login, one more is tried: then the pages are as many as the logins.
    ...infin8linx('600-again', 600, 'token无效'),
    ...{ settings: {}, class: 'auth', code: 'auth.token', requests: 2, hint: /token/ },
  },
  {
    ...infin8linx('1010-again', 200, ''),
    plan: saysJson({ ret: 200, data: { status: 1, desc: 'token失效', code: 1010 }, msg: '' }),
    ...{ settings: {}, class: 'auth', code: 'auth.token', requests: 2, hint: /token/ },
    message: /\(1010\): token失效$/,
  },
  {
    ...infin8linx('login', 200, ''),
    plan: saysJson({ ret: 200, data: { status: 1, desc: '授权失败', code: 1001 }, msg: '' }),
    ...{ settings: {}, fails: (seen: Seen) => !asksForCalls(seen), ...CREDENTIALS, requests: 0 },
    message: /Login .*refused the credentials \(1001\): 授权失败$/,
  },
  { ...itniotech('-1', '账号认证异常'), ...CREDENTIALS },
  { ...itniotech('-2', 'IP限制'), ...ADDRESS },
  {
    // Signed once more by the clock of the provider.
    ...itniotech('-16', '时间戳过期'),
    ...{ class: 'auth', code: 'auth.clock', requests: 2, hint: /NTP/ },
  },
  { ...itniotech('-18', '系统异常'), ...PROVIDER_TROUBLE },
  { ...itniotech('-22', '参数异常'), ...REFUSED },
  {
    // Of yesterday that cannot be true: nothing may be given up as out of reach.
    ...itniotech('-25', '超出时间范围限制'),
    ...{ class: 'contract', code: 'provider.out_of_reach', requests: ONCE, hint: /no longer/ },
  },
  { ...itniotech('-99', '未知'), ...REFUSED },
  { ...okcc(1, '认证失败'), ...CREDENTIALS, hint: /customer and password/ },
  { ...okcc(4, '数据库操作失败'), ...PROVIDER_TROUBLE },
  { ...okcc(5, '参数错误'), ...REFUSED },
  { ...okcc(8, '请求数据格式错误'), ...REFUSED },
  { ...okcc(10, '不支持的API版本'), ...REFUSED, hint: /V2\.0\.6/ },
  { ...okcc(11, '不支持的API请求'), ...REFUSED, hint: /getCdrList is added/ },
  { ...okcc('0xF1000016', '系统繁忙'), ...PROVIDER_TROUBLE },
  {
    ...okcc('inner', ''),
    plan: saysJson({
      result: { error: 0 },
      data: { response: { result: { error: '5', msg: '坏' } } },
    }),
    ...REFUSED,
    message: /\(5\): 坏$/,
  },
  { ...udesk(400, '每页数量最大100'), ...REFUSED },
  { ...udesk(401, '身份认证失败'), ...CREDENTIALS, hint: /email and secretKey/ },
  { ...udesk(403, '没有权限'), ...CREDENTIALS, hint: /email and secretKey/ },
  { ...udesk(2001, '签名错误'), ...CREDENTIALS, hint: /clock is right/ },
  { ...udesk(429, '请求太频繁'), ...SLOW_DOWN },
  { ...udesk(500, '系统异常'), ...PROVIDER_TROUBLE },
  { ...vos(401, 'Unauthenticated'), ...CREDENTIALS, hint: /userId/ },
  { ...vos(403, '没有权限'), ...CREDENTIALS, hint: /userId/ },
  { ...vos(404, '用户不存在'), ...REFUSED, requests: VOS_ONCE },
  { ...vos(422, '日期格式不正确'), ...REFUSED, requests: VOS_ONCE },
  { ...vos(429, '请求过于频繁'), ...SLOW_DOWN },
  { ...vos(500, 'Server Error'), ...PROVIDER_TROUBLE, requests: VOS_RETRIED },
  {
    // By status too: the provider's own code says more than that the request was refused.
    ...vos(404, 'vos账号不存在'),
    name: 'vos-http-404',
    plan: saysJson({ code: 404, status: 'error', message: 'vos账号不存在', data: [] }, 404),
    ...REFUSED,
    requests: VOS_ONCE,
  },
];

/** Where the store and the provider differ; empty where they agree to the last row. */
function differences(
  store: string,
  id: string,
  sandbox: Sandbox,
  provider: ProviderName,
): string[] {
  const listed = listedRows(sandbox, provider);
  const stored = storedRows(store, id);
  if (listed.length === 0) return [`${id}: an empty world proves nothing`];
  return stored.join() === listed.join()
    ? []
    : [`${id}: ${stored.length} stored, ${listed.length} listed`];
}

const RunRow = z.object({ state: z.string(), error: z.string().nullable(), took: z.int() });

/** The newest run record of an account. */
function runOf({ store }: Workbench, id: string): z.infer<typeof RunRow> {
  const sql = `select state, error, ended_at - started_at as took from runs
    where account_id = ? order by started_at desc limit 1`;
  const [run] = query(store, RunRow, sql, id);
  if (run === undefined) throw new Error(`There is no run of ${id}.`);
  return run;
}

const Span = z.object({ from_at: z.int(), to_at: z.int() });

function spansOf({ store }: Workbench, table: 'windows' | 'holes', id: string): [number, number][] {
  const sql = `select from_at, to_at from ${table} where account_id = ? order by from_at`;
  return query(store, Span, sql, id).map(({ from_at, to_at }) => [from_at, to_at]);
}

const yesterday = (): string => addDays(shanghai.dayOf(Date.now()), -1);

function startOf(day: string): number {
  const at = shanghai.parse(`${day} 00:00:00`)?.at;
  if (at === undefined) throw new Error(`${day} is no day.`);
  return at;
}

it('classes each fault, asks as often as that can help, says why, and goes on from there', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  const { sandbox } = bench;
  const rows = [...TRANSPORT, ...IN_BODY];
  const worlds = await Promise.all(
    rows.map(async (row) => {
      const gate = await openGate(sandbox);
      gate.plan = only(row.fails ?? asksForCalls, row.plan);
      const provider = row.provider ?? 'itniotech';
      return { row, gate, provider, id: row.name };
    }),
  );
  const healthy = PROVIDERS.map((provider) => ({ provider, id: `healthy-${provider}` }));
  // Fails for one second while all others answer, and not in a way that would be given up at once.
  const midnight = startOf(shanghai.dayOf(Date.now()));
  const startAt = `${shanghai.formatWithOffset(midnight - SECOND)}`;
  const second = await openGate(sandbox);
  second.plan = only((seen) => spanAsked(seen)[0] === midnight - SECOND, says(500, ''));
  const configure = async (broken: boolean): Promise<void> => {
    const wells = healthy.flatMap(({ provider, id }) => accountsOf(sandbox, [provider], { id }));
    const accounts = worlds.map(({ row, gate, provider, id }) => {
      const account = gated(gate, sandbox, provider, { id, ...row.settings });
      const baseUrl = broken ? row.baseUrl?.(gate) : undefined;
      // What is slow on purpose is so only while it is broken: the machine may be busy.
      if (!broken) return { ...account, timeout: '30s' };
      return baseUrl === undefined ? account : { ...account, baseUrl };
    });
    const poisoned = gated(second, sandbox, 'itniotech', { id: 'second', startAt });
    await bench.writeConfig({
      store: bench.storeUrl,
      accounts: [...wells, poisoned, ...accounts],
    });
  };
  await configure(true);
  const failing = await bench.start(['--json', '--quiet', 'sync'], NO_JITTER).finished;
  expect(failing.code, failing.stderr).toBe(1);
  const reports = new Map(reportsOf(failing).map((report) => [report.account, report]));

  const told = (text: string | undefined, pattern: RegExp): string =>
    text !== undefined && pattern.test(text) ? `as ${pattern}` : `not as ${pattern}: ${text}`;
  const outcomes = worlds.map(({ row, gate, id }) => {
    const report = reports.get(id);
    const { class: kind, code, message, hint } = report?.error ?? {};
    const requests = gate.seen.filter(asksForCalls).length;
    return [
      ...[id, report?.state, kind, code, requests],
      ...[told(message, row.message), told(hint, row.hint)],
    ];
  });
  const expected = worlds.map(({ row, id }) => [
    ...[id, 'failed', row.class, row.code, row.requests],
    ...[`as ${row.message}`, `as ${row.hint}`],
  ]);
  expect(outcomes).toEqual(expected);

  for (const { row, gate, id } of worlds) {
    const report = reports.get(id);
    // Those that found no server were sent all the same.
    if (row.baseUrl !== undefined) expect([id, report?.requests]).toEqual([id, RETRIED]);
    else expect([id, report?.requests]).toEqual([id, gate.seen.length]);
    const { message = '' } = report?.error ?? {};
    expect([id, message.startsWith(`${id} `)]).toEqual([id, true]);
    // The record of the run says the same, and what is still to be read stays planned as it was.
    const run = runOf(bench, id);
    expect([id, run.state, run.error]).toEqual([id, 'failed', JSON.stringify(report?.error)]);
    expect([id, spansOf(bench, 'holes', id)]).toEqual([id, []]);
    const [first] = spansOf(bench, 'windows', id);
    const day = startOf(yesterday());
    // A run that began just before midnight planned from the day before.
    expect([id, first]).toEqual([id, [day, day + DAY]]);
    expect(countIn(bench.store, 'calls', `account_id = '${id}'`)).toBe(0);
  }

  // Five for the second, one for that before it, and today.
  expect([reports.get('second')?.state, second.seen.length]).toEqual(['incomplete', 7]);
  expect(spansOf(bench, 'holes', 'second')).toEqual([[midnight - SECOND, midnight]]);
  expect(watermarkOf(bench, 'second')).toBeGreaterThan(midnight);

  // The others were neither delayed nor spoilt.
  const longest = Math.max(...worlds.map(({ id }) => runOf(bench, id).took));
  for (const { provider, id } of healthy) {
    expect([id, reports.get(id)?.state]).toEqual([id, 'ok']);
    expect(differences(bench.store, id, sandbox, provider)).toEqual([]);
    expect(runOf(bench, id).took).toBeLessThan(longest / 2);
  }

  for (const { gate } of worlds) gate.plan = null;
  second.plan = null;
  await configure(false);
  // Without names those whose login was refused would be left alone for a while.
  const named = [...worlds, ...healthy, { id: 'second' }].flatMap(({ id }) => ['--account', id]);
  const clean = await bench.run('--json', '--quiet', 'sync', ...named);
  expect(clean.code, clean.stdout).toBe(0);
  expect(
    worlds.flatMap(({ id, provider }) => differences(bench.store, id, sandbox, provider)),
  ).toEqual([]);
  expect(countIn(bench.store, 'holes')).toBe(0);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
});

const CLOCKS = [
  { name: 'ahead', off: DAY, providers: PROVIDERS },
  { name: 'behind', off: -DAY, providers: PROVIDERS },
  {
    name: 'absurd',
    off: Date.UTC(2000, 0) - Date.now(),
    providers: PROVIDERS,
  },
] as const;

it('believes no clock that cannot be right, and skips nothing for it', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  const { sandbox } = bench;
  const worlds = await Promise.all(
    CLOCKS.flatMap(({ name, off, providers }) =>
      providers.map(async (provider) => {
        const gate = await openGate(sandbox);
        gate.plan = (_seen, _response, on) => on({ date: Date.now() + off });
        return { name, off, provider, gate, id: `${name}-${provider}` };
      }),
    ),
  );
  const accounts = worlds.map(({ gate, provider, id }) => gated(gate, sandbox, provider, { id }));
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const first = await bench.run('--json', '--quiet', 'sync');
  expect(first.code, first.stdout).toBe(1);
  const reports = new Map(reportsOf(first).map((report) => [report.account, report]));
  for (const { name, off, provider, gate, id } of worlds) {
    const report = reports.get(id);
    const absurd = name === 'absurd';
    expect([id, report?.state, report?.error?.code]).toEqual(
      absurd ? [id, 'failed', 'provider.clock'] : [id, 'ok', undefined],
    );
    const settled = Date.now() + Math.min(0, off) - MINUTE + 2 * SECOND;
    if (!absurd) expect(watermarkOf(bench, id)).toBeLessThanOrEqual(settled);
    if (absurd) {
      expect([id, gate.seen.filter(asksForCalls).length]).toEqual([id, 1]);
      expect(report?.error).toMatchObject({ class: 'contract' });
      expect(report?.error?.message).toMatch(
        /the provider's clock \(its Date header\) is .+ behind/,
      );
      expect(report?.error?.hint).toMatch(/set its clock/);
      expect(countIn(bench.store, 'calls', `account_id = '${id}'`)).toBe(0);
    }
    if (name === 'ahead') expect(differences(bench.store, id, sandbox, provider)).toEqual([]);
  }
  expect(countIn(bench.store, 'holes')).toBe(0);
  for (const { gate } of worlds) gate.plan = null;
  // The first request shows that the clock is right again, and the next poll reads up to it.
  for (let poll = 0; poll < 2; poll += 1) {
    const { code, stdout } = await bench.run('--json', '--quiet', 'sync');
    expect(code, stdout).toBe(0);
  }
  expect(
    worlds.flatMap(({ id, provider }) => differences(bench.store, id, sandbox, provider)),
  ).toEqual([]);
});

/** The span that a request asks for, as its local times say, whatever the provider calls them. */
function spanAsked({ url, body }: Seen): [number, number] {
  const text = decodeURIComponent(url.replaceAll('+', ' ')) + body;
  const times = [...text.matchAll(/(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/g)].map(
    ([, day, time]) => shanghai.parse(`${day} ${time}`)?.at ?? Number.NaN,
  );
  return [Math.min(...times), Math.max(...times)];
}

const SPANNED = ['infin8linx', 'itniotech', 'okcc', 'udesk'] as const;

it.each([
  // The second itself; where a range includes its end, the one before asks for it, too.
  [false, [0]],
  [true, [-1, 0]],
])(
  'narrows down what a provider always fails on (ends included: %s), and fills it when it heals',
  async (endInclusive, lost) => {
    const bench = await openWorkbench({
      sandbox: {
        days: 1,
        callsPerDay: 20,
        providers: {
          infin8linx: { endInclusive },
          itniotech: { endInclusive },
          okcc: { endInclusive },
          udesk: { endInclusive },
        },
      },
    });
    const { sandbox } = bench;
    const poison = startOf(yesterday()) + 11 * HOUR + 22 * MINUTE + 33 * SECOND;
    for (const provider of PROVIDERS) {
      sandbox.insert(provider, freshRow(sandbox, provider, poison));
      sandbox.insert(provider, freshRow(sandbox, provider, poison - SECOND, 2));
      sandbox.insert(provider, freshRow(sandbox, provider, poison + SECOND, 3));
    }
    const worlds = await Promise.all(
      SPANNED.map(async (provider) => {
        const gate = await openGate(sandbox);
        gate.plan = only((seen) => {
          const [from, to] = spanAsked(seen);
          return (
            asksForCalls(seen) && from <= poison && (endInclusive ? poison <= to : poison < to)
          );
        }, saysJson(null));
        return { provider, gate, id: `poisoned-${provider}` };
      }),
    );
    const accounts = worlds.map(({ gate, provider, id }) => gated(gate, sandbox, provider, { id }));
    await bench.writeConfig({ store: bench.storeUrl, accounts });
    const result = await bench.run('--json', '--quiet', 'sync');
    expect(result.code, result.stderr).toBe(1);
    for (const report of reportsOf(result)) {
      const { account, state, error, holes, requests } = report;
      expect([account, state, error, holes]).toEqual([account, 'incomplete', null, lost.length]);
      expect([account, spansOf(bench, 'holes', account)]).toEqual([
        account,
        lost.map((second) => [poison + second * SECOND, poison + (second + 1) * SECOND]),
      ]);
      const day = report.days.find((one) => one.day === yesterday());
      expect([account, day?.state]).toEqual([account, 'incomplete']);
      expect(requests).toBeLessThan(150);
    }
    for (const { provider, id } of worlds) {
      const at = (row: JsonObject): boolean => instantOf(provider, row) === poison;
      const missing = sandbox.rows(provider).filter(at).length;
      expect(missing).toBeGreaterThan(0);
      const stored = storedRows(bench.store, id);
      expect([id, stored.length]).toEqual([id, sandbox.rows(provider).length - missing]);
    }
    for (const { gate } of worlds) gate.plan = null;
    const healed = await bench.run('--json', '--quiet', 'sync');
    expect(healed.code, healed.stdout).toBe(0);
    expect(
      worlds.flatMap(({ id, provider }) => differences(bench.store, id, sandbox, provider)),
    ).toEqual([]);
    expect(countIn(bench.store, 'holes')).toBe(0);
  },
);

it('follows no redirect, and hands nobody the credentials', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  const { sandbox } = bench;
  const trap = await openGate(sandbox);
  const worlds = await Promise.all(
    [301, 302, 307, 308].flatMap((status) =>
      PROVIDERS.map(async (provider) => {
        const gate = await openGate(sandbox);
        gate.plan = only(asksForCalls, ({ url }, response) =>
          response.writeHead(status, { location: trap.url + url }).end(),
        );
        return { status, provider, gate, id: `${status}-${provider}` };
      }),
    ),
  );
  const accounts = worlds.map(({ gate, provider, id }) => gated(gate, sandbox, provider, { id }));
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const result = await bench.run('--json', '--quiet', 'sync');
  expect(result.code, result.stderr).toBe(1);
  for (const { account, state, error } of reportsOf(result)) {
    expect([account, state]).toEqual([account, 'failed']);
    expect(error).toMatchObject({ class: 'contract', code: 'http.redirect' });
    expect(error?.message).toMatch(/: HTTP 30[1278]: redirected$/);
    expect(error?.hint).toContain(`(it names ${new URL(trap.url).host})`);
  }
  expect(trap.seen).toEqual([]);
  for (const { id, gate } of worlds) {
    expect([id, gate.seen.filter(asksForCalls).length]).toEqual([id, 1]);
  }
  for (const { gate } of worlds) gate.plan = null;
  const clean = await bench.run('--json', '--quiet', 'sync');
  expect(clean.code, clean.stdout).toBe(0);
  expect(
    worlds.flatMap(({ id, provider }) => differences(bench.store, id, sandbox, provider)),
  ).toEqual([]);
});

/** Follows the plan for one request for calls, the second. */
function second(plan: Plan): Plan {
  let count = 0;
  return only((seen) => {
    if (!asksForCalls(seen)) return false;
    count += 1;
    return count === 2;
  }, plan);
}

it('mends within the run what can be mended', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  const { sandbox } = bench;
  const expired = { ret: 600, data: [], msg: 'token无效' };
  const gone = { ret: 200, data: { status: 1, desc: 'token失效', code: 1010 }, msg: '' };
  const mended: readonly (readonly [string, ProviderName, Plan])[] = [
    ['600', 'infin8linx', second(saysJson(expired))],
    ['1010', 'infin8linx', second(saysJson(gone))],
    ['minus-16', 'itniotech', second(saysJson({ status: '-16', reason: '时间戳过期' }))],
    ['500', 'itniotech', second(says(500, ''))],
    ['reset', 'okcc', second((_seen, response) => response.socket?.resetAndDestroy())],
    ['truncated', 'udesk', second(halfBody({}, (response) => response.destroy()))],
    ['html', 'vos', second(says(200, '<html>login</html>'))],
    ...PROVIDERS.map((name): readonly [string, ProviderName, Plan] => [
      `bom-${name}`,
      name,
      (_seen, _response, on) => on({ prefix: '\uFEFF' }),
    ]),
  ];
  const worlds = await Promise.all(
    mended.map(async ([id, provider, plan]) => {
      const gate = await openGate(sandbox);
      gate.plan = plan;
      return { id, provider, gate };
    }),
  );
  // Its clock is beyond what it tolerates: each request is signed by its own.
  const otherClock = await bench.addSandbox({ days: 1, callsPerDay: 20, clockSkew: 10 * MINUTE });
  // Chinese, in GBK, and declared so.
  const chinese = await bench.addSandbox({ days: 1, callsPerDay: 20 });
  for (const provider of PROVIDERS) chinese.setFaults(provider, { rate: 1, kinds: ['gbk'] });
  const gbk = PROVIDERS.map((provider) => ({ id: `gbk-${provider}`, provider }));
  await bench.writeConfig({
    store: bench.storeUrl,
    accounts: [
      ...worlds.map(({ id, provider, gate }) => gated(gate, sandbox, provider, { id })),
      ...accountsOf(otherClock, ['itniotech'], { id: 'clock' }),
      ...gbk.flatMap(({ id, provider }) => accountsOf(chinese, [provider], { id })),
    ],
  });
  const result = await bench.run('--json', '--quiet', 'sync');
  expect(result.code, result.stdout).toBe(0);
  expect(
    worlds.flatMap(({ id, provider }) => differences(bench.store, id, sandbox, provider)),
  ).toEqual([]);
  expect(
    gbk.flatMap(({ id, provider }) => differences(bench.store, id, chinese, provider)),
  ).toEqual([]);
  expect(storedRows(bench.store, 'gbk-udesk').join()).toContain('坐席');
  expect(differences(bench.store, 'clock', otherClock, 'itniotech')).toEqual([]);
  const [refused, ...signed] = pagesAsked(otherClock.requests);
  const offBy = ({ headers, at }: RequestLog): number =>
    Math.abs(Number(headers['timestamp']) * SECOND - at);
  if (refused === undefined) throw new Error('Nothing was asked.');
  expect(offBy(refused)).toBeGreaterThan(9 * MINUTE);
  // Refused once in all: what was learnt holds for the run.
  for (const request of signed) expect(offBy(request)).toBeLessThan(5 * SECOND);
  const logins = (id: string): number =>
    worlds
      .filter((world) => world.id === id)
      .flatMap(({ gate }) => gate.seen)
      .filter((seen) => !asksForCalls(seen)).length;
  expect([logins('600'), logins('1010')]).toEqual([2, 2]);
});

it('lets nobody wait for servers that hang', async () => {
  const bench = await openWorkbench({ sandbox: { days: 1, callsPerDay: 20 } });
  const { sandbox } = bench;
  const hanging: readonly (readonly [string, Plan])[] = [
    ['no-head', () => undefined],
    ['no-end', halfBody({ 'content-length': '500' }, () => undefined)],
    ['drip', halfBody({}, dripping)],
    ['503', says(503, '', { 'retry-after': '50' })],
    ['429', tooMany({ 'retry-after': '50' })],
  ];
  const worlds = await Promise.all(
    hanging.map(async ([id, plan]) => {
      const gate = await openGate(sandbox);
      gate.plan = only(asksForCalls, plan);
      return { id, gate };
    }),
  );
  const ill = worlds.map(({ id, gate }) => gated(gate, sandbox, 'udesk', { id }));
  const wells = accountsOf(sandbox, PROVIDERS);
  await bench.writeConfig({
    store: bench.storeUrl,
    accounts: [...ill.slice(0, 3), ...wells, ...ill.slice(3)],
  });
  const started = Date.now();
  const result = await bench.run('--json', '--quiet', 'sync', '--max-time', '3s');
  expect(Date.now() - started).toBeLessThan(12 * SECOND);
  expect(result.code, result.stderr).toBe(1);
  const states = new Map(reportsOf(result).map(({ account, state }) => [account, state]));
  for (const { id, gate } of worlds) {
    expect([id, states.get(id), runOf(bench, id).state]).toEqual([id, 'incomplete', 'stopped']);
    expect([id, gate.seen.filter(asksForCalls).length]).toEqual([id, 1]);
  }
  for (const provider of PROVIDERS) {
    const id = `demo-${provider}`;
    expect([id, states.get(id)]).toEqual([id, 'ok']);
    expect(differences(bench.store, id, sandbox, provider)).toEqual([]);
    // Their own work takes a fraction of a second; they had ended before anything was cut short.
    expect(runOf(bench, id).took).toBeLessThan(2.5 * SECOND);
  }
});
