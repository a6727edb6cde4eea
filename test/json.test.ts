import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  isObject,
  isRawNumber,
  type Json,
  type JsonObject,
  parseJson,
  rowTexts,
  writeJson,
} from '../src/json.ts';

/** What a provider sends comes back as it was sent, digit by digit. */

const digits = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength, maxLength }).map((list) => list.join(''));

const whole = fc.oneof(
  fc.constant('0'),
  fc.tuple(fc.integer({ min: 1, max: 9 }), digits(0, 24)).map(([first, rest]) => `${first}${rest}`),
);

/** Any number that JSON can write: long, with zeros at its end, with an exponent, minus zero. */
const numberText = fc
  .record({
    sign: fc.constantFrom('', '', '-'),
    whole,
    fraction: fc.oneof(
      fc.constant(''),
      digits(1, 24).map((text) => `.${text}`),
      fc.tuple(digits(0, 4), fc.integer({ min: 1, max: 12 })).map(([text, zeros]) => {
        return `.${text}${'0'.repeat(zeros)}`;
      }),
      fc.tuple(fc.integer({ min: 1, max: 12 }), digits(1, 4)).map(([zeros, text]) => {
        return `.${'0'.repeat(zeros)}${text}`;
      }),
    ),
    exponent: fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), digits(1, 3))
          .map((parts) => parts.join('')),
      },
    ),
  })
  .map(({ sign, whole: integer, fraction, exponent }) => `${sign}${integer}${fraction}${exponent}`);

/** Strings that look like numbers, or that hold JSON themselves. */
const stringText = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    numberText,
    numberText.map((number) => `{"a":[${number},1]}`),
    numberText.map((number) => `\\",${number}]`),
  )
  .map((text) => JSON.stringify(text));

const blank = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n  ');

/** JSON as text, keys unlike any index, so that their order is the one written. */
const { value: jsonText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    numberText,
    stringText,
    fc.constantFrom('true', 'false', 'null'),
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), blank)
    .map(([items, space]) => `[${space}${items.join(`${space},${space}`)}${space}]`),
  object: fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.string({ maxLength: 5 }), tie('value')), {
        maxLength: 4,
        selector: ([key]) => key,
      }),
      blank,
    )
    .map(([entries, space]) => {
      const members = entries.map(
        ([key, item]) => `${space}${JSON.stringify(`_${key}`)}${space}:${space}${item}`,
      );
      return `{${members.join(`${space},`)}${space}}`;
    }),
}));

/** A list or an object, which is what APIs answer with. */
const bodyText = jsonText.map((text) => `{"data":[${text}]}`);

/** The same text without the blanks outside of its strings. */
function compact(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part.startsWith('"') ? part : ''));
}

/** Whether a plain parser gives the text back as it stands. */
function isPlain(text: string): boolean {
  return JSON.stringify(JSON.parse(text)) === compact(text);
}

