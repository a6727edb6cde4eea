import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkText } from '../src/config/check-text.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { isObject, type Json, type JsonObject, parseJson } from '../src/json.ts';
import { sandboxConfig } from '../src/sandbox/config.ts';
import { startSandbox } from '../src/sandbox/server.ts';
import { DAY, parseDuration } from '../src/time.ts';

/** What an editor says of a configuration, by the schema that is handed out with the code. */

const fileOf = (name: string): string =>
  readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

const committed = parseJson(fileOf('worker.config.schema.json'));
const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false });
// What editors say in place of the pattern.
ajv.addKeyword({ keyword: 'patternErrorMessage', schemaType: 'string' });
const validate = ajv.compile(isObject(committed) ? committed : {});

/** Where an editor would underline something. */
function complaints(config: Json): readonly string[] {
  validate(config);
  return (validate.errors ?? []).map(({ instancePath, params, keyword }) => {
    const key = params['missingProperty'] ?? params['additionalProperty'];
    return key === undefined ? `${instancePath} ${keyword}` : `${instancePath}/${key} ${keyword}`;
  });
}

const from = (source: string): string => `\${${source}}`;

const OKCC = {
  id: 'okcc-1',
  provider: 'okcc',
  baseUrl: 'https://okcc.example.com/openapi/V2.0.6',
  credentials: { customer: 'C2', password: from('file:secrets/okcc') },
};
const VOS = {
  id: 'vos-1',
  provider: 'vos',
  baseUrl: 'https://vos.example.com',
  credentials: { token: from('VOS_TOKEN') },
  options: { userId: '7', vosAccountId: 10 },
};

const account = (change: JsonObject, like: JsonObject = OKCC): JsonObject => ({
  accounts: [{ ...like, ...change }],
});

test('the committed schema is what the code generates: after a change run `npm run schema`', () => {
  expect(committed).toEqual(configJsonSchema());
});

