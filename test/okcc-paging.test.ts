import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isObject, type Json, parseJson, writeJson } from '../src/json.ts';
import { okcc } from '../src/providers/okcc.ts';
import type { Ask, Page } from '../src/providers/provider.ts';
import { SECOND } from '../src/time.ts';

/**
 * What startKey means is not documented, so the provider learns it page by
 * page. First each rule by itself, then whole walks against servers of every
 * kind we could think of: a walk may fail to prove that it is complete, but it
 * may never claim so falsely.
 */

const connector = okcc.open({
  accountId: 'okcc-1',
  baseUrl: 'http://127.0.0.1/openapi/V2.0.6',
  timeZone: 'Asia/Shanghai',
  currency: null,
  credentials: { customer: 'C2', password: 'p' },
  options: {},
});

const START = Date.parse('2026-11-02T08:00:00+08:00');

function askOf(cursor: string | null, from = START, to = START + SECOND): Ask {
  return { from, to, cursor, signing: { now: START, nonce: 'n', token: null } };
}

function read(response: Json, cursor: string | null = null): Page {
  const body = { result: { error: 0 }, data: { response } };
  const reading = connector.read(body, askOf(cursor));
  if (reading.kind === 'fault') expect.fail(reading.fault.message);
  return reading;
}

const keys = (...list: readonly Json[]): readonly Json[] => list.map((key) => ({ key }));
const sent = (ask: Ask): Json => {
  const { body } = connector.request(ask);
  const json = body.kind === 'json' ? parseJson(body.text) : null;
  return isObject(json) ? (json['request'] ?? null) : null;
};
const keyed = (startKey: Json, rows: number, total: number | null): string =>
  writeJson({ phase: 'keyed', startKey, rows, total });
const more = (cursor: string) => ({ kind: 'more', cursor });
const end = (proof: boolean) => ({ kind: 'end', proof });

describe('the first page', () => {
  test('ends the list when it is empty', () => {
    for (const cdr of [[], null]) {
      expect(read({ total: '0', cdr, size: 500 })).toMatchObject({ rows: [], after: end(true) });
    }
    expect(read({ total: 0 })).toMatchObject({ rows: [], total: null, after: end(true) });
  });

  test('ends the list when it is shorter than its stated size', () => {
    const page = read({ total: 2, cdr: keys('9', '8'), size: 3 });
    expect(page).toMatchObject({ total: 2, after: end(true) });
  });

  test('goes on from the key of its last row when it is full', () => {
    const page = read({ cdr: keys('9', '8'), size: 2 });
    expect(page).toMatchObject({ total: null, after: more(keyed('8', 2, null)) });
  });

  test('goes on when it is short and the total says that more exists', () => {
    const page = read({ total: 3, cdr: keys('9', '8'), size: 500 });
    expect(page).toMatchObject({ total: 3, after: more(keyed('8', 2, 3)) });
  });

  test('goes on when no size is stated', () => {
    for (const size of [undefined, null, 0, '']) {
      const sized = size === undefined ? {} : { size };
      expect(read({ total: 2, cdr: keys(9, 8), ...sized }).after).toEqual(more(keyed(8, 2, null)));
    }
  });

  test('believes no total that equals a full page, or is below its rows', () => {
    expect(read({ total: 2, cdr: keys('9', '8'), size: 2 }).total).toBeNull();
    expect(read({ total: 2, cdr: keys('9', '8') }).total).toBeNull();
    expect(read({ total: 1, cdr: keys('9', '8'), size: 5 }).total).toBeNull();
    expect(read({ total: 7, cdr: keys('9', '8') }).total).toBe(7);
  });

  test('goes on from the last row that has a key, and is stuck without any', () => {
    const cdr = [{ key: '9' }, { key: 8 }, { key: '' }, { session: 's' }, 'torn'];
    expect(read({ cdr, size: 5 }).after).toEqual(more(keyed(8, 5, null)));
    expect(read({ cdr: [{ session: 's' }, {}], size: 2 }).after.kind).toBe('stuck');
  });

  test('is found beside data.response too', () => {
    const body = { result: { error: '' }, data: { response: {}, total: '1', cdr: keys('1') } };
    expect(connector.read(body, askOf(null))).toMatchObject({ rows: keys('1') });
  });

  test('is a fault where rows are promised and none are there', () => {
    for (const response of [{ total: 3, cdr: null }, { total: 3 }, {}, { cdr: {} }]) {
      const body = { result: { error: 0 }, data: { response } };
      expect(connector.read(body, askOf(null))).toMatchObject({ kind: 'fault' });
    }
  });
});

