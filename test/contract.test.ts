import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Call } from '../src/call.ts';
import {
  isObject,
  isRawNumber,
  type Json,
  type JsonObject,
  parseJson,
  writeJson,
} from '../src/json.ts';
import { NOT_PLAIN } from '../src/providers/fields.ts';
import type { Ask, Connector, HttpRequest, Names, Provider } from '../src/providers/provider.ts';
import { findProvider, providers } from '../src/providers/registry.ts';
import { parseDuration } from '../src/time.ts';
import type { ProviderFixture } from './support/fixture.ts';

/**
 * What every provider owes the engine, checked for all that the registry
 * lists: against its own fixture, and against values that no fixture thought of.
 */

interface FixtureModule {
  readonly fixture?: ProviderFixture;
  readonly default?: ProviderFixture;
}

const CALL_KEYS: Readonly<Record<keyof Call, true>> = {
  call_id: true,
  native_id: true,
  correlation_id: true,
  direction: true,
  call_mode: true,
  caller: true,
  callee: true,
  agent: true,
  started_at: true,
  ringing_at: true,
  answered_at: true,
  ended_at: true,
  duration_seconds: true,
  ring_seconds: true,
  talk_seconds: true,
  billed_seconds: true,
  cost: true,
  currency: true,
  disposition: true,
  hangup_cause: true,
  hangup_reason: true,
  hangup_party: true,
  recording_ref: true,
  recording_state: true,
  is_call: true,
  flags: true,
  custom: true,
};

const folderOf = (name: string) => new URL(`./fixtures/${name}/`, import.meta.url);

describe('the registry', () => {
  test('finds each provider by its name, and no other', () => {
    for (const provider of providers) expect(findProvider(provider.name)).toBe(provider);
    expect(findProvider('no such provider')).toBeNull();
    expect(findProvider('toString')).toBeNull();
  });
});

for (const provider of providers) {
  const file = new URL('fixture.ts', folderOf(provider.name));
  if (!existsSync(file)) {
    test(`${provider.name} has a fixture`, () => {
      expect.fail(`write test/fixtures/${provider.name}/fixture.ts`);
    });
    continue;
  }
  const module: FixtureModule = await import(file.href);
  const fixture = module.fixture ?? module.default;
  if (fixture === undefined) {
    test(`${provider.name} has a fixture`, () => {
      expect.fail(`test/fixtures/${provider.name}/fixture.ts exports no fixture`);
    });
    continue;
  }
  describe(provider.name, () => {
    describeSettings(provider, fixture);
    describeRequests(provider, fixture);
    describeLogin(provider, fixture);
    describeReading(provider, fixture);
    describeMapping(provider, fixture);
    describeAnyInput(provider, fixture);
  });
}

function describeSettings(provider: Provider, { account, reach }: ProviderFixture): void {
  const credentials = credentialTexts(account.credentials);
  const openWith = (changed: unknown) => provider.open({ ...account, credentials: changed });

  test('stands beside its document', () => {
    const original = readFileSync(new URL('original.txt', folderOf(provider.name)), 'utf8');
    expect(original.trim()).not.toBe('');
  });

  test('states defaults that can be read, and a reach', () => {
    expect(parseDuration(provider.defaults.every)).toBeGreaterThan(0);
    expect(parseDuration(provider.defaults.minInterval)).toBeGreaterThanOrEqual(0);
    expect(provider.reach.maxDays).toBeGreaterThanOrEqual(1);
    if (reach === undefined) return;
    expect(provider.reach.maxDays).toBe(reach.maxDays);
    for (const { now, horizon } of reach.horizons) {
      expect(provider.reach.horizon(now)).toBe(horizon);
    }
  });

  test('opens an account under its own name', () => {
    const connector = provider.open(account);
    expect(connector.provider).toBe(provider.name);
    expect(connector.mappingVersion).toBeGreaterThanOrEqual(1);
    expect(connector.principal).not.toBe('');
  });

  test('refuses missing, empty and unknown credentials, and repeats none of them', () => {
    const broken: unknown[] = [undefined, null, {}, { ...credentials, surplus: 'surplus value' }];
    for (const key of Object.keys(credentials)) {
      broken.push(without(credentials, key), { ...credentials, [key]: '' });
    }
    for (const candidate of broken) {
      const refusal = thrownBy(() => openWith(candidate));
      expect(refusal, Object.keys(candidate ?? {}).join()).toBeInstanceOf(z.ZodError);
      for (const value of Object.values(credentials)) expect(String(refusal)).not.toContain(value);
    }
  });

  test('refuses unknown options', () => {
    const options = { ...z.looseObject({}).parse(account.options), surplus: 1 };
    expect(thrownBy(() => provider.open({ ...account, options }))).toBeInstanceOf(z.ZodError);
  });

  test('knows its secrets, and one login by one principal', () => {
    const { secrets } = provider.open(account);
    expect(secrets).not.toContain('');
    for (const secret of secretsOf(account.credentials)) expect(secrets).toContain(secret);
    expect(openWith({ ...credentials }).principal).toBe(provider.open(account).principal);
  });
}

