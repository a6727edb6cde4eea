import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countedPage, pageCount } from '../src/providers/paging.ts';
import type { After, Identity, Page, Paging } from '../src/providers/provider.ts';
import {
  digestOf,
  emptyMemory,
  memoryDigest,
  packDigests,
  recallMemory,
  rememberPage,
} from '../src/sync/memory.ts';
import {
  judge,
  moveOf,
  type TotalMove,
  type Verdict,
  type WalkEvidence,
} from '../src/sync/proof.ts';

/** When a window may be called complete: rule by rule, then against lists that move. */

const END: After = { kind: 'end', proof: false };
const PROVEN_END: After = { kind: 'end', proof: true };
const MORE: After = { kind: 'more', cursor: '2:2' };

interface Case {
  readonly page?: Partial<Page>;
  readonly evidence?: Partial<WalkEvidence>;
}

/** Two rows on the first page of a list, unless said otherwise. */
function verdictOf({ page = {}, evidence = {} }: Case): Verdict {
  return judge(
    { kind: 'page', rows: [{}, {}], total: null, after: END, ...page },
    {
      paging: 'numbered',
      identity: 'native',
      distinct: 2,
      listed: 2,
      repeats: 0,
      news: { fresh: 2, repeats: 0 },
      firstPage: true,
      totalMoved: 'held',
      agrees: false,
      cursor: null,
      ...evidence,
    },
  );
}

const proven = (contradiction = false) => ({ kind: 'proven', contradiction });
const again = (full: boolean) => expect.objectContaining({ kind: 'again', full });
const narrow = expect.objectContaining({ kind: 'narrow' });

describe('a stated total', () => {
  test('proves the list once so many identities were listed, whatever follows the page', () => {
    for (const after of [END, PROVEN_END, MORE, { kind: 'stuck', reason: '' } as const]) {
      expect(verdictOf({ page: { total: 2, after } })).toEqual(proven());
    }
  });

  test('proves an empty list', () => {
    const evidence = { distinct: 0, listed: 0, news: { fresh: 0, repeats: 0 } };
    const page = { rows: [], total: 0, after: PROVEN_END };
    expect(verdictOf({ page, evidence })).toEqual(proven());
  });

  test('counts identities, not rows, where rows have one of their own', () => {
    const evidence = { distinct: 2, listed: 3, repeats: 1, firstPage: false };
    expect(verdictOf({ page: { total: 3 }, evidence })).toEqual(again(true));
    expect(verdictOf({ page: { total: 2 }, evidence })).toEqual(proven());
  });

  test('counts rows where equal ones are different calls', () => {
    const evidence = { identity: 'derived', distinct: 2, listed: 3 } as const;
    expect(verdictOf({ page: { total: 3 }, evidence })).toEqual(proven());
    expect(verdictOf({ page: { total: 2, after: MORE }, evidence })).toEqual(MORE);
  });

  test('that moved proves nothing by a count of rows, which may hold one row twice', () => {
    const evidence = { identity: 'derived', distinct: 3, listed: 3, totalMoved: 'grew' } as const;
    expect(verdictOf({ page: { total: 3, after: PROVEN_END }, evidence })).toEqual(again(true));
  });

  test('above what was listed is not outweighed by a page that proves the end', () => {
    const verdict = verdictOf({ page: { total: 3, after: PROVEN_END } });
    expect(verdict).toEqual(again(true));
    expect(verdict).toMatchObject({ reason: 'the provider states 3 rows and lists 2' });
  });

  test('below what was listed is not believed, so that the end decides', () => {
    expect(verdictOf({ page: { total: 1, after: PROVEN_END } })).toEqual(proven());
    expect(verdictOf({ page: { total: 1, after: END } })).toEqual(again(true));
    expect(verdictOf({ page: { total: 1, after: MORE } })).toEqual(MORE);
  });
});

describe('without a total', () => {
  test('only a page that shows the end proves it', () => {
    expect(verdictOf({ page: { after: PROVEN_END } })).toEqual(proven());
    expect(verdictOf({ page: { after: END } })).toEqual(again(true));
    expect(verdictOf({ page: { after: MORE } })).toEqual(MORE);
  });

  test('a walk in which something shifted is not proven by its end', () => {
    for (const identity of ['derived', 'native'] as const) {
      const evidence = { identity, repeats: 1, firstPage: false };
      expect(verdictOf({ page: { after: PROVEN_END }, evidence })).toEqual(again(true));
    }
    // A key makes its own row come again.
    const keyed = { paging: 'keyed', repeats: 1, firstPage: false } as const;
    const page = { after: PROVEN_END, overlap: 1 };
    expect(verdictOf({ page, evidence: keyed })).toEqual(proven());
  });
});

