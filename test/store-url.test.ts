import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { money, NOT_PLAIN, plainMoney } from '../src/providers/fields.ts';
import { type ParsedUrl, parseStoreUrl, resolveStoreUrl, storeName } from '../src/store-url.ts';

function problemOf(url: string): string {
  const parsed: ParsedUrl = parseStoreUrl(url);
  return parsed.kind === 'problem' ? parsed.message : expect.fail('it was accepted');
}

describe('the URL of a store', () => {
  it('names a database, with defaults for what it leaves out', () => {
    expect(parseStoreUrl('postgres://db.example.com/cdr')).toEqual({
      kind: 'address',
      address: {
        ...{ kind: 'postgres', host: 'db.example.com', port: 5432, user: null, password: null },
        ...{ database: 'cdr', schema: 'cdrsync', tls: { kind: 'off' }, pool: 10 },
        applicationName: 'cdrsync',
      },
    });
  });

  it('reads whatever login, host and options it is made of', () => {
    const word = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(word, word, fc.integer({ min: 2, max: 200 }), (user, password, pool) => {
        const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
        const url = `postgresql://${login}@[::1]:6543/a%20b?schema=s_1&pool=${pool}&sslmode=verify-full&sslrootcert=ca.pem`;
        const parsed = parseStoreUrl(url);
        expect(parsed).toMatchObject({
          address: {
            ...{ user, password, host: '::1', port: 6543, database: 'a b', schema: 's_1', pool },
            tls: { kind: 'verified', ca: 'ca.pem', cert: null, key: null },
          },
        });
        // Resolving its files changes nothing else.
        const resolved = resolveStoreUrl(url, (file) => `/etc/${file}`);
        expect(parseStoreUrl(resolved)).toMatchObject({
          address: { user, password, tls: { ca: '/etc/ca.pem' } },
        });
      }),
    );
  });

  it('reaches a server by the folder of its socket', () => {
    const parsed = parseStoreUrl('postgres:///cdr?host=/var/run/postgresql');
    expect(parsed).toMatchObject({ address: { host: '/var/run/postgresql', database: 'cdr' } });
  });

  it.each([
    ['mysql://h/d', 'must be'],
    ['sqlite:', 'must be'],
    ['postgres://h', 'database'],
    ['postgres://h/', 'database'],
    ['postgres://u:p@ss/w@h/d', 'database'],
    ['postgres://u:p w@h:x/d', 'not a URL'],
    ['postgres://u:%zz@h/d', '%'],
    ['postgres://h/d?sslmode=no-verify', 'sslmode'],
    ['postgres://h/d?sslmode=prefer', 'sslmode'],
    ['postgres://h/d?ssl=true', 'parameter'],
    ['postgres://h/d?options=-c%20x', 'parameter'],
    ['postgres://h/d?schema=Public', 'schema'],
    ['postgres://h/d?schema=pg_catalog', 'schema'],
    ['postgres://h/d?schema=a,b', 'schema'],
    ['postgres://h/d?pool=1', 'pool'],
    ['postgres://h/d?pool=x', 'pool'],
    ['postgres://u:secret@h/d#x', 'fragment'],
  ])('is refused as %s', (url, word) => {
    const problem = problemOf(url);
    expect(problem).toContain(word);
    expect(problem).not.toContain('secret');
  });

  it('is told to people without its login', () => {
    expect(storeName('postgres://user:secret@h:1/d?pool=5&sslrootcert=x')).toBe(
      'postgres://h:1/d?schema=cdrsync',
    );
    expect(storeName('sqlite:/data/x.db')).toBe('/data/x.db');
  });
});

describe('money', () => {
  it.each([
    ['007.50', '7.50'],
    ['-0.00', '0.00'],
    ['-00.10', '-0.10'],
    ['0', '0'],
    ['000', '0'],
    ['1.10', '1.10'],
    ['-1e-7', '-0.0000001'],
  ])('%s is kept as %s, as a database keeps it', (given, kept) => {
    expect(money.parse(given)).toBe(kept);
  });

  it('is read by the quick way as by the schema, or left to that', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), minLength: 0, maxLength: 4 });
    const amount = fc.tuple(fc.constantFrom('', '-'), digits, fc.constantFrom('', '.'), digits);
    fc.assert(
      fc.property(amount, (parts) => {
        const text = parts.join('');
        const parsed = money.safeParse(text);
        try {
          const quick = plainMoney(text);
          expect(parsed.data).toBe(quick);
        } catch (error) {
          if (error !== NOT_PLAIN) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is not what no column of money holds', () => {
    expect(money.safeParse('9'.repeat(300)).success).toBe(false);
    expect(money.safeParse(`0.${'1'.repeat(100)}`).success).toBe(false);
  });
});
