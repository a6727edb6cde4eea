import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkText } from '../src/config/check-text.ts';
import { type AccountConfig, type Config, ConfigError, loadConfig } from '../src/config/config.ts';
import type { Environment, Problem } from '../src/config/interpolate.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../src/time.ts';

/** Whatever is wrong with a configuration is said at once, each problem at its path. */

/** Where the configuration takes a value from: a variable's name, or `file:PATH`. */
const from = (source: string): string => `\${${source}}`;

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdrsync-config-'));
  path = join(folder, 'worker.config.json');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ITNIO = {
  id: 'itnio-hk',
  provider: 'itniotech',
  baseUrl: 'https://api.example.com/voice',
  credentials: { apiKey: 'key-itnio', apiSecret: 'secret-itnio' },
};
const OKCC = {
  id: 'okcc-1',
  provider: 'okcc',
  baseUrl: 'https://okcc.example.com/openapi/V2.0.6',
  credentials: { customer: 'C2', password: 'password-okcc' },
};
const INFIN8 = {
  id: 'infin8-1',
  provider: 'infin8linx',
  baseUrl: 'https://infin8.example.com/api/',
  credentials: { appId: 'app-1', accessKey: 'key-infin8' },
};
const UDESK = {
  id: 'udesk-1',
  provider: 'udesk',
  baseUrl: 'https://udesk.example.com/api',
  credentials: { email: 'a@example.com', secretKey: 'secret-udesk' },
};
const VOS = {
  id: 'vos-1',
  provider: 'vos',
  baseUrl: 'https://vos.example.com',
  credentials: { token: 'token-vos' },
  options: { userId: '7', vosAccountId: 12 },
};

function load(config: unknown, environment: Environment = {}): Config {
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return loadConfig(path, environment);
}

function loadAccount(change: object, environment: Environment = {}): AccountConfig {
  const [account] = load({ accounts: [{ ...ITNIO, ...change }] }, environment).accounts;
  return account ?? expect.fail('there is no account');
}

