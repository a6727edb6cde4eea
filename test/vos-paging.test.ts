import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isObject, type Json, writeJson } from '../src/json.ts';
import type { Ask, Page } from '../src/providers/provider.ts';
import { vos } from '../src/providers/vos.ts';

/**
 * The provider's document shows a whole day as a bare array; another copy of it
 * shows pages. Each rule by itself, then whole walks against servers of every
 * kind: what is claimed to be complete must be so, and no row may come twice.
 */

const account = {
  accountId: 'vos-1',
  baseUrl: 'http://127.0.0.1',
  timeZone: 'Asia/Shanghai',
  currency: null,
  credentials: { token: 't' },
};
const connector = vos.open({ ...account, options: { userId: 'u', vosAccountId: '10' } });

const FROM = Date.parse('2026-11-02T00:00:00+08:00');
const TO = Date.parse('2026-11-03T00:00:00+08:00');

function askOf(cursor: string | null): Ask {
  return { from: FROM, to: TO, cursor, signing: { now: TO, nonce: 'n', token: null } };
}

function read(body: Json, cursor: string | null = null): Page {
  const reading = connector.read(body, askOf(cursor));
  if (reading.kind === 'fault') expect.fail(reading.fault.message);
  return reading;
}

const call = (id: number, fee = 0): Json => ({
  phone: '021',
  callee_phone: String(id),
  start_time: '2026-11-02 08:00:00',
  fee,
});

function calls(first: number, count: number): readonly Json[] {
  return Array.from({ length: count }, (_, index) => call(first + index));
}

const bare = (rows: readonly Json[]): Json => ({ code: 200, data: rows });
const counted = (page: number, before: number) => writeJson({ kind: 'counted', page, before });
const end = (proof: boolean) => ({ kind: 'end', proof });

/** The cursor with which the page after this one is asked for. */
function cursorAfter(page: Page): string {
  if (page.after.kind !== 'more') expect.fail(`${page.after.kind}, and no more`);
  return page.after.cursor;
}

function pageAsked(cursor: string | null): number {
  return Number(new URL(connector.request(askOf(cursor)).url).searchParams.get('page') ?? '1');
}

describe('a bare array', () => {
  test('is the whole day', () => {
    for (const count of [0, 1, 14, 16, 49, 51, 99, 120]) {
      const rows = calls(1, count);
      expect(read(bare(rows))).toMatchObject({ rows, total: null, after: end(true) });
      expect(read({ data: rows }).after).toEqual(end(true));
      expect(read({ code: '200', data: { data: rows } }).after).toEqual(end(true));
      expect(read({ code: '200', data: { list: rows } }).after).toEqual(end(true));
    }
  });

  test('of as many rows as a page may have is followed by a look for a second page', () => {
    for (const count of [15, 50, 100, 500, 1000]) {
      expect(pageAsked(cursorAfter(read(bare(calls(1, count)))))).toBe(2);
    }
  });

  test('is the whole day after all when the second page is empty, or the same', () => {
    const cursor = cursorAfter(read(bare(calls(1, 50))));
    const changed = [call(1, 7), ...calls(2, 49)];
    for (const rows of [[], calls(1, 50), changed, calls(0, 51), calls(1, 53)]) {
      expect(read(bare(rows), cursor)).toMatchObject({ rows: [], after: end(true) });
    }
  });

  test('is a page when the second one is another, and the last is followed by a look too', () => {
    const second = read(bare(calls(51, 50)), cursorAfter(read(bare(calls(1, 50)))));
    expect(second.rows).toHaveLength(50);
    const third = read(bare(calls(101, 7)), cursorAfter(second));
    expect(third.rows).toHaveLength(7);
    expect(pageAsked(cursorAfter(third))).toBe(4);
    for (const rows of [[], calls(101, 7)]) {
      const last = read(bare(rows), cursorAfter(third));
      expect(last).toMatchObject({ rows: [], after: end(true) });
    }
  });

  test('tells rows apart that no mapping can read', () => {
    const cursor = cursorAfter(read(bare(Array.from({ length: 15 }, () => 'torn'))));
    expect(read(bare(Array.from({ length: 15 }, () => 'other')), cursor).rows).toHaveLength(15);
    expect(read(bare(Array.from({ length: 15 }, () => 'torn')), cursor).rows).toHaveLength(0);
  });
});