describe('two walks that list the same', () => {
  test('prove the list, against the stated total if need be', () => {
    const evidence = { agrees: true };
    expect(verdictOf({ page: { total: null, after: END }, evidence })).toEqual(proven());
    expect(verdictOf({ page: { total: 1, after: END }, evidence })).toEqual(proven());
    expect(verdictOf({ page: { total: 3, after: END }, evidence })).toEqual(proven(true));
  });

  test('do so only at the end of the second', () => {
    const evidence = { agrees: true };
    expect(verdictOf({ page: { total: 3, after: MORE }, evidence })).toEqual(MORE);
  });
});

describe('a cursor', () => {
  test('that does not advance is not followed', () => {
    const evidence = { cursor: '2:2', firstPage: false };
    expect(verdictOf({ page: { after: MORE }, evidence })).toEqual(again(false));
    const keyed = { ...evidence, paging: 'keyed' } as const;
    expect(verdictOf({ page: { after: MORE }, evidence: keyed })).toEqual(narrow);
  });

  test('is not followed from a page that lists nothing new', () => {
    const evidence = { firstPage: false, news: { fresh: 0, repeats: 2 } };
    expect(verdictOf({ page: { after: MORE }, evidence })).toEqual(again(false));
    // The row of the key itself is expected to come again.
    const keyed = { paging: 'keyed', firstPage: false, news: { fresh: 0, repeats: 1 } } as const;
    const page = { rows: [{}], overlap: 1, after: MORE };
    expect(verdictOf({ page, evidence: keyed })).toEqual(MORE);
  });

  test('that is a key is not believed where more than its own row comes again', () => {
    const evidence = { paging: 'keyed', firstPage: false, news: { fresh: 1, repeats: 1 } } as const;
    for (const after of [MORE, END, PROVEN_END]) {
      expect(verdictOf({ page: { after }, evidence })).toEqual(narrow);
      expect(verdictOf({ page: { after, overlap: 1 }, evidence })).not.toEqual(narrow);
    }
    // Counted pages of a list that moves do list known rows.
    const numbered = { ...evidence, paging: 'numbered' } as const;
    expect(verdictOf({ page: { after: MORE }, evidence: numbered })).toEqual(MORE);
    // On the first page equal rows are just equal rows.
    const first = { ...evidence, firstPage: true };
    expect(verdictOf({ page: { after: PROVEN_END }, evidence: first })).toEqual(proven());
  });

  test('that the provider does not have asks for less at a time', () => {
    const stuck: After = { kind: 'stuck', reason: 'no row has a key' };
    expect(verdictOf({ page: { after: stuck } })).toEqual({ kind: 'narrow', reason: stuck.reason });
  });
});

/** A provider with counted pages, whose list changes between two requests. */
interface Server {
  /** The contents of its rows: what is equal are different rows all the same. */
  readonly rows: readonly number[];
  readonly size: number;
  readonly statesTotal: boolean;
  readonly statesSize: boolean;
  /** Rows that come before the n-th request: where, and what they say. */
  readonly arrivals: readonly (readonly { readonly at: number; readonly content: number }[])[];
  /** The requests before which its first row goes. */
  readonly departures?: ReadonlySet<number>;
  /** What it does with the number of the page that it is asked for. */
  readonly pages: 'heeded' | 'ignored';
}

interface Walked {
  readonly proven: boolean;
  /** How often each content was listed by the walk that proved it. */
  readonly counts: ReadonlyMap<string, number>;
  readonly requests: number;
  /** What went while it was read. */
  readonly gone: ReadonlySet<string>;
}

