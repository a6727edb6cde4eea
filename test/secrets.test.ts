import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { isObject, type JsonObject } from '../src/json.ts';
import type { RequestLog } from '../src/sandbox/contract.ts';
import { FAKES } from '../src/sandbox/fakes.ts';
import type { Faults } from '../src/sandbox/faults.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import {
  accountsOf,
  type Finished,
  NO_JITTER,
  openWorkbench,
  reportsOf,
  type Workbench,
} from './support/workbench.ts';

// Whatever goes wrong, and however much is logged: no secret, no signature, no query string, no number.

vi.setConfig({ testTimeout: 90_000 });

const KINDS = [
  ...(['reset', 'timeout', '429', '500', '503', 'html', 'empty', 'redirect', 'auth'] as const),
  ...(['system', 'truncated', 'slow', 'bom', 'gbk', 'gzip-bomb'] as const),
] as const satisfies readonly NonNullable<Faults['kinds']>[number][];

const SECRETS: readonly string[] = [
  FAKES.infin8linx.accessKey,
  FAKES.infin8linx.token,
  FAKES.itniotech.apiKey,
  FAKES.itniotech.apiSecret,
  FAKES.okcc.password,
  FAKES.udesk.secretKey,
  FAKES.vos.token,
];

/** Characters that are written otherwise in a URL, in JSON and in base64. */
const WRONG = {
  accessKey: 'wrong/key+of "ours" & 1%',
  token: 'wrong/token+of~ours & 2%',
  apiSecret: 'wrong/api+secret "x" & 3%',
  password: 'wrong/pass+word "y" & 4%',
  secretKey: 'wrong/secret+key "z" & 5%',
  bearer: 'wrong/bearer+token-6',
};