describe('a counted list', () => {
  const meta = (current: Json, last: Json, total: Json): Json => ({
    current_page: current,
    last_page: last,
    per_page: 15,
    total,
  });

  test('is found in all of its shapes', () => {
    const rows = calls(1, 15);
    const paged = meta(1, 2, 20);
    const bodies: readonly Json[] = [
      { data: rows, meta: paged },
      { code: 200, data: rows, meta: meta('1', '2', '20') },
      { code: 200, data: { data: rows, meta: paged } },
      { code: 200, data: { data: rows }, meta: paged },
      { code: 200, data: { list: rows, meta: paged } },
      { code: 200, data: { data: rows, current_page: 1, last_page: 2, total: 20 } },
      { data: rows, current_page: 1, last_page: 2, total: '20' },
    ];
    for (const body of bodies) {
      const after = { kind: 'more', cursor: counted(2, 15) };
      expect(read(body)).toMatchObject({ rows, total: 20, after });
    }
  });

  test('ends with its last page', () => {
    const one = read({ data: calls(1, 15), meta: meta(1, 1, 15) });
    expect(one).toMatchObject({ total: 15, after: end(true) });
    const two = read({ data: calls(16, 5), meta: meta(2, 2, 20) }, counted(2, 15));
    expect(two).toMatchObject({ total: 20, after: end(true) });
    const none = read({ data: [], meta: meta(1, 1, 0) });
    expect(none).toMatchObject({ rows: [], total: 0, after: end(true) });
  });

  test('is stuck when another page comes than the one asked for', () => {
    const bodies: readonly Json[] = [
      { data: calls(1, 15), meta: meta(1, 2, 20) },
      { data: calls(1, 15), meta: meta(3, 3, 40) },
      { data: calls(1, 15), meta: meta(null, 2, 20) },
      { data: calls(1, 15) },
    ];
    for (const body of bodies) expect(read(body, counted(2, 15)).after.kind).toBe('stuck');
    expect(read({ data: calls(1, 15), meta: meta(2, 2, 20) }).after.kind).toBe('stuck');
  });

  test('goes on while its total says so, where no last page is stated', () => {
    const first = read({ data: calls(1, 15), meta: meta(1, null, 16) });
    expect(first.after).toEqual({ kind: 'more', cursor: counted(2, 15) });
    const last = read({ data: calls(16, 1), meta: meta(2, null, 16) }, counted(2, 15));
    expect(last.after).toEqual(end(true));
  });

  test('goes on to an empty page where only its number is stated', () => {
    const first = read({ data: calls(1, 3), meta: meta(1, null, null) });
    expect(first.after).toEqual({ kind: 'more', cursor: counted(2, 3) });
    const last = read({ data: [], meta: meta(2, null, null) }, counted(2, 3));
    expect(last.after).toEqual(end(true));
  });

  test('proves nothing when a page before the last is empty', () => {
    expect(read({ data: [], meta: meta(1, 3, 40) }).after).toEqual(end(false));
  });
});

describe('identity', () => {
  const idOf = (row: Json, accountId = 'vos-1'): string => {
    const options = { userId: 'u', vosAccountId: 10 };
    const mapped = vos.open({ ...account, accountId, options }).toCall(row, () => null);
    return mapped.kind === 'call' ? mapped.call.call_id : expect.fail(mapped.reason);
  };

  test('hangs on the account and the six fields, and on nothing else', () => {
    const row = {
      customer_account: '1',
      phone: '2',
      callee_phone: '3',
      start_time: '2026-11-02 08:00:00',
      end_time: '2026-11-02 08:00:01',
    };
    const id = idOf(row);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(idOf(row, 'vos-2')).not.toBe(id);
    for (const [field, value] of Object.entries(row)) {
      expect(idOf({ ...row, [field]: value.replace(/.$/, '9') }), field).not.toBe(id);
    }
    const same = { fee: 9, hold_time: '00:00:01', customer_name: 'n', call_level_text: 't' };
    expect(idOf({ ...row, ...same, phone: 2 })).toBe(id);
  });

  test('warns where the VOS account is left to the provider', () => {
    expect(connector.warnings).toEqual([]);
    const first = vos.open({ ...account, options: { userId: 'u' } });
    expect(first.warnings).toHaveLength(1);
    expect(first.request(askOf(null)).url).toBe(
      'http://127.0.0.1/agent-api/vos/u/get_call_record?time=2026-11-02',
    );
    expect(first.principal).not.toBe(connector.principal);
  });
});

interface Server {
  readonly count: number;
  readonly size: number;
  /** `deaf` knows no pages, `silent` has them and does not say so, `meta` says so, `stubborn` always lists the first. */
  readonly kind: 'deaf' | 'silent' | 'meta' | 'stubborn';
}

function answer({ count, size, kind }: Server, page: number): Json {
  const rows = calls(1, count);
  if (kind === 'deaf') return bare(rows);
  const current = kind === 'stubborn' ? 1 : page;
  const data = rows.slice((current - 1) * size, current * size);
  if (kind === 'silent') return bare(data);
  const last = Math.max(1, Math.ceil(count / size));
  return { code: 200, data, meta: { current_page: current, last_page: last, total: count } };
}

function walk(server: Server): { readonly found: readonly string[]; readonly proven: boolean } {
  const found: string[] = [];
  let cursor: string | null = null;
  for (let requests = 0; requests < 300; requests++) {
    const page = read(answer(server, pageAsked(cursor)), cursor);
    for (const row of page.rows) found.push(String(isObject(row) ? row['callee_phone'] : row));
    if (page.after.kind !== 'more') {
      return { found, proven: page.after.kind === 'end' && page.after.proof };
    }
    expect(page.after.cursor).not.toBe(cursor);
    cursor = page.after.cursor;
  }
  throw new Error('the walk does not end');
}

describe('walks', () => {
  test('list each call once where they claim to be complete, and claim it where they are', () => {
    const servers = fc.record<Server>({
      count: fc.oneof(fc.nat({ max: 160 }), fc.constantFrom(15, 30, 45, 50, 100, 150)),
      size: fc.constantFrom(15, 50, 100),
      kind: fc.constantFrom('deaf', 'silent', 'meta', 'stubborn'),
    });
    fc.assert(
      fc.property(servers, (server) => {
        const { found, proven } = walk(server);
        const wanted = calls(1, server.count).map((_, index) => String(index + 1));
        if (proven) expect(found).toEqual(wanted);
        // It lists its first page for every other: that is the whole day, or no proof.
        const whole = server.kind !== 'stubborn' || server.count <= server.size;
        expect(proven).toBe(whole);
      }),
      { numRuns: 500 },
    );
  });
});