/** Walks as the engine does: three times at most, knowing what the walk before has listed. */
function walk(server: Server, identity: Identity): Walked {
  const paging: Paging = 'numbered';
  const list = server.rows.map((content, index) => nameOf(identity, content, index));
  const gone = new Set<string>();
  let requests = 0;
  let previous: string | null = null;
  for (let walks = 0; walks < 3; walks += 1) {
    const memory = emptyMemory();
    let cursor: string | null = null;
    let total: number | null = null;
    let totalMoved: TotalMove = 'held';
    for (let pages = 0; ; pages += 1) {
      const [first, ...others] = list;
      const leaves = server.departures?.has(requests) === true && first !== undefined;
      if (leaves) {
        list.splice(0, list.length, ...others);
        gone.add(first);
      }
      for (const { at, content } of server.arrivals[requests] ?? []) {
        const index = server.rows.length + requests * 100 + list.length;
        list.splice(at % (list.length + 1), 0, nameOf(identity, content, index));
      }
      requests += 1;
      // The walk of a list that ever grows ends with the growth, which ends after so many requests.
      if (requests > 500) expect.fail('the walk does not end');
      const position = pageCount(cursor);
      const page = server.pages === 'heeded' ? position.page : 1;
      const rows = list.slice((page - 1) * server.size, page * server.size);
      const stated = {
        // More than the server gives, so that the size it states is the one it keeps to.
        asked: 100,
        total: server.statesTotal ? list.length : null,
        size: server.statesSize ? server.size : null,
      };
      const ask = { from: 0, to: 1, cursor, signing: { now: 0, nonce: '', token: null } };
      const answer = countedPage(
        ask,
        rows.map(() => null),
        stated,
      );
      totalMoved = pages === 0 ? 'held' : moveOf(totalMoved, total, answer.total);
      total = answer.total;
      const digests = rows.map(digestOf);
      const news = rememberPage(memory, digests);
      const verdict: Verdict = judge(answer, {
        paging,
        identity,
        distinct: memory.counts.size,
        listed: memory.listed,
        repeats: memory.repeats,
        news,
        firstPage: pages === 0,
        totalMoved,
        agrees: previous !== null && previous === memoryDigest(memory),
        cursor,
      });
      if (verdict.kind === 'proven') return { proven: true, counts: memory.counts, requests, gone };
      if (verdict.kind === 'narrow') expect.fail('counted pages are never stuck');
      if (verdict.kind === 'again') {
        previous = verdict.full ? memoryDigest(memory) : null;
        break;
      }
      cursor = verdict.cursor;
    }
  }
  return { proven: false, counts: new Map(), requests, gone };
}

/** With ids each row has its own; without, equal rows cannot be told apart. */
function nameOf(identity: Identity, content: number, index: number): string {
  return identity === 'native' ? `${index}` : `content ${content % 4}`;
}

/** What the walk should have listed of the rows that were there from the beginning, and has not. */
function missing(
  { rows }: Server,
  identity: Identity,
  { counts, gone }: Walked,
): readonly string[] {
  const wanted = new Map<string, number>();
  for (const [index, content] of rows.entries()) {
    const name = nameOf(identity, content, index);
    if (gone.has(name)) continue;
    wanted.set(name, (wanted.get(name) ?? 0) + 1);
  }
  return [...wanted].flatMap(([name, count]) =>
    (counts.get(digestOf(name)) ?? 0) < count ? [name] : [],
  );
}

const arrivals = fc.array(
  fc.array(fc.record({ at: fc.nat(40), content: fc.nat(9) }), { maxLength: 3 }),
  { maxLength: 12 },
);

const server: fc.Arbitrary<Server> = fc.record({
  rows: fc.array(fc.nat(9), { maxLength: 24 }),
  size: fc.integer({ min: 1, max: 8 }),
  statesTotal: fc.constant(true),
  statesSize: fc.boolean(),
  arrivals,
  pages: fc.constant('heeded'),
});

const identity = fc.constantFrom<Identity>('native', 'derived');