describe('a later page', () => {
  test('proves the end when the page before had rows that it could have listed again', () => {
    for (const cdr of [[], null, keys('8'), keys(8)]) {
      expect(read({ total: 9, cdr, size: 2 }, keyed('8', 2, null)).after).toEqual(end(true));
      expect(read({ total: 9, cdr, size: 2 }, keyed('8', 1, null)).after).toEqual(end(false));
    }
  });

  test('ends the list when it is shorter than its stated size', () => {
    expect(read({ cdr: keys('7'), size: 2 }, keyed('8', 2, null)).after).toEqual(end(true));
  });

  test('goes on while it is full, or of unknown size', () => {
    expect(read({ cdr: keys('8', '7'), size: 2 }, keyed('8', 2, null)).after).toEqual(
      more(keyed('7', 2, null)),
    );
    expect(read({ cdr: keys('7') }, keyed('8', 2, null)).after).toEqual(more(keyed('7', 1, null)));
  });

  test('is stuck when it ends where it began', () => {
    for (const startKey of ['8', 8]) {
      const page = read({ cdr: keys('9', '8'), size: 2 }, keyed(startKey, 2, null));
      expect(page.after.kind).toBe('stuck');
    }
  });

  test('keeps the total of the first page, unless it grew', () => {
    const totalOf = (stated: Json, carried: number | null) =>
      read({ total: stated, cdr: keys('7'), size: 2 }, keyed('8', 2, carried)).total;
    expect(totalOf(1, 3)).toBe(3);
    expect(totalOf('4', 3)).toBe(4);
    expect(totalOf(null, 3)).toBe(3);
    expect(totalOf(99, null)).toBeNull();
    const page = read({ total: 6, cdr: keys('7', '6'), size: 2 }, keyed('8', 2, 5));
    expect(page.after).toEqual(more(keyed('6', 2, 6)));
  });

  test('says how many of its rows only repeat the key', () => {
    expect(read({ cdr: keys(8, 7), size: 2 }, keyed('8', 2, null)).overlap).toBe(1);
    expect(read({ cdr: keys(7, 6), size: 2 }, keyed('8', 2, null)).overlap).toBe(0);
    expect(read({ cdr: keys(8), size: 2 }, keyed('8', 2, null)).overlap).toBe(1);
  });

  test('is asked for with the key as it came', () => {
    for (const source of ['"8"', '8', '9007199254740993', '"009"']) {
      const page = read(parseJson(`{"size":1,"cdr":[{"key":${source}}]}`));
      const cursor = page.after.kind === 'more' ? page.after.cursor : null;
      expect(writeJson(sent(askOf(cursor)))).toContain(`"startKey":${source}}`);
    }
  });
});

describe('a second that holds more than its page shows', () => {
  const from = writeJson({ phase: 'from', full: 3, total: 9 });
  const to = (rows: number, full: number | null = 3) =>
    writeJson({ phase: 'to', full, rows, total: 9 });
  const service = (index: number) => writeJson({ phase: 'service', index, total: 9 });

  test('is narrowed to its first instant, then to its last', () => {
    expect(connector.narrow(askOf(keyed('8', 3, 9)))).toBe(from);
    expect(sent(askOf(from))).toEqual({
      startTime: '2026-11-02 08:00:00',
      endTime: '2026-11-02 08:00:00',
    });
    const page = read({ total: 2, cdr: keys(1, 2), size: 3 }, from);
    const next = writeJson({ phase: 'to', full: 3, total: 9, rows: 2 });
    expect(page).toMatchObject({ total: 9, overlap: 2, after: more(next) });
    expect(sent(askOf(next))).toEqual({
      startTime: '2026-11-02 08:00:01',
      endTime: '2026-11-02 08:00:01',
    });
  });

  test('is stuck where an instant fills a page, or may do so', () => {
    for (const cursor of [from, to(2)]) {
      expect(read({ cdr: keys(1, 2, 3), size: 3 }, cursor).after.kind).toBe('stuck');
      expect(read({ cdr: keys(1) }, cursor).after.kind).toBe('stuck');
    }
  });

  test('is proven by its instants only when they show as much as the whole did', () => {
    expect(read({ cdr: keys(1), size: 3 }, to(2)).after).toEqual(end(true));
    expect(read({ cdr: [], size: 3 }, to(2)).after).toMatchObject({ kind: 'stuck' });
    expect(read({ cdr: [], size: 3 }, to(0)).after).toMatchObject({ kind: 'stuck' });
    expect(read({ cdr: keys(1), size: 3 }, to(2, null)).after).toMatchObject({ kind: 'stuck' });
  });

  test('is narrowed by service type where a total can prove it, and then no more', () => {
    for (const cursor of [from, to(2)]) {
      expect(connector.narrow(askOf(cursor))).toBe(service(0));
      expect(connector.narrow(askOf(cursor.replace('"total":9', '"total":null')))).toBeNull();
    }
    expect(connector.narrow(askOf(service(4)))).toBeNull();
  });

  test('is asked for one service type after the other', () => {
    const asked: Json[] = [];
    let cursor = service(0);
    for (;;) {
      asked.push(sent(askOf(cursor)));
      const page = read({ total: 1, cdr: keys(1), size: 3 }, cursor);
      expect(page).toMatchObject({ total: 9, overlap: 1 });
      if (page.after.kind !== 'more') {
        expect(page.after.kind).toBe('stuck');
        break;
      }
      cursor = page.after.cursor;
    }
    const span = { startTime: '2026-11-02 08:00:00', endTime: '2026-11-02 08:00:01' };
    const types = [1, 2, 3, 4, 5, 7, 9, 17, 18, 19, 21];
    expect(asked).toEqual(types.map((serviceType) => ({ ...span, serviceType })));
    expect(read({ cdr: keys(1, 2, 3), size: 3 }, service(2)).after.kind).toBe('stuck');
    expect(read({ cdr: keys(1, 2, 3) }, service(2)).after.kind).toBe('more');
  });

  test('is narrowed without a total when its first page had no keys', () => {
    const cursor = connector.narrow(askOf(null));
    expect(cursor).toBe(writeJson({ phase: 'from', full: null, total: null }));
  });
});

