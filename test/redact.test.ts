import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanWords, maskNumber, redactor } from '../src/redact.ts';

/** Whatever a server repeats of what we sent, no person and no log gets to read it. */

const none = redactor([]);

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Keys, tokens and passwords: with all that has to be escaped somewhere. */
const secret = fc.string({
  unit: fc.constantFrom(...LETTERS, ...'+/=%&?#:@!$\'"\\<>~*(){}|^`,;.-_', 'é', '密', '😀'),
  minLength: 8,
  maxLength: 48,
});

const words = fc
  .array(fc.constantFrom('the', 'request', 'was', 'not', 'signed', ':', '"', '=', '令牌', '\n'), {
    maxLength: 8,
  })
  .map((list) => list.join(' '));

/** The ways in which a server repeats a value. */
function formsOf(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString('base64');
  return [
    value,
    encodeURIComponent(value),
    encodeURI(value),
    new URLSearchParams({ value }).toString().slice('value='.length),
    JSON.stringify(value).slice(1, -1),
    base64,
    base64.replace(/=+$/, ''),
    base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    Buffer.from(value).toString('hex'),
  ];
}

describe('a secret', () => {
  test('does not survive in any of its forms, whatever stands around it', () => {
    const text = fc.array(fc.tuple(words, fc.nat({ max: 8 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(secret, text, words, (value, parts, end) => {
        const forms = formsOf(value);
        const message = parts.map(([before, form]) => before + forms[form]).join('') + end;
        const redacted = redactor([value])(message);
        const cleaned = cleanWords(message, redactor([value]));
        for (const form of forms) {
          expect(redacted).not.toContain(form);
          expect(cleaned).not.toContain(form);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('does not survive beside others, one of which may be a part of it', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        secret,
        words,
        (others, value, between) => {
          const part = Array.from(value).slice(0, 6).join('');
          const message = [...others, value, part, value].join(` ${between} `);
          for (const secrets of [
            [...others, value, part],
            [part, value, ...others],
          ]) {
            const redacted = redactor(secrets)(message);
            for (const hidden of secrets) expect(redacted).not.toContain(hidden);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('leaves no remainder where a part of it is a secret too', () => {
    for (const secrets of [
      ['k3y-one', 'k3y-one-and-more'],
      ['k3y-one-and-more', 'k3y-one'],
    ]) {
      expect(redactor(secrets)('k3y-one-and-more, k3y-one')).toBe('[redacted], [redacted]');
    }
  });

  test('is not cut in two before it is looked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 150, max: 210 }), (length) => {
        const value = 'S3cret-Key-With-Many-Letters';
        const cleaned = cleanWords(`${'x '.repeat(length / 2)}${value}`, redactor([value]));
        expect(cleaned).not.toContain(value.slice(0, 4));
      }),
      { numRuns: 100 },
    );
  });

  test('that is empty hides nothing', () => {
    expect(redactor([''])('all of it stays')).toBe('all of it stays');
  });

  test('leaves the words around it as they are', () => {
    expect(redactor(['k3y/+='])('token k3y/+= (k3y%2F%2B%3D) is wrong')).toBe(
      'token [redacted] ([redacted]) is wrong',
    );
  });
});

describe('foreign words', () => {
  test.each([
    ['https://api.example.com/v1/list?email=a@b.c&sign=xyz', 'https://api.example.com/v1/list'],
    [
      'GET http://h/p?sign=a%20b failed: "https://h/q?x=1" too',
      'GET http://h/p failed: "https://h/q" too',
    ],
    ['HTTPS://H/P?sign=abc', 'HTTPS://H/P'],
    ['see https://h/p#token=abc', 'see https://h/p'],
    ["at 'https://h/p?a=b' and https://h/p", "at 'https://h/p' and https://h/p"],
  ])('lose the query strings of %s', (text, expected) => {
    expect(cleanWords(text, none)).toBe(expected);
  });

  test('lose what stands behind the question mark of any URL', () => {
    const safe = fc.string({ unit: fc.constantFrom(...LETTERS, '-', '_', '.'), minLength: 1 });
    fc.assert(
      fc.property(
        fc.constantFrom('http', 'https'),
        safe,
        safe,
        safe,
        (scheme, host, name, value) => {
          const query = `${name}=HIDDEN${value}`;
          const cleaned = cleanWords(`asked ${scheme}://${host}/list?${query} in vain`, none);
          expect(cleaned).not.toContain('HIDDEN');
          expect(cleaned).toMatch(/ in vain$|…$/);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('lose every control and format character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(cleanWords(text, none)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
      { numRuns: 300 },
    );
    // A colour, a bell, a line that would pass for one of our own, text that runs backwards.
    expect(cleanWords('a\u001b[31mred\u0007\nINFO all is well\u202edne', none)).toBe(
      'a [31mred INFO all is well dne',
    );
  });

  test('lose what looks like a digest', () => {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      const digest = createHash(algorithm).update(algorithm).digest('hex');
      for (const shown of [digest, digest.toUpperCase()]) {
        expect(cleanWords(`expected sign=${shown}, sorry`, none)).toBe(
          'expected sign=[redacted], sorry',
        );
      }
    }
    expect(cleanWords('code deadbeef', none)).toBe('code deadbeef');
  });

  test('lose the middle of every long number', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[1-9]\d{6,19}$/), (number) => {
        const cleaned = cleanWords(`number +${number}, again (${number}).`, none);
        expect(cleaned).not.toContain(number);
        expect(cleaned).not.toMatch(/\d{7}/);
      }),
      { numRuns: 300 },
    );
    expect(cleanWords('caller 13800138000 is busy', none)).toBe('caller 138****8000 is busy');
    expect(cleanWords('主叫13800138000忙', none)).toBe('主叫138****8000忙');
    expect(cleanWords('error 400012 at line 99', none)).toBe('error 400012 at line 99');
  });

  test('are one line of two hundred characters at most', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => {
        const cleaned = cleanWords(text, none);
        expect(cleaned.length).toBeLessThanOrEqual(200);
        expect(cleaned).not.toMatch(/[\r\n]| {2}/);
      }),
      { numRuns: 500 },
    );
    expect(cleanWords('x'.repeat(200), none)).toBe('x'.repeat(200));
    expect(cleanWords('x'.repeat(201), none)).toBe(`${'x'.repeat(199)}…`);
  });

  test('stay as they are where nothing is wrong with them', () => {
    for (const text of ['签名错误', 'Invalid signature.', 'code 1001: 余额不足', '']) {
      expect(cleanWords(text, none)).toBe(text);
    }
  });
});

describe('a number', () => {
  test('keeps its length and at most seven of its digits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{1,24}$/), (number) => {
        const masked = maskNumber(number);
        expect(masked).toHaveLength(number.length);
        expect(masked.replaceAll('*', '').length).toBeLessThanOrEqual(number.length < 8 ? 0 : 7);
        expect(masked).not.toBe(number);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['13800138000', '138****8000'],
    ['1001', '****'],
    ['1234567', '*******'],
    ['12345678', '123*5678'],
  ])('%s is shown as %s', (number, masked) => {
    expect(maskNumber(number)).toBe(masked);
  });
});