function describeRequests(provider: Provider, { account, requests }: ProviderFixture): void {
  test('the fixture has a first and a later page', () => {
    expect(requests.some(({ ask }) => ask.cursor === null)).toBe(true);
    expect(requests.some(({ ask }) => ask.cursor !== null)).toBe(true);
  });

  for (const { title, ask, request, credentials = account.credentials } of requests) {
    const open = () => provider.open({ ...account, credentials });

    test(`requests ${title}`, () => {
      expect(open().request(ask)).toStrictEqual(request);
    });

    test(`requests ${title}: the same for the same ask`, () => {
      const connector = open();
      expect(connector.request(ask)).toStrictEqual(connector.request(ask));
      expect(connector.request(Object.freeze({ ...ask }))).toStrictEqual(open().request(ask));
    });

    test(`requests ${title}: below baseUrl, its secrets named`, () => {
      const sent = open().request(ask);
      expect(sent.url.startsWith(account.baseUrl)).toBe(true);
      const token = tokenOf(credentials) ?? ask.signing.token;
      expectSecretsNamed(sent, token === null ? [] : [token]);
      for (const secret of signingSecretsOf(credentials)) {
        expect(sentText(sent)).not.toContain(secret);
      }
    });
  }
}

function describeLogin(provider: Provider, { account, login }: ProviderFixture): void {
  if (login === undefined) {
    test('has no login, as its fixture says', () => {
      expect(provider.open(account).login).toBeNull();
    });
    return;
  }
  const open = (credentials = account.credentials) => {
    const connector = provider.open({ ...account, credentials });
    if (connector.login === null) throw new Error('this provider has no login');
    return connector.login;
  };

  test('logs in', () => {
    const sent = open().request(login.signing);
    expect(sent).toStrictEqual(login.request);
    expect(open().request(login.signing)).toStrictEqual(sent);
    if (sent !== null) expectSecretsNamed(sent, secretsOf(account.credentials));
  });

  test('does not log in where the credentials are a token', () => {
    expect(open(login.fixedToken).request(login.signing)).toBeNull();
    const { secrets } = provider.open({ ...account, credentials: login.fixedToken });
    for (const secret of secretsOf(login.fixedToken)) expect(secrets).toContain(secret);
    const fixed = credentialTexts(login.fixedToken);
    const emptied = Object.fromEntries(Object.keys(fixed).map((key) => [key, '']));
    for (const broken of [emptied, { ...fixed, ...credentialTexts(account.credentials) }]) {
      expect(thrownBy(() => open(broken))).toBeInstanceOf(z.ZodError);
    }
  });

  for (const { title, body, token } of login.tokens) {
    test(`reads the token of ${title}`, () => {
      expect(open().read(asJson(body))).toStrictEqual({ kind: 'token', token });
    });
  }

  for (const expected of login.faults) {
    test(`reads a login's fault: ${expected.title}`, () => {
      expectFault(open().read(asJson(expected.body)), expected);
    });
  }
}