interface Row {
  readonly key: number;
  readonly second: number;
  readonly serviceType: number;
}

interface Server {
  readonly rows: readonly Row[];
  readonly descending: boolean;
  readonly startKey: 'exclusive' | 'inclusive' | 'ignored' | 'wrong' | 'wrong-inclusive' | 'turns';
  readonly total: 'range' | 'page' | 'rest' | 'none' | 'wrong';
  readonly size: number;
  readonly statesSize: boolean;
  readonly endInclusive: boolean;
}

const server: fc.Arbitrary<Server> = fc.record({
  rows: fc.uniqueArray(
    fc.record({
      key: fc.integer({ min: 1, max: 60 }),
      second: fc.constantFrom(0, 1, 1, 1, 2, 3),
      serviceType: fc.constantFrom(1, 2, 17, 33),
    }),
    { selector: ({ key }) => key, maxLength: 14 },
  ),
  descending: fc.boolean(),
  startKey: fc.constantFrom(
    'exclusive',
    'inclusive',
    'ignored',
    'wrong',
    'wrong-inclusive',
    'turns',
  ),
  total: fc.constantFrom('range', 'page', 'rest', 'none', 'wrong'),
  size: fc.integer({ min: 1, max: 6 }),
  statesSize: fc.boolean(),
  endInclusive: fc.boolean(),
});

const LENGTH = 4;

function inRange(shape: Server, from: number, to: number): readonly Row[] {
  return shape.rows.filter(
    ({ second }) => second >= from && (second < to || (shape.endInclusive && second === to)),
  );
}

function answer(shape: Server, request: Json): Json {
  const { startTime, endTime, startKey, serviceType } = isObject(request) ? request : {};
  const secondOf = (text: Json | undefined) =>
    Date.parse(`${String(text).replace(' ', 'T')}+08:00`) / SECOND - START / SECOND;
  const sort = shape.descending ? -1 : 1;
  const range = inRange(shape, secondOf(startTime), secondOf(endTime))
    .filter((row) => serviceType === undefined || row.serviceType === serviceType)
    .sort((a, b) => (a.key - b.key) * sort);
  const start = startKey === undefined ? null : Number(startKey);
  const heeded = (row: Row): boolean => {
    if (start === null || shape.startKey === 'ignored') return true;
    if (row.key === start) return shape.startKey.endsWith('inclusive');
    const onward = (row.key - start) * sort > 0;
    return shape.startKey === 'exclusive' || shape.startKey === 'inclusive' ? onward : !onward;
  };
  const rest = range.filter(heeded);
  if (start !== null && shape.startKey === 'turns') rest.reverse();
  const cdr = rest.slice(0, shape.size).map((row) => ({ ...row }));
  const totals = {
    range: range.length,
    page: cdr.length,
    rest: rest.length,
    wrong: Math.max(0, range.length - 1),
  };
  return {
    result: { error: 0 },
    data: {
      response: {
        cdr,
        ...(shape.total === 'none' ? {} : { total: String(totals[shape.total]) }),
        ...(shape.statesSize ? { size: shape.size } : {}),
      },
    },
  };
}

interface Walked {
  readonly found: ReadonlySet<string>;
  readonly proven: boolean;
}