function failure(config: unknown, environment: Environment = {}): ConfigError {
  try {
    load(config, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  return expect.fail('it was accepted');
}

/** Its problems, none where it is accepted. */
function outcome(config: unknown): { readonly problems: readonly Problem[] } {
  return checkText(JSON.stringify(config), folder, {});
}

/** The problems of an account that is right but for this change, their paths within the account. */
function problemsOf(change: object, environment: Environment = {}): readonly Problem[] {
  const { problems } = failure({ accounts: [{ ...ITNIO, ...change }] }, environment);
  return problems.map((problem) => ({
    ...problem,
    path: problem.path.replace(/^accounts\[0\]\.?/, ''),
  }));
}

const pathsOf = (problems: readonly Problem[]): readonly string[] =>
  problems.map((problem) => problem.path).sort();

describe('a configuration', () => {
  test('of nothing but accounts is complete by its defaults', () => {
    const config = load({ accounts: [ITNIO] });
    expect(config).toMatchObject({
      path,
      store: `sqlite:${join(folder, 'data', 'cdrsync.db')}`,
      queue: 'embedded',
      http: { host: '127.0.0.1', port: 8787, token: null },
      warnings: [],
    });
    expect(config.accounts).toHaveLength(1);
    expect(config.accounts[0]).toMatchObject({
      id: 'itnio-hk',
      baseUrl: 'https://api.example.com/voice',
      clock: { zone: 'Asia/Shanghai' },
      connector: { provider: 'itniotech' },
      startAt: null,
      every: 5 * MINUTE,
      lookback: 2 * HOUR,
      settle: MINUTE,
      windowDays: 1,
      audit: [DAY, 3 * DAY, 7 * DAY],
      minInterval: 0,
      timeout: 30 * SECOND,
      proxy: null,
      ca: null,
    });
  });

  test.each([
    [ITNIO, 5 * MINUTE, 0],
    [OKCC, 5 * MINUTE, 0],
    [INFIN8, 5 * MINUTE, 0],
    [UDESK, 5 * MINUTE, SECOND],
    [VOS, HOUR, 0],
  ])('polls $provider as often as it bears', (entry, every, minInterval) => {
    expect(load({ accounts: [entry] }).accounts[0]).toMatchObject({ every, minInterval });
    const own = { ...entry, every: '42s', minInterval: '7s' };
    expect(load({ accounts: [own] }).accounts[0]).toMatchObject({
      every: 42 * SECOND,
      minInterval: 7 * SECOND,
    });
  });

  test('sets what it sets', () => {
    mkdirSync(join(folder, 'tls'));
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    writeFileSync(join(folder, 'tls', 'ca.pem'), pem);
    const config = load({
      $schema: './worker.config.schema.json',
      store: 'sqlite:../elsewhere/calls.db',
      queue: 'redis://localhost:6379',
      http: { listen: '[::]:9000', token: 'token-http-long-enough' },
      accounts: [
        {
          ...ITNIO,
          timeZone: 'Europe/London',
          lookback: '0s',
          settle: '500ms',
          window: '31d',
          audit: [],
          timeout: '2m',
          currency: 'EUR',
          proxy: false,
          ca: 'tls/ca.pem',
        },
      ],
    });
    expect(config).toMatchObject({
      store: `sqlite:${join(folder, '..', 'elsewhere', 'calls.db')}`,
      queue: 'redis://localhost:6379',
      http: { host: '::', port: 9000, token: 'token-http-long-enough' },
    });
    expect(config.accounts[0]).toMatchObject({
      clock: { zone: 'Europe/London' },
      lookback: 0,
      settle: 500,
      windowDays: 31,
      audit: [],
      timeout: 2 * MINUTE,
      proxy: false,
      ca: pem,
    });
  });

  test('may begin with a byte order mark', () => {
    expect(load(`\uFEFF${JSON.stringify({ accounts: [ITNIO] })}`).accounts).toHaveLength(1);
  });

  test('cannot be changed once it is read', () => {
    expect(Object.isFrozen(load({ accounts: [ITNIO] }))).toBe(true);
  });
});

describe('the beginning of history', () => {
  test.each([
    ['2026-10-01', 'Asia/Shanghai', '2026-09-30T16:00:00Z'],
    ['2026-10-01', 'America/New_York', '2026-10-01T04:00:00Z'],
    ['2026-10-01', 'UTC', '2026-10-01T00:00:00Z'],
    ['2026-10-01T08:00:00+02:00', 'Asia/Shanghai', '2026-10-01T06:00:00Z'],
    ['2026-10-01T08:00Z', 'Asia/Shanghai', '2026-10-01T08:00:00Z'],
    ['2026-10-01T08:00:00.750Z', 'Asia/Shanghai', '2026-10-01T08:00:00Z'],
  ])('%s in %s is %s', (startAt, timeZone, at) => {
    expect(loadAccount({ startAt, timeZone }).startAt).toBe(Date.parse(at));
  });

  test.each([
    '2026-02-29',
    '2026-02-29T00:00:00Z',
    '2026-10-01T08:00:00',
    '2026-10-01 08:00:00+08:00',
    '2026-10-01T25:00:00Z',
    '01.10.2026',
    'yesterday',
    '',
    1_790_000_000,
    null,
  ])('is not %j', (startAt) => {
    expect(pathsOf(problemsOf({ startAt }))).toEqual(['startAt']);
  });
});

describe('a problem', () => {
  test('does not hide the others', () => {
    const { problems, message, fault } = failure(
      {
        stores: 'sqlite:x.db',
        queue: 'amqp://localhost',
        http: { listen: 'everywhere', tokens: 'x' },
        accounts: [
          { ...ITNIO, id: 'a b', timeZone: 'CST', every: '5 minutes', colour: 'red' },
          { ...OKCC, credentials: { customer: 'C2', passwort: 'x' }, startAt: 'yesterday' },
          { ...UDESK, provider: 'twilio', baseUrl: 'ftp://example.com' },
          { ...VOS, options: { vosAccountId: 1 }, window: '36h' },
          { ...INFIN8, id: 'okcc-1', credentials: { appId: 'a', accessKey: from('NO_SUCH') } },
          'not an account',
        ],
      },
      {},
    );
    expect(pathsOf(problems)).toEqual(
      [
        'accounts[0].colour',
        'accounts[0].every',
        'accounts[0].id',
        'accounts[0].timeZone',
        'accounts[1].credentials.password',
        'accounts[1].credentials.passwort',
        'accounts[1].startAt',
        'accounts[2].baseUrl',
        'accounts[2].provider',
        'accounts[3].options.userId',
        'accounts[3].window',
        'accounts[4].credentials.accessKey',
        'accounts[4].id',
        'accounts[5]',
        'http.listen',
        'http.tokens',
        'queue',
        'stores',
      ].sort(),
    );
    expect(fault).toMatchObject({ class: 'config', code: 'config.invalid' });
    // The message shows them all, under the name of the file.
    expect(message.startsWith(`${path} cannot be used:`)).toBe(true);
    for (const problem of problems) expect(message).toContain(`${problem.path}: `);
  });

  test('of an unknown key is one at every level', () => {
    const unknown = { path: '', message: 'is not a known setting' };
    const { problems } = failure({
      extra: 1,
      http: { extra: 1 },
      accounts: [
        {
          ...ITNIO,
          extra: 1,
          credentials: { ...ITNIO.credentials, extra: 1 },
          options: { extra: 1 },
        },
      ],
    });
    const paths = [
      'accounts[0].credentials.extra',
      'accounts[0].extra',
      'accounts[0].options.extra',
    ];
    expect([...problems].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      [...paths, 'extra', 'http.extra'].map((at) => ({ ...unknown, path: at })),
    );
  });

  test('of a provider that does not exist names those that do', () => {
    const [problem] = problemsOf({ provider: 'twilio' });
    expect(problem).toEqual({
      path: 'provider',
      message: '"twilio" is no provider (there are infin8linx, itniotech, okcc, udesk, vos)',
    });
  });

  test.each([
    [{}, ['accounts']],
    [{ accounts: [] }, ['accounts']],
    [{ accounts: {} }, ['accounts']],
    [{ accounts: [ITNIO], store: 'mysql://x' }, ['store']],
    [{ accounts: [ITNIO], store: 'sqlite:' }, ['store']],
    [{ accounts: [ITNIO], store: 'postgres://localhost/' }, ['store']],
    [{ accounts: [ITNIO], queue: 'redis://' }, ['queue']],
    [{ accounts: [ITNIO], http: { listen: '8787' } }, ['http.listen']],
    [{ accounts: [ITNIO], http: { token: '' } }, ['http.token']],
    [[], ['']],
    ['null', ['']],
    ['"text"', ['']],
  ])('is in %j', (config, paths) => {
    expect(pathsOf(failure(config).problems)).toEqual(paths);
  });

  test.each([
    [{ id: undefined }, ['id']],
    [{ id: '' }, ['id']],
    [{ id: '-a' }, ['id']],
    [{ id: 'a'.repeat(65) }, ['id']],
    [{ id: 'a/b' }, ['id']],
    [{ provider: undefined }, ['provider']],
    [{ baseUrl: undefined }, ['baseUrl']],
    [{ credentials: undefined }, ['credentials']],
    [{ credentials: 'key' }, ['credentials']],
    [{ credentials: {} }, ['credentials.apiKey', 'credentials.apiSecret']],
    [{ credentials: { apiKey: '', apiSecret: 'x' } }, ['credentials.apiKey']],
    [{ credentials: { apiKey: 5, apiSecret: 'x' } }, ['credentials.apiKey']],
    [{ currency: 'yuan' }, ['currency']],
    [{ proxy: true }, ['proxy']],
    [{ proxy: 'socks5://localhost' }, ['proxy']],
    [{ ca: 'none.pem' }, ['ca']],
    [{ audit: '1d' }, ['audit']],
    [{ audit: ['1d', '1h'] }, ['audit[1]']],
  ])('of an account is in %j', (change, paths) => {
    expect(pathsOf(problemsOf(change))).toEqual(paths);
  });

  test.each<[object, string, string]>([
    [{ timeZone: 8 }, 'timeZone', 'must be text'],
    [{ currency: [] }, 'currency', 'must be text'],
    [{ audit: '1d' }, 'audit', 'must be a list'],
    [{ every: null }, 'every', 'must be a duration such as 500ms, 90s, 5m, 2h or 1d'],
    [{ credentials: { apiKey: 5, apiSecret: 'x' } }, 'credentials.apiKey', 'must be text'],
    [{ credentials: { apiKey: '', apiSecret: 'x' } }, 'credentials.apiKey', 'must not be empty'],
    [{ credentials: { apiKey: 'x' } }, 'credentials.apiSecret', 'is missing'],
    [
      { ...VOS, options: { userId: '7', vosAccountId: null } },
      'options.vosAccountId',
      'must be text or a whole number',
    ],
  ])('of the wrong kind is told in plain words: %j', (change, at, message) => {
    expect(problemsOf(change)).toEqual([{ path: at, message }]);
  });

  test.each(['http', 'accounts', 'store', 'queue', '$schema'])(
    'of %s of the wrong kind is in no words of a library',
    (key) => {
      for (const value of [5, true, null, [], {}, '']) {
        const { problems } = outcome({ accounts: [ITNIO], [key]: value });
        for (const { message } of problems) expect(message).not.toMatch(/input|expected|received/i);
      }
    },
  );

  test('of a key that stands twice is one at every level, and names it', () => {
    const entry = JSON.stringify(ITNIO);
    const twice = entry.replace('"apiKey":', '"apiKey":"first","api\\u004bey":');
    const { problems } = failure(
      `{"store": "sqlite:a.db", "accounts": [${entry}, ${twice.replace('itnio-hk', 'b')}], "x": {"store": 1}, "store": "sqlite:b.db"}`,
    );
    const message = 'is set more than once';
    expect(problems.filter((problem) => problem.message === message)).toEqual([
      { path: 'accounts[1].credentials.apiKey', message },
      { path: 'store', message },
    ]);
    // The same key in two objects, and the same text as a value, are none.
    const value = JSON.stringify({ ...OKCC, credentials: { customer: 'id', password: 'id' } });
    expect(load(`{"accounts": [${entry}, ${value}]}`).accounts).toHaveLength(2);
  });

  test('of credentials in two ways, half of each, is one', () => {
    const { problems } = failure({ accounts: [{ ...INFIN8, credentials: { appId: 'a' } }] });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe('accounts[0].credentials');
  });

  test.each(['CST', 'Asia/Beijing', 'PRC ', '+08:00', 'local', '', 8])(
    'is the zone %j',
    (timeZone) => {
      expect(pathsOf(problemsOf({ timeZone }))).toEqual(['timeZone']);
    },
  );

  test.each(['5', '5 m', '-5m', '1.5h', '5min', '', 300, null])(
    'is the duration %j, whichever it is of',
    (text) => {
      for (const name of ['every', 'lookback', 'settle', 'window', 'minInterval', 'timeout']) {
        expect(pathsOf(problemsOf({ [name]: text }))).toEqual([name]);
      }
    },
  );

  test.each([
    ['every', '999ms'],
    ['timeout', '99ms'],
    ['window', '0d'],
    ['window', '23h'],
    ['window', '25h'],
  ])('is the duration of %s that is %s', (name, text) => {
    expect(pathsOf(problemsOf({ [name]: text }))).toEqual([name]);
  });

  test.each([
    'api.example.com',
    'ftp://api.example.com',
    'https://user@api.example.com',
    'https://user:pass@api.example.com',
    'https://api.example.com/?a=b',
    'https://api.example.com/?',
    'https://api.example.com/#a',
    'https://api.example.com/#',
    '',
  ])('is the base URL %j', (baseUrl) => {
    expect(pathsOf(problemsOf({ baseUrl }))).toEqual(['baseUrl']);
  });

  test('is a file that is no certificate', () => {
    writeFileSync(join(folder, 'ca.pem'), 'hello');
    expect(problemsOf({ ca: 'ca.pem' })).toEqual([
      { path: 'ca', message: 'holds no PEM certificate' },
    ]);
  });
});

describe('two accounts', () => {
  test('may not have one id', () => {
    const { problems } = failure({ accounts: [ITNIO, { ...OKCC, id: ITNIO.id }] });
    expect(problems).toEqual([
      { path: 'accounts[1].id', message: 'itnio-hk is the id of accounts[0] too' },
    ]);
  });

  test.each([
    ['the same', {}],
    ['the same but for a slash at the end', { baseUrl: `${ITNIO.baseUrl}/` }],
    ['the same but for another secret', { credentials: { apiKey: 'key-itnio', apiSecret: 'x' } }],
  ])('may not be one login: %s', (_title, change) => {
    const { problems } = failure({ accounts: [OKCC, ITNIO, { ...ITNIO, id: 'other', ...change }] });
    expect(problems).toEqual([
      { path: 'accounts[2]', message: 'is the same login as accounts[1]' },
    ]);
  });

  test('may not be one login that the environment makes the same', () => {
    const credentials = { apiKey: from('KEY'), apiSecret: 'x' };
    const accounts = [ITNIO, { ...ITNIO, id: 'other', credentials }];
    const { problems } = failure({ accounts }, { KEY: 'key-itnio' });
    expect(pathsOf(problems)).toEqual(['accounts[1]']);
  });

  test.each([
    ['another host', { baseUrl: 'https://api2.example.com/voice' }],
    ['another key', { credentials: { apiKey: 'key-2', apiSecret: 'secret-itnio' } }],
  ])('may be two logins: %s', (_title, change) => {
    const accounts = [ITNIO, { ...ITNIO, id: 'other', ...change }];
    expect(load({ accounts }).accounts).toHaveLength(2);
  });

  test('may share a VOS login for two of its accounts', () => {
    const second = { ...VOS, id: 'vos-2', options: { userId: '7', vosAccountId: 13 } };
    expect(load({ accounts: [VOS, second] }).accounts).toHaveLength(2);
    const same = { ...VOS, id: 'vos-2', options: { userId: '7', vosAccountId: '12' } };
    expect(pathsOf(failure({ accounts: [VOS, same] }).problems)).toEqual(['accounts[1]']);
  });
});

describe('a value from outside', () => {
  const credentials = { apiKey: from('ITNIO_KEY'), apiSecret: from('file:secrets/itnio') };

  test('comes from the environment, and from files beside the configuration', () => {
    mkdirSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets', 'itnio'), 'from-file\n');
    const account = loadAccount({ credentials }, { ITNIO_KEY: 'from-environment' });
    expect(account.connector.secrets).toEqual(['from-environment', 'from-file']);
  });

  test('may be a part of a text, and several of one', () => {
    const environment = { HOST: 'api.example.com', BASE: 'voice' };
    expect(
      loadAccount({ baseUrl: `https://${from('HOST')}/${from('BASE')}` }, environment).baseUrl,
    ).toBe('https://api.example.com/voice');
  });

  test('is not looked into again', () => {
    const environment = { ITNIO_KEY: from('HOME'), HOME: 'wrong' };
    const account = loadAccount(
      { credentials: { ...ITNIO.credentials, apiKey: from('ITNIO_KEY') } },
      environment,
    );
    expect(account.connector.secrets).toContain(from('HOME'));
  });

  test('that is missing or empty is a problem at the path that wants it', () => {
    mkdirSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets', 'itnio'), ' \n');
    const file = join(folder, 'secrets', 'itnio');
    expect(problemsOf({ credentials }, { ITNIO_KEY: '' })).toEqual([
      { path: 'credentials.apiKey', message: 'the environment variable ITNIO_KEY is empty' },
      { path: 'credentials.apiSecret', message: `the secret file ${file} is empty` },
    ]);
    rmSync(file);
    expect(problemsOf({ credentials })).toEqual([
      { path: 'credentials.apiKey', message: 'the environment variable ITNIO_KEY is not set' },
      { path: 'credentials.apiSecret', message: `the secret file ${file} cannot be read (ENOENT)` },
    ]);
    expect(pathsOf(problemsOf({ audit: [from('A')], currency: from('B-C') }))).toEqual([
      'audit[0]',
      'currency',
    ]);
  });
});

describe('a file that is no configuration', () => {
  test('is missing', () => {
    const error = () => loadConfig(join(folder, 'none.json'), {});
    expect(error).toThrow(ConfigError);
    expect(error).toThrow('the file does not exist');
  });

  test('is a folder', () => {
    expect(() => loadConfig(folder, {})).toThrow('the file cannot be read (EISDIR)');
  });

  test.each([
    ['', /^the file is not JSON/],
    ['{', /^the file is not JSON/],
    ['{"accounts": [],}', /^the file is not JSON/],
    ['{\n  "apiSecret": "hunter2-hunter2",\n  oops\n}', /line 3/],
    ['{\n  "apiSecret": "hunter2-hunter2"\n  "apiKey": "k"\n}', /line 3/],
    ['{\n "apiSecret": hunter2-hunter2\n}', /line 2/],
    ['{"apiSecret": "hunter2-hunter2', /^the file is not JSON/],
    ['hunter2-hunter2', /^the file is not JSON/],
    ["{'apiSecret': 'hunter2-hunter2'}", /^the file is not JSON/],
    ['{"apiSecret": "hunter2\n-hunter2"}', /line 1/],
  ])('is not JSON, and is not quoted: %j', (text, expected) => {
    const { problems, message } = failure(text);
    expect(problems).toEqual([{ path: '', message: expect.stringMatching(expected) }]);
    for (const part of ['hunter2', 'apiSecret', 'apiKey', 'oops']) {
      expect(message).not.toContain(part);
    }
  });
});

describe('the secrets', () => {
  test('are all of them, and nothing empty', () => {
    const config = load(
      {
        queue: 'rediss://user:queue%2Fpass@localhost:6380',
        http: { token: 'token-http' },
        accounts: [
          { ...ITNIO, proxy: 'http://me:proxy%40pass@proxy.example.com:3128' },
          { ...OKCC, proxy: 'http://proxy.example.com:3128' },
          { ...INFIN8, proxy: false },
          { ...INFIN8, id: 'infin8-2', credentials: { token: 'token-infin8' } },
          { ...UDESK, credentials: { ...UDESK.credentials, secretKey: from('UDESK_KEY') } },
          VOS,
        ],
      },
      { UDESK_KEY: 'secret-from-environment' },
    );
    expect([...config.secrets].sort()).toEqual(
      [
        'key-itnio',
        'secret-itnio',
        'password-okcc',
        'key-infin8',
        'token-infin8',
        'secret-from-environment',
        'token-vos',
        'token-http',
        // In the URL, as meant, and as the header of a proxy carries them with their users.
        'queue%2Fpass',
        'queue/pass',
        'dXNlcjpxdWV1ZS9wYXNz',
        'proxy%40pass',
        'proxy@pass',
        'bWU6cHJveHlAcGFzcw==',
      ].sort(),
    );
  });

  test('are not in the message about what is wrong beside them', () => {
    const { message } = failure({
      accounts: [
        { ...ITNIO, every: 'x', credentials: { ...ITNIO.credentials, region: 'y' } },
        { ...OKCC, credentials: { ...OKCC.credentials, customer: 5 } },
        { ...INFIN8, credentials: { ...INFIN8.credentials, token: 'token-infin8' } },
        { ...ITNIO, id: 'other' },
      ],
    });
    for (const secret of [
      'key-itnio',
      'secret-itnio',
      'password-okcc',
      'key-infin8',
      'token-inf',
    ]) {
      expect(message).not.toContain(secret);
    }
  });
});

describe('a warning', () => {
  test('is given of plain http to another machine', () => {
    const warned = (baseUrl: string) => load({ accounts: [{ ...ITNIO, baseUrl }] }).warnings;
    expect(warned('http://api.example.com/voice')).toEqual([
      'itnio-hk: baseUrl is plain http: credentials and calls travel readable.',
    ]);
    for (const own of ['http://127.0.0.1:8080/voice', 'http://localhost/voice']) {
      expect(warned(own)).toEqual([]);
    }
  });

  test('is given of a VOS entry that names no account', () => {
    const { warnings } = load({ accounts: [{ ...VOS, options: { userId: '7' } }] });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^vos-1: /);
  });
});