function describeReading(provider: Provider, fixture: ProviderFixture): void {
  for (const { file, ask, total, after, calls } of fixture.pages) {
    test(`reads ${file}`, () => {
      const body = pageBody(provider, file);
      const before = writeJson(body);
      const page = provider.open(fixture.account).read(body, ask);
      if (page.kind === 'fault') expect.fail(page.fault.message);
      expect(page.total).toBe(total);
      expect(page.after).toStrictEqual(after);
      expect(page.rows).toHaveLength(calls.length);
      expect(writeJson(body)).toBe(before);
    });
  }

  for (const expected of fixture.faults) {
    test(`reads a fault: ${expected.title}`, () => {
      const ask = fixture.requests[0]?.ask;
      if (ask === undefined) expect.fail('the fixture has no request');
      expectFault(provider.open(fixture.account).read(asJson(expected.body), ask), expected);
    });
  }
}

function describeMapping(provider: Provider, fixture: ProviderFixture): void {
  const names = namesOf(fixture);

  for (const { file, ask, calls } of fixture.pages) {
    const connector = provider.open(fixture.account);
    for (const [index, call] of calls.entries()) {
      test(`maps ${file}, row ${index}: ${call.call_id}`, () => {
        const row = rowsOf(connector, pageBody(provider, file), ask)[index] ?? null;
        expect(connector.toCall(row, names)).toStrictEqual({ kind: 'call', call });
        expect(connector.toCall(row, names)).toStrictEqual({ kind: 'call', call });
        expect(Object.keys(call).sort()).toEqual(Object.keys(CALL_KEYS).sort());
      });
    }
  }

  for (const { title, row, reason } of fixture.rejected) {
    test(`rejects ${title}, and repeats nothing of it`, () => {
      const mapped = provider.open(fixture.account).toCall(asJson(row), names);
      if (mapped.kind === 'call') expect.fail('it was mapped');
      expect(mapped.reason).toContain(reason);
      for (const value of scalarsIn(asJson(row))) expect(mapped.reason).not.toContain(value);
    });
  }
}