/** The engine in small: counts, refuses pages of known rows, halves, then narrows. */
function walk(shape: Server, from: number, to: number): Walked {
  const found = new Set<string>();
  let cursor: string | null = null;
  for (let requests = 0; requests < 200; requests++) {
    const ask = askOf(cursor, START + from * SECOND, START + to * SECOND);
    const page = connector.read(answer(shape, sent(ask)), ask);
    if (page.kind === 'fault') throw new Error(page.fault.message);
    const known = found.size;
    for (const row of page.rows) found.add(writeJson(isObject(row) ? (row['key'] ?? null) : row));
    const repeats = page.rows.length - (found.size - known);
    if (page.total === found.size) return { found, proven: true };
    const unheeded = cursor !== null && repeats > (page.overlap ?? 0);
    if (!unheeded && page.after.kind === 'end') {
      const untrusted = page.total === null || page.total < found.size;
      return { found, proven: page.after.proof && untrusted };
    }
    if (!unheeded && page.after.kind === 'more') {
      expect(page.after.cursor).not.toBe(cursor);
      cursor = page.after.cursor;
      continue;
    }
    if (to - from > 1) {
      const middle = Math.floor((from + to) / 2);
      const [first, second] = [walk(shape, from, middle), walk(shape, middle, to)];
      return {
        found: new Set([...first.found, ...second.found]),
        proven: first.proven && second.proven,
      };
    }
    cursor = connector.narrow(ask);
    if (cursor === null) return { found, proven: false };
  }
  throw new Error('the walk does not end');
}

/** A walk is right about `[from, to)` when it found every row there. */
function missing(shape: Server, { found }: Walked): readonly number[] {
  return shape.rows
    .filter(({ second }) => second < LENGTH)
    .map(({ key }) => key)
    .filter((key) => !found.has(String(key)));
}

describe('walks', () => {
  test('claim no completeness that they do not have, whatever the server does', () => {
    fc.assert(
      fc.property(server, (shape) => {
        // A total that counts too little is a lie that no client can see through by itself.
        fc.pre(shape.total !== 'wrong');
        const walked = walk(shape, 0, LENGTH);
        if (walked.proven) expect(missing(shape, walked)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('end, even where the totals lie', () => {
    fc.assert(
      fc.property(server, (shape) => {
        walk(shape, 0, LENGTH);
      }),
      { numRuns: 1000 },
    );
  });

  test('are complete where startKey is heeded, and proven where the size is stated', () => {
    const heeding = server
      .filter(({ startKey }) => startKey === 'exclusive' || startKey === 'inclusive')
      // With an inclusive key and one row a page, no page brings news.
      .filter(({ startKey, size }) => size > (startKey === 'inclusive' ? 1 : 0))
      .filter(({ total }) => total !== 'wrong');
    fc.assert(
      fc.property(heeding, (shape) => {
        const walked = walk(shape, 0, LENGTH);
        expect(missing(shape, walked)).toEqual([]);
        // A lone row of no stated size takes a second walk to prove, which is the engine's.
        if (shape.statesSize && shape.size > 1) expect(walked.proven).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('are complete and proven without startKey where each second fits a page', () => {
    const ignoring = server.map((shape) => ({
      ...shape,
      startKey: 'ignored' as const,
      statesSize: true,
      size: 20,
    }));
    fc.assert(
      fc.property(ignoring, (shape) => {
        fc.pre(shape.total !== 'wrong');
        const walked = walk(shape, 0, LENGTH);
        expect(walked.proven).toBe(true);
        expect(missing(shape, walked)).toEqual([]);
      }),
    );
  });

  test('of a full second without startKey find both of its instants', () => {
    const rows = [1, 2, 3, 4].map((key) => ({ key, second: key % 2, serviceType: 1 }));
    const shape: Server = {
      rows,
      descending: true,
      startKey: 'ignored',
      total: 'page',
      size: 3,
      statesSize: true,
      endInclusive: true,
    };
    const walked = walk(shape, 0, 1);
    expect(walked).toEqual({ found: new Set(['1', '2', '3', '4']), proven: true });
    expect(walk({ ...shape, endInclusive: false }, 0, 1)).toMatchObject({ proven: true });
    expect(walk({ ...shape, endInclusive: false, size: 2 }, 0, 1)).toMatchObject({ proven: false });
  });

  test('of a full instant without startKey find all service types where the total proves it', () => {
    const rows = [1, 2, 3, 4].map((key) => ({ key, second: 0, serviceType: key }));
    const shape: Server = {
      rows,
      descending: false,
      startKey: 'ignored',
      total: 'range',
      size: 3,
      statesSize: true,
      endInclusive: true,
    };
    expect(walk(shape, 0, 1)).toEqual({ found: new Set(['1', '2', '3', '4']), proven: true });
    expect(walk({ ...shape, total: 'page' }, 0, 1)).toMatchObject({ proven: false });
  });
});