/** What a request was signed with. */
function signaturesOf({ parameters, headers }: RequestLog): string[] {
  const { authentication, sign, token } = parameters;
  const digest = isObject(authentication) ? authentication['digest'] : undefined;
  const bearer = headers.authorization?.replace(/^Bearer /, '');
  const values: unknown[] = [sign, token, digest, headers['sign'], bearer];
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

async function leftBehind({ folder }: Workbench): Promise<[string, Buffer][]> {
  const names = (await readdir(folder)).filter((name) => name !== 'worker.config.json');
  return Promise.all(
    names.map(
      async (name): Promise<[string, Buffer]> => [name, await readFile(join(folder, name))],
    ),
  );
}

async function expectNothingTold(
  bench: Workbench,
  results: readonly Finished[],
  requests: readonly RequestLog[],
  secrets: readonly string[],
): Promise<void> {
  const signatures = requests.flatMap(signaturesOf);
  expect(signatures.length).toBeGreaterThan(0);
  const forms = new Set([...secrets, ...signatures].flatMap(formsOf));
  const texts = results.flatMap(({ stdout, stderr }, index): [string, Buffer][] => [
    [`stdout of run ${index}`, Buffer.from(stdout)],
    [`stderr of run ${index}`, Buffer.from(stderr)],
  ]);
  const files = await leftBehind(bench);
  expect(files.map(([name]) => name)).toContain('cdrsync.db');
  const told = [...texts, ...files].flatMap(([name, bytes]) =>
    [...forms].filter((form) => bytes.includes(form)).map((form) => `${name}: ${form}`),
  );
  expect(told).toEqual([]);
  for (const { stdout, stderr } of results) {
    expect(stdout + stderr).not.toMatch(/[?&](sign|timestamp|email|startTime|time)=/);
    // The numbers of customers are not for logs; the list of an export is another matter.
    expect(stderr).not.toMatch(/\b154000\d{5}\b/);
  }
}

it('tells nothing when everything goes wrong all the time', async () => {
  const bench = await openWorkbench();
  const worlds = await Promise.all(
    KINDS.map(async (kind) => ({
      kind,
      sandbox: await bench.addSandbox({ days: 1, callsPerDay: 5 }),
    })),
  );
  const accounts = worlds.flatMap(({ kind, sandbox }) =>
    PROVIDERS.flatMap((provider) => {
      // Udesk is asked for its names first; all attempts at those would only take time.
      const script = provider === 'udesk' ? [null] : [];
      sandbox.setFaults(provider, { script, rate: 1, kinds: [kind], slowFor: 2000 });
      // Short only where the time is to run out: the machine may be busy.
      const timeout = kind === 'timeout' || kind === 'slow' ? '500ms' : '30s';
      return accountsOf(sandbox, [provider], { id: `${kind}-${provider}`, timeout });
    }),
  );
  const [fixed = {}] = accountsOf(bench.sandbox, ['infin8linx'], {
    credentials: { token: FAKES.infin8linx.token },
    id: 'fixed',
  });
  await bench.writeConfig({ store: bench.storeUrl, accounts: [...accounts, fixed] });
  const args = ['--log-level', 'trace', '--json', 'sync'];
  const failing = await bench.start(args, NO_JITTER).finished;
  expect(failing.code).toBe(1);
  const fine = ['bom', 'gbk'];
  for (const { account, state, error } of reportsOf(failing)) {
    const well = account === 'fixed' || fine.some((kind) => account.startsWith(kind));
    expect([account, state]).toEqual([account, well ? 'ok' : 'failed']);
    if (error === null) continue;
    expect(error.message).toContain(account);
    expect(error.message.length).toBeLessThan(400);
    expect(error.code, account).not.toBe('internal');
    expect(error.hint).not.toBe('');
  }
  for (const { sandbox } of worlds) {
    expect(sandbox.stats()['redirectsFollowed']).toBe(0);
    for (const provider of PROVIDERS) sandbox.setFaults(provider, null);
  }
  const text = await bench.run('--log-level', 'trace', 'status');
  const alone = await bench.run('--log-level', 'trace', 'sync');
  expect(alone.stdout).toContain('not asked');
  const named = reportsOf(failing).flatMap(({ account }) => ['--account', account]);
  const well = await bench.run('--log-level', 'trace', 'sync', ...named);
  expect(well.code, well.stdout).toBe(0);
  const requests = [bench.sandbox, ...worlds.map(({ sandbox }) => sandbox)].flatMap(
    (sandbox) => sandbox.requests,
  );
  await expectNothingTold(bench, [failing, text, alone, well], requests, SECRETS);
});

it('tells nothing of credentials that are wrong', async () => {
  const bench = await openWorkbench({ sandbox: { providers: { udesk: { refusal: 'http' } } } });
  const credentials: readonly (readonly [(typeof PROVIDERS)[number], JsonObject])[] = [
    ['infin8linx', { appId: 'sandbox-app', accessKey: WRONG.accessKey }],
    ['infin8linx', { token: WRONG.token }],
    ['itniotech', { apiKey: FAKES.itniotech.apiKey, apiSecret: WRONG.apiSecret }],
    ['okcc', { customer: 'C2', password: WRONG.password }],
    ['udesk', { email: 'sandbox@example.com', secretKey: WRONG.secretKey }],
    ['vos', { token: WRONG.bearer }],
  ];
  const accounts = credentials.flatMap(([provider, own], index) =>
    accountsOf(bench.sandbox, [provider], { id: `wrong-${index}`, credentials: own }),
  );
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const result = await bench.run('--log-level', 'trace', '--json', 'sync');
  expect(result.code).toBe(1);
  for (const { account, state, error } of reportsOf(result)) {
    expect([account, state, error?.class]).toEqual([account, 'failed', 'auth']);
  }
  const status = await bench.run('--log-level', 'trace', 'status');
  await expectNothingTold(bench, [result, status], bench.sandbox.requests, Object.values(WRONG));
});

it('tells nothing of a configuration that cannot be used', async () => {
  const bench = await openWorkbench();
  const [okcc = {}] = accountsOf(bench.sandbox, ['okcc']);
  const [vos = {}] = accountsOf(bench.sandbox, ['vos']);
  await bench.writeConfig({
    accounts: [
      { ...okcc, credentials: { customer: 'C2', password: WRONG.password, user: WRONG.accessKey } },
      { ...vos, baseUrl: `https://me:${FAKES.vos.token}@example.com/?token=${WRONG.bearer}` },
      { ...vos, credentials: { tokn: WRONG.token }, proxy: `socks5://me:${WRONG.bearer}@proxy` },
    ],
  });
  for (const args of [['sync'], ['--json', 'status'], ['--log-level', 'trace', 'export']]) {
    const { code, stdout, stderr } = await bench.run(...args);
    expect(code).toBe(2);
    const told = [...SECRETS, ...Object.values(WRONG)]
      .flatMap(formsOf)
      .filter((form) => (stdout + stderr).includes(form));
    expect(told).toEqual([]);
  }
});