function describeAnyInput(provider: Provider, fixture: ProviderFixture): void {
  const connector = provider.open(fixture.account);
  const names = namesOf(fixture);
  const pages = fixture.pages.map(({ file, ask }) => ({ body: pageBody(provider, file), ask }));
  const rows = pages.flatMap(({ body, ask }) => rowsOf(connector, body, ask));
  const bodies = [...pages.map(({ body }) => body), ...fixture.faults.map((f) => asJson(f.body))];
  const asks = fixture.requests.map(({ ask }) => ask);

  test('any JSON body is a page or a fault', () => {
    fc.assert(
      fc.property(anyOrBent(bodies), fc.constantFrom(...asks), (body, ask) => {
        const reading = connector.read(body, ask);
        if (reading.kind === 'fault') {
          expect(reading.fault.code).not.toBe('');
        } else {
          expect(Array.isArray(reading.rows)).toBe(true);
          if (reading.after.kind === 'more') expect(reading.after.cursor).not.toBe(ask.cursor);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('any JSON body of a login or a dimension is understood or a fault', () => {
    const logins = fixture.login?.tokens.map(({ body }) => asJson(body)) ?? [];
    fc.assert(
      fc.property(anyOrBent(logins), (body) => {
        const read = connector.login?.read(body);
        if (read?.kind === 'token') expect(read.token).not.toBe('');
        for (const dimension of connector.dimensions) {
          expect(dimension.read(body).kind).toMatch(/^(?:entries|fault)$/);
        }
      }),
    );
  });

  test('a row read as a plain one is what the schema makes of it', () => {
    const { row: schema, plainRow } = provider;
    if (plainRow === null) return;
    const plainly = (row: JsonObject): unknown => {
      try {
        return plainRow(row);
      } catch (error) {
        return error;
      }
    };
    let plain = rows.filter((row) => isObject(row) && plainly(row) !== NOT_PLAIN).length;
    // The samples are what the shortcut is for.
    expect(plain).toBeGreaterThan(0);
    fc.assert(
      fc.property(anyOrBent(rows), (row) => {
        if (!isObject(row) || Object.hasOwn(row, '__proto__')) return;
        const read = plainly(row);
        if (read === NOT_PLAIN) return;
        plain += 1;
        const authority = schema.safeParse(row);
        expect(authority.error).toBeUndefined();
        expect(read).toStrictEqual(authority.data);
      }),
      { numRuns: 2000 },
    );
    expect(plain).toBeGreaterThan(200);
  });

  test('any JSON row is a sound call, or rejected with a reason that repeats nothing', () => {
    fc.assert(
      fc.property(anyOrBent(rows), (row) => {
        const mapped = connector.toCall(row, names);
        if (mapped.kind === 'call') {
          expectSound(mapped.call);
        } else {
          expect(mapped.reason).not.toBe('');
          expect(mapped.reason).not.toContain(MARK);
        }
      }),
      { numRuns: 2000 },
    );
  });
}

/** What holds for every call, whatever the provider wrote. */
function expectSound(call: Call): void {
  const talk = call.talk_seconds ?? 0;
  expect(call.disposition === 'answered').toBe(talk > 0);
  if (call.answered_at !== null) expect(talk).toBeGreaterThan(0);
  expect(Object.keys(call).sort()).toEqual(Object.keys(CALL_KEYS).sort());
  expect(call.call_id).not.toBe('');
  const { started_at, ringing_at, answered_at, ended_at } = call;
  for (const time of [started_at, ringing_at, answered_at, ended_at]) {
    if (time !== null) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  const { duration_seconds, ring_seconds, talk_seconds, billed_seconds } = call;
  for (const seconds of [duration_seconds, ring_seconds, talk_seconds, billed_seconds]) {
    if (seconds === null) continue;
    expect(Number.isSafeInteger(seconds)).toBe(true);
    expect(seconds).toBeGreaterThanOrEqual(0);
  }
  if (call.cost !== null) expect(call.cost).toMatch(/^-?\d+(?:\.\d+)?$/);
  expect(call.flags).toEqual([...new Set(call.flags)].sort());
  for (const value of Object.values(call.custom)) expect([null, '']).not.toContain(value);
  for (const value of Object.values(call)) expect(value).not.toBe('');
}

/** A text that no reason may repeat. */
const MARK = 'MARK-13800138000';

const odd: fc.Arbitrary<Json> = fc.oneof(
  fc.json().map(parseJson),
  fc.constantFrom<Json>('', ' ', null, 0, 1, -1, 0.5, true, MARK, `${MARK}-01-01 00:00:00`, [], {}),
  fc.constantFrom<Json>('0', '-7', '1.10', '1e-7', '.5', '5.0', '0xF1000008', '/.mp3'),
  fc
    .constantFrom('12345678901234567890', '1.10', '1e400', '-0', '1E-9', '-1.50')
    .map((source) => JSON.rawJSON(source)),
  fc.constantFrom<Json>('1970-01-01 08:00:00', '0000-00-00 00:00:00', '2026-10-01T24:00:00Z'),
  fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 19).replace('T', ' ')),
  fc.integer({ min: -1, max: 700 }),
  fc.integer({ min: 0, max: 700 }).map(String),
);

/** JSON of any shape, and the samples with some of their values replaced. */
function anyOrBent(samples: readonly Json[]): fc.Arbitrary<Json> {
  const any = fc.json().map(parseJson);
  if (samples.length === 0) return any;
  const bends = fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 4 });
  const bent = fc.tuple(fc.constantFrom(...samples), bends).map(([sample, changes]) =>
    changes.reduce<Json>((value, [pick, replacement]) => {
      const places = placesIn(value);
      const place = places[pick % Math.max(places.length, 1)];
      return place === undefined ? replacement : replaceAt(value, place, replacement);
    }, sample),
  );
  return fc.oneof({ arbitrary: any, weight: 1 }, { arbitrary: bent, weight: 9 });
}

type Place = readonly (string | number)[];

function placesIn(value: Json, at: Place = []): readonly Place[] {
  if (!isObject(value) && !isArray(value)) return [at];
  const inside = isArray(value)
    ? value.flatMap((item, index) => placesIn(item, [...at, index]))
    : Object.entries(value).flatMap(([key, item]) => placesIn(item, [...at, key]));
  return at.length === 0 ? inside : [at, ...inside];
}

function replaceAt(value: Json, [step, ...rest]: Place, replacement: Json): Json {
  if (step === undefined) return replacement;
  if (isArray(value)) {
    return value.map((item, index) => (index === step ? replaceAt(item, rest, replacement) : item));
  }
  if (!isObject(value)) return replacement;
  return { ...value, [step]: replaceAt(value[step] ?? null, rest, replacement) };
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The texts and numbers in a value that are long enough to be recognised in a sentence. */
function scalarsIn(value: Json): readonly string[] {
  if (isArray(value)) return value.flatMap(scalarsIn);
  if (isObject(value)) return Object.values(value).flatMap(scalarsIn);
  const text = isRawNumber(value) ? value.rawJSON : String(value ?? '');
  return text.trim().length < 2 ? [] : [text];
}

function expectFault(
  reading: { readonly kind: string } | ReturnType<Connector['read']>,
  expected: ProviderFixture['faults'][number],
): void {
  if (!('fault' in reading)) expect.fail(`a ${reading.kind}, no fault`);
  const { class: kind, code, remedy, message, hint } = reading.fault;
  expect({ class: kind, code, remedy: remedy?.kind ?? 'none' }).toEqual({
    class: expected.class,
    code: expected.code,
    remedy: expected.remedy ?? 'none',
  });
  expect(message).not.toBe('');
  expect(Object.values(hint)).not.toContain('');
}

/** Signatures are told by their look: md5 and sha1 in hexadecimal. */
function expectSecretsNamed(request: HttpRequest, tokens: readonly string[]): void {
  const text = sentText(request);
  const signatures = text.match(/(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])/gi);
  const sent = [...(signatures ?? []), ...tokens.filter((token) => text.includes(token))];
  for (const secret of sent) expect(request.secrets).toContain(secret);
  for (const secret of request.secrets) expect(text).toContain(secret);
}

function sentText({ url, headers, body }: HttpRequest): string {
  return JSON.stringify({ url, headers, body }).replaceAll('\\"', '"');
}

function credentialTexts(credentials: unknown): Readonly<Record<string, string>> {
  return z.record(z.string(), z.string()).parse(credentials);
}

/** The credentials that name nobody but open something. */
function secretsOf(credentials: unknown): readonly string[] {
  return valuesOf(credentials, /token|key|secret|password/i);
}

/** Those that a request is signed with, and that must never travel themselves. */
function signingSecretsOf(credentials: unknown): readonly string[] {
  return valuesOf(credentials, /secret|password/i);
}

function tokenOf(credentials: unknown): string | null {
  return valuesOf(credentials, /^token$/)[0] ?? null;
}

function valuesOf(credentials: unknown, names: RegExp): readonly string[] {
  return Object.entries(credentialTexts(credentials))
    .filter(([key]) => names.test(key))
    .map(([, value]) => value);
}

function without(record: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function asJson(value: unknown): Json {
  return parseJson(JSON.stringify(value));
}

function pageBody(provider: Provider, file: string): Json {
  return parseJson(readFileSync(new URL(file, folderOf(provider.name)), 'utf8'));
}

function rowsOf(connector: Connector, body: Json, ask: Ask): readonly Json[] {
  const reading = connector.read(body, ask);
  return reading.kind === 'page' ? reading.rows : [];
}

function namesOf({ names = {} }: ProviderFixture): Names {
  return (dimension, id) => names[dimension]?.[id] ?? null;
}