describe('a list in which rows come between the pages', () => {
  test('is never called complete while a row that was always there is missing', () => {
    let claims = 0;
    fc.assert(
      fc.property(server, identity, (shape, kind) => {
        const walked = walk(shape, kind);
        if (!walked.proven) return;
        claims += 1;
        expect(missing(shape, kind, walked)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
    // A walk that claims nothing would pass too.
    expect(claims).toBeGreaterThan(1000);
  });

  test('is not called so either where the provider states no total', () => {
    let claims = 0;
    fc.assert(
      fc.property(server, identity, (shape, kind) => {
        const walked = walk({ ...shape, statesTotal: false }, kind);
        if (!walked.proven) return;
        claims += 1;
        expect(missing(shape, kind, walked)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
    expect(claims).toBeGreaterThan(500);
  });

  test('is complete after one walk once it holds still', () => {
    fc.assert(
      fc.property(server, (shape) => {
        const still = { ...shape, arrivals: [] };
        const walked = walk(still, 'native');
        expect(walked.proven).toBe(true);
        expect(walked.counts.size).toBe(shape.rows.length);
        const pages = Math.max(1, Math.ceil(shape.rows.length / shape.size));
        // A total equal to a first page that is full may count that page alone.
        const doubtful = shape.statesSize && shape.rows.length === shape.size;
        expect(walked.requests).toBe(doubtful ? 2 : pages);
      }),
      { numRuns: 500 },
    );
  });

  test('is walked to an end, whatever the server does with the number of the page', () => {
    const any = fc.tuple(server, fc.boolean(), fc.constantFrom('heeded', 'ignored'));
    fc.assert(
      fc.property(any, identity, ([shape, statesTotal, pages], kind) => {
        const { requests, proven: claimed } = walk({ ...shape, statesTotal, pages }, kind);
        const ever = shape.rows.length + shape.arrivals.flat().length;
        expect(requests).toBeLessThanOrEqual(3 * (ever + 2));
        // A server that repeats its first page for ever shows no more than that page.
        const more = shape.arrivals.length === 0 && shape.rows.length > shape.size;
        if (pages === 'ignored' && more && kind === 'native') expect(claimed).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a list from which rows go between the pages', () => {
  test('is never called complete while a row that stayed is missing', () => {
    let claims = 0;
    const departures = fc.uniqueArray(fc.nat(10), { maxLength: 3 });
    fc.assert(
      fc.property(server, departures, (shape, requests) => {
        const shrinking = { ...shape, arrivals: [], departures: new Set(requests) };
        const walked = walk(shrinking, 'native');
        if (!walked.proven) return;
        claims += 1;
        expect(missing(shrinking, 'native', walked)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
    expect(claims).toBeGreaterThan(500);
  });
});

describe("a walk's memory", () => {
  const names = fc.array(
    fc.array(fc.oneof(fc.string(), fc.constantFrom('a', 'b', 'c')), { maxLength: 8 }),
    { maxLength: 8 },
  );

  test('is what it was when it is recalled from what was stored of it', () => {
    fc.assert(
      fc.property(names, (pages) => {
        const memory = emptyMemory();
        const stored = pages.map((page) => {
          const digests = page.map(digestOf);
          rememberPage(memory, digests);
          return packDigests(digests);
        });
        const recalled = recallMemory(stored);
        expect(recalled).toEqual(memory);
        expect(memoryDigest(recalled)).toBe(memoryDigest(memory));
        // It goes on as if it had never been away.
        const next = ['a', 'z', 'z'].map(digestOf);
        expect(rememberPage(recalled, next)).toEqual(rememberPage(memory, next));
      }),
      { numRuns: 500 },
    );
  });

  test('takes eight bytes for each row', () => {
    expect(packDigests(['a', 'b', 'c'].map(digestOf))).toHaveLength(24);
    expect(packDigests([])).toHaveLength(0);
  });

  test('has one digest for all walks that list the same rows equally often', () => {
    fc.assert(
      fc.property(
        names.chain((pages) => {
          const all = pages.flat();
          return fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray(all, { minLength: all.length }),
            fc.integer({ min: 1, max: 5 }),
          );
        }),
        ([one, other, size]) => {
          const first = emptyMemory();
          rememberPage(first, one.map(digestOf));
          const second = emptyMemory();
          for (let at = 0; at < other.length; at += size) {
            rememberPage(second, other.slice(at, at + size).map(digestOf));
          }
          expect(memoryDigest(second)).toBe(memoryDigest(first));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('has another digest where a row is another, or is listed once more', () => {
    fc.assert(
      fc.property(names, names, (one, other) => {
        const digest = (pages: readonly (readonly string[])[]): string => {
          const memory = emptyMemory();
          for (const page of pages) rememberPage(memory, page.map(digestOf));
          return memoryDigest(memory);
        };
        const sorted = (pages: readonly (readonly string[])[]): string =>
          JSON.stringify(pages.flat().sort());
        expect(digest(one) === digest(other)).toBe(sorted(one) === sorted(other));
        expect(digest([...one, ['a']])).not.toBe(digest(one));
      }),
      { numRuns: 500 },
    );
  });

  test('tells new rows from those of earlier pages, and from repeats on the page itself', () => {
    const memory = emptyMemory();
    const page = (...rows: readonly string[]) => rememberPage(memory, rows.map(digestOf));
    expect(page('a', 'b', 'b')).toEqual({ fresh: 2, repeats: 0 });
    expect(page('b', 'c', 'a')).toEqual({ fresh: 1, repeats: 2 });
    expect(page()).toEqual({ fresh: 0, repeats: 0 });
    expect(memory).toMatchObject({ listed: 6, repeats: 2 });
    expect(memory.counts.get(digestOf('b'))).toBe(3);
  });
});