describe('the schema accepts', () => {
  test.each(['worker.config.json', 'deploy/worker.config.json'])('%s, which names it', (name) => {
    const config = parseJson(fileOf(name));
    expect(complaints(config)).toEqual([]);
    const schema = isObject(config) ? config['$schema'] : undefined;
    expect(new URL(String(schema), new URL(name, 'file:///')).pathname).toBe(
      '/worker.config.schema.json',
    );
  });

  test("the sandbox's configuration", async () => {
    const sandbox = await startSandbox();
    try {
      expect(complaints(sandboxConfig(sandbox, { store: 'sqlite:./x.db' }))).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });

  test('every setting, and placeholders wherever there is text', () => {
    const settings = {
      ...{ timeZone: 'Europe/London', startAt: '2026-10-01T08:00:00+08:00', every: '90s' },
      ...{ lookback: '0s', settle: '500ms', window: '31d', audit: ['1d'], minInterval: '1s' },
      ...{ timeout: '2m', currency: 'EUR', proxy: false, ca: 'tls/ca.pem', options: {} },
    };
    expect(complaints(account(settings))).toEqual([]);
    const placed = Object.entries({ ...settings, ...OKCC }).map(([key, value]): [string, Json] =>
      typeof value === 'string' ? [key, from('X')] : [key, value],
    );
    const http = { listen: from('LISTEN'), token: from('file:/run/secrets/token') };
    const top = { store: `sqlite:${from('DATA')}/x.db`, queue: from('QUEUE'), http };
    expect(complaints({ ...top, ...account(Object.fromEntries(placed)) })).toEqual([]);
  });
});

describe('the schema underlines', () => {
  test.each<[JsonObject, string]>([
    [{ accounts: [] }, '/accounts minItems'],
    [{ ...account({}), stoer: 'sqlite:x.db' }, '/stoer additionalProperties'],
    [{ ...account({}), store: 'mysql:x' }, '/store pattern'],
    [{ ...account({}), queue: 'rabbit' }, '/queue pattern'],
    [{ ...account({}), http: { listen: 'nowhere' } }, '/http/listen pattern'],
    [account({ provider: 'vso' }), '/accounts/0/provider enum'],
    [account({ every: '5 minutes' }), '/accounts/0/every pattern'],
    [account({ every: 300 }), '/accounts/0/every type'],
    [account({ startAt: '01.10.2026' }), '/accounts/0/startAt pattern'],
    [account({ timeZone: 'CST' }), '/accounts/0/timeZone pattern'],
    [account({ baseUrl: 'ftp://example.com' }), '/accounts/0/baseUrl pattern'],
    [account({ baseUrl: 'https://example.com?a=b' }), '/accounts/0/baseUrl pattern'],
    [account({ baseUrl: 'https://user:pass@example.com' }), '/accounts/0/baseUrl pattern'],
    [account({ every: '0s' }), '/accounts/0/every pattern'],
    [account({ window: '36h' }), '/accounts/0/window pattern'],
    [account({ timeout: '1ms' }), '/accounts/0/timeout pattern'],
    [account({ audit: ['1d', '1h'] }), '/accounts/0/audit/1 pattern'],
    [account({ currency: 'yuan' }), '/accounts/0/currency pattern'],
    [account({ minIntervall: '1s' }), '/accounts/0/minIntervall additionalProperties'],
    [account({ proxy: true }), '/accounts/0/proxy const'],
    [account({ credentials: { customer: 'C2' } }), '/accounts/0/credentials/password required'],
    [
      account({ credentials: VOS.credentials }),
      '/accounts/0/credentials/token additionalProperties',
    ],
    [account({ options: { userId: '7' } }), '/accounts/0/options/userId additionalProperties'],
    [account({ options: {} }, VOS), '/accounts/0/options/userId required'],
  ])('%j', (config, where) => {
    expect(complaints(config)).toContain(where);
  });

  test('options that are left out although the provider needs them', () => {
    const { options: _, ...entry } = VOS;
    expect(complaints({ accounts: [entry] })).toContain('/accounts/0/options required');
  });
});

describe('the schema and the code are of one mind', () => {
  const refusedByCode = (change: JsonObject): boolean => {
    const text = JSON.stringify(
      account({ credentials: { customer: 'C2', password: 'p' }, ...change }),
    );
    return checkText(text, '/', {}).problems.length > 0;
  };

  test.each([
    ...['https://example.com', 'HTTPS://example.com/api', 'http://[::1]:8080/a@b'],
    ...['https:example.com', 'https:///example.com', 'https://@example.com', 'ftp://example.com'],
    ...['https://example.com\\a', 'https://exa\nmple.com', 'https://example.com/a b', 'https://'],
    ...['https://u:p@example.com', 'https://example.com#', 'https://example.com/?a', 'example.com'],
  ])('about the base URL %j', (baseUrl) => {
    expect(complaints(account({ baseUrl })).length > 0).toBe(refusedByCode({ baseUrl }));
  });

  test.each(['HTTP://proxy.example.com', 'http://u:p@proxy', 'socks5://proxy', 'proxy:8080'])(
    'about the proxy %j',
    (proxy) => {
      expect(complaints(account({ proxy })).length > 0).toBe(refusedByCode({ proxy }));
    },
  );

  const unit = fc.constantFrom('ms', 's', 'm', 'h', 'd');
  // Around the borders of each setting, and anywhere.
  const border = fc
    .tuple(
      fc.constantFrom(0, 1, 24, 366, 36_600, 100 / DAY, 1 / 24),
      unit,
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([days, name, off]) => {
      const count = Math.round((days * DAY) / (parseDuration(`1${name}`) ?? 1)) + off;
      return `${Math.min(Math.max(count, 0), 999_999_999)}${name}`;
    });
  const anywhere = fc
    .tuple(
      fc.integer({ min: 0, max: 9 }).chain((size) => fc.nat(10 ** size)),
      unit,
    )
    .map(([count, name]) => `${Math.min(count, 999_999_999)}${name}`);

  test.each(['every', 'lookback', 'settle', 'minInterval', 'timeout', 'audit'])(
    'about the duration of %s',
    (name) => {
      fc.assert(
        fc.property(fc.oneof(border, anywhere), (text) => {
          const change = { [name]: name === 'audit' ? [text] : text };
          expect(complaints(account(change)).length > 0, text).toBe(refusedByCode(change));
        }),
        { numRuns: 400 },
      );
    },
  );

  test('about windows of whole days, in days and hours', () => {
    for (const text of ['1d', '01d', '366d', '24h', '48h', '8784h']) {
      expect([complaints(account({ window: text })), refusedByCode({ window: text })]).toEqual([
        [],
        false,
      ]);
    }
    for (const text of ['0d', '367d', '23h', '25h', '36h', '8808h', '1000ms', '90s', '5m']) {
      expect(complaints(account({ window: text })), text).toEqual(['/accounts/0/window pattern']);
      expect(refusedByCode({ window: text }), text).toBe(true);
    }
  });
});