describe('parsing and writing', () => {
  test('gives every number back as it was written, wherever it stands', () => {
    fc.assert(
      fc.property(bodyText, (text) => {
        expect(writeJson(parseJson(text))).toBe(compact(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('gives every number back, one at a time', () => {
    fc.assert(
      fc.property(numberText, blank, (number, space) => {
        for (const text of [`[${space}${number}]`, `{"a":${space}${number}}`, `[0,${number}]`]) {
          expect(writeJson(parseJson(text))).toBe(compact(text));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('makes what JSON.parse makes where that loses nothing', () => {
    let plain = 0;
    fc.assert(
      fc.property(bodyText, (text) => {
        if (!isPlain(text)) return;
        plain += 1;
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
    // The generator must not always have something delicate in it.
    expect(plain).toBeGreaterThan(200);
  });

  test.each([
    '[12345678901234567890]',
    '[9007199254740993]',
    '[-9007199254740993]',
    '{"cost":1.10}',
    '{"cost":0.00}',
    '[10.0]',
    '[1.0000000000000000000001]',
    '[0.1234567890123456789]',
    '[0.0000001]',
    '[1e400]',
    '[-1E-400]',
    '[1E+2]',
    '[5e-324]',
    '[-0]',
    '[-0.0]',
    '[[[1.50]],{"a":{"b":[2.50]}}]',
    '{"a":"1.10","b":1.10}',
    '{"__proto__":1.10}',
    '["\\ud83d\\ude00",1.10]'.replace('\\ud83d\\ude00', '😀'),
    '["\\ud800",1.10]',
    '["\\u0000",1.10]',
  ])('gives back %s', (text) => {
    expect(writeJson(parseJson(text))).toBe(text);
  });

  test('makes plain numbers of those that a double holds', () => {
    expect(parseJson('[1, 2.5, -3, 0, 123456789012345, 0.000001]')).toEqual([
      1, 2.5, -3, 0, 123456789012345, 0.000001,
    ]);
  });

  test('knows a kept number from an object', () => {
    const body = parseJson('{"cost":1.10,"seconds":60}');
    if (!isObject(body)) expect.fail('not an object');
    expect(isRawNumber(body['cost'])).toBe(true);
    expect(isObject(body['cost'])).toBe(false);
    expect(isRawNumber(body['seconds'])).toBe(false);
    for (const other of [null, undefined, [], 'a', 1, true]) expect(isObject(other)).toBe(false);
  });

  test.each(['', '{', '[1,]', '{"a":01}', '[1.]', "{'a':1.10}", '[NaN]', '<html>', '[1.10'])(
    'refuses %j',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});

/** The same value with the keys of every object in another order. */
function shuffled(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => shuffled(item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, shuffled(item)] as const);
  return Object.fromEntries(entries.reverse());
}

function parseObject(text: string): JsonObject {
  const value = parseJson(text);
  return isObject(value) ? value : expect.fail('not an object');
}

describe('the canonical text', () => {
  test('does not depend on the order of the keys, at any depth', () => {
    fc.assert(
      fc.property(bodyText, (text) => {
        const row = parseObject(text);
        const other = shuffled(row);
        if (!isObject(other)) expect.fail('not an object');
        expect(canonicalJson(other, [])).toBe(canonicalJson(row, []));
      }),
      { numRuns: 1000 },
    );
  });

  test('shows every other difference', () => {
    fc.assert(
      fc.property(bodyText, bodyText, (one, other) => {
        // As text with sorted keys, by another way than the code's: what differs is told apart.
        const sorted = (text: string): string => writeJson(sortKeys(parseJson(text)));
        const same = canonicalJson(parseObject(one), []) === canonicalJson(parseObject(other), []);
        expect(same).toBe(sorted(one) === sorted(other));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['a number', '{"a":1}', '{"a":2}'],
    ['a trailing zero', '{"a":1.1}', '{"a":1.10}'],
    ['a digit beyond a double', '{"a":9007199254740992}', '{"a":9007199254740993}'],
    ['a number and its text', '{"a":1}', '{"a":"1"}'],
    ['null and its text', '{"a":null}', '{"a":"null"}'],
    ['null and the empty text', '{"a":null}', '{"a":""}'],
    ['null and nothing', '{"a":null}', '{}'],
    ['the order of a list', '{"a":[1,2]}', '{"a":[2,1]}'],
    ['an empty list and object', '{"a":[]}', '{"a":{}}'],
    ['a nested field', '{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":2}}}'],
    ['a key', '{"a":1}', '{"b":1}'],
    ['a key inside a list', '{"a":[{"b":1}]}', '{"a":[{"c":1}]}'],
    ['what is a key and what a value', '{"a":"b\\",\\"c"}', '{"a":"b","c":""}'],
    ['white space in a text', '{"a":"b c"}', '{"a":"b  c"}'],
  ])('shows %s', (_title, one, other) => {
    expect(canonicalJson(parseObject(one), [])).not.toBe(canonicalJson(parseObject(other), []));
  });

  test('of a volatile field says only whether it is set', () => {
    const filled = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.integer(),
      fc.boolean(),
      fc.constant({ url: 'x' }),
      fc.constant([]),
    );
    const empty = fc.constantFrom(null, '');
    const text = (link: Json, cost: Json): string => canonicalJson({ link, cost }, ['link']);
    fc.assert(
      fc.property(filled, filled, empty, empty, fc.integer(), (one, other, no, none, cost) => {
        expect(text(one, cost)).toBe(text(other, cost));
        expect(text(no, cost)).toBe(text(none, cost));
        expect(text(one, cost)).not.toBe(text(no, cost));
        expect(text(one, cost)).not.toBe(text(one, cost + 1));
      }),
      { numRuns: 300 },
    );
  });

  test('takes a volatile field for one at the top level only', () => {
    const text = (link: string): string => canonicalJson({ a: { link } }, ['link']);
    expect(text('x')).not.toBe(text('y'));
  });

  test('takes no field for volatile that is not named', () => {
    const text = (other: string): string => canonicalJson({ link: 'x', other }, ['link']);
    expect(text('x')).not.toBe(text('y'));
  });
});

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sortKeys(item));
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortKeys(value[key] ?? null)]));
}

/** The same text, made in the plainest way. */
function plainCanonical(value: Json, volatile: readonly string[]): string {
  if (Array.isArray(value)) {
    return `[${value.map((item: Json) => plainCanonical(item, [])).join(',')}]`;
  }
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const item = value[key] ?? null;
      if (!volatile.includes(key)) return [`${JSON.stringify(key)}:${plainCanonical(item, [])}`];
      return item === null || item === '' ? [] : [`${JSON.stringify(key)}:true`];
    });
  return `{${members.join(',')}}`;
}

describe('the canonical text', () => {
  test('is the same for all ways to make it, or the content hash of every stored call changes', () => {
    const volatile = fc.constantFrom<string[]>([], ['_'], ['_', '_a'], ['url', '1']);
    const object = fc.oneof(
      bodyText.map(parseJson),
      fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), fc.jsonValue({ maxDepth: 2 })),
      // Rows of one list: the same fields in the same order, other values.
      fc.record({
        url: fc.string({ unit: 'binary' }),
        1: fc.integer(),
        _: fc.jsonValue(),
        _a: fc.float(),
      }),
    );
    fc.assert(
      fc.property(object, volatile, (body, fields) => {
        const row = parseJson(JSON.stringify(body));
        if (!isObject(row)) return;
        expect(canonicalJson(row, fields)).toBe(plainCanonical(row, fields));
        expect(rowTexts(row, fields)).toEqual({
          raw: JSON.stringify(row),
          canonical: plainCanonical(row, fields),
        });
      }),
      { numRuns: 4000 },
    );
  });

  test('is that of the row itself, however many layouts came between', () => {
    const keys = ['a', 'b', 'c', 'd'];
    const rows = fc.array(fc.shuffledSubarray(keys, { minLength: 1 }), { minLength: 20 });
    fc.assert(
      fc.property(rows, (orders) => {
        for (const order of orders) {
          const row = Object.fromEntries(order.map((key, index) => [key, `${key}${index}`]));
          expect(canonicalJson(row, ['b'])).toBe(plainCanonical(row, ['b']));
        }
      }),
    );
  });
});
