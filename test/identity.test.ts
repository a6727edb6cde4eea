import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Identity,
  type KnownCall,
  matchOccurrences,
  type Occurrence,
  recognise,
} from '../src/store/identity.ts';

/** Which stored call a listed row is: never two calls in one, never one call under two names. */

/** A stored call that also knows which real call it was made for. */
interface Stored extends KnownCall {
  readonly truth: number;
}

/** A row as some listing shows it, and the real call that it speaks of. */
interface Row extends Identity {
  readonly truth: number;
}

/** Stores a row the way the store does: what a row does not say is not unlearnt. */
function store(known: Stored[], row: Row): Stored {
  const found = recognise(row, known);
  if (found.kind === 'new') {
    const { callId } = found;
    const call = { call_id: callId, native_id: row.nativeId, identity_key: row.key, ...row };
    known.push(call);
    return call;
  }
  const index = known.indexOf(found.call);
  const learnt = row.key === row.nativeId ? found.call.identity_key : row.key;
  known[index] = {
    ...found.call,
    native_id: row.nativeId ?? found.call.native_id,
    identity_key: learnt,
  };
  return found.call;
}

/** Real calls: each has its record number, and two may carry the same uuid. */
const calls = fc.array(fc.constantFrom('u1', 'u2', 'u3'), { minLength: 1, maxLength: 8 });

describe('calls of which the provider gives uuid and record number', () => {
  test('are one row each, however often and in whatever order they are listed', () => {
    const listing = calls.chain((uuids) =>
      fc.tuple(
        fc.constant(uuids),
        fc.array(fc.nat(uuids.length - 1), { minLength: 1, maxLength: 30 }),
      ),
    );
    fc.assert(
      fc.property(listing, ([uuids, order]) => {
        const known: Stored[] = [];
        const ids = new Map<number, string>();
        for (const truth of order) {
          const row = { key: uuids[truth] ?? '', nativeId: `n${truth}`, truth };
          const call = store(known, row);
          expect(call.truth).toBe(truth);
          const before = ids.get(truth) ?? call.call_id;
          expect(call.call_id).toBe(before);
          ids.set(truth, call.call_id);
        }
        expect(known).toHaveLength(new Set(order).size);
        expect(new Set(known.map(({ call_id }) => call_id)).size).toBe(known.length);
      }),
      { numRuns: 1500 },
    );
  });

  test('keep their first id when the uuid is learnt late, or left out at times', () => {
    // Until its uuid is known a row is named by its record number.
    const sight = fc.record({ uuid: fc.boolean(), at: fc.nat(7) });
    fc.assert(
      fc.property(calls, fc.array(sight, { minLength: 1, maxLength: 30 }), (uuids, sights) => {
        const known: Stored[] = [];
        const ids = new Map<number, string>();
        for (const { uuid, at } of sights) {
          const truth = at % uuids.length;
          const nativeId = `n${truth}`;
          const key = uuid ? (uuids[truth] ?? '') : nativeId;
          const call = store(known, { key, nativeId, truth });
          expect(call.truth).toBe(truth);
          expect(call.call_id).toBe(ids.get(truth) ?? call.call_id);
          ids.set(truth, call.call_id);
        }
        expect(new Set(ids.values()).size).toBe(ids.size);
        expect(known).toHaveLength(ids.size);
      }),
      { numRuns: 1500 },
    );
  });

  test('are the same row when a listing leaves the record number out', () => {
    // One call a uuid, as it should be: any part of its identity finds it.
    const sight = fc.record({ native: fc.boolean(), at: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(sight, { minLength: 1, maxLength: 20 }), (sights) => {
        const known: Stored[] = [];
        for (const { native, at } of sights) {
          const row = { key: `u${at}`, nativeId: native ? `n${at}` : null, truth: at };
          const call = store(known, row);
          expect(call.truth).toBe(at);
          expect(call.call_id).toBe(`u${at}`);
        }
        expect(known).toHaveLength(new Set(sights.map(({ at }) => at)).size);
      }),
      { numRuns: 500 },
    );
  });
});

describe('recognising', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const identity: fc.Arbitrary<Identity> = fc.record({
    key: id,
    nativeId: fc.option(id, { nil: null }),
  });
  const known: fc.Arbitrary<readonly KnownCall[]> = fc.uniqueArray(
    fc.record({ call_id: id, native_id: fc.option(id, { nil: null }), identity_key: id }),
    { selector: ({ call_id }) => call_id, maxLength: 4 },
  );

  test('never takes a row for a call of another record number', () => {
    fc.assert(
      fc.property(identity, known, (row, stored) => {
        const found = recognise(row, stored);
        if (found.kind === 'new') return;
        const { native_id: native, identity_key: key } = found.call;
        expect(stored).toContain(found.call);
        if (row.nativeId !== null && native !== null) expect(native).toBe(row.nativeId);
        else expect(key).toBe(row.key);
        // Another key is no contradiction only where one of the two is the record number itself.
        if (key !== row.key) expect([key, row.key]).toContain(row.nativeId);
      }),
      { numRuns: 3000 },
    );
  });

  test('gives a new call an id that none of the calls it knows has', () => {
    fc.assert(
      fc.property(identity, known, (row, stored) => {
        const found = recognise(row, stored);
        if (found.kind === 'known') return;
        expect(stored.map(({ call_id }) => call_id)).not.toContain(found.callId);
        // The rivals are those that it shares a name with, all of them.
        const rivals = stored.filter(
          ({ identity_key, native_id }) =>
            identity_key === row.key || (native_id !== null && native_id === row.nativeId),
        );
        expect(new Set(found.rivals)).toEqual(new Set(rivals));
      }),
      { numRuns: 3000 },
    );
  });

  test.each<[string, Identity, readonly KnownCall[], string]>([
    ['nothing is known', { key: 'u', nativeId: 'n' }, [], 'u'],
    [
      'the uuid has another record',
      { key: 'u', nativeId: 'n2' },
      [{ call_id: 'u', native_id: 'n1', identity_key: 'u' }],
      'u#n2',
    ],
    [
      'the record has another uuid',
      { key: 'u2', nativeId: 'n' },
      [{ call_id: 'u1', native_id: 'n', identity_key: 'u1' }],
      'u2',
    ],
  ])('makes a new call where %s', (_title, row, stored, callId) => {
    expect(recognise(row, stored)).toEqual({ kind: 'new', callId, rivals: stored });
  });

  test.each<[string, Identity, KnownCall]>([
    [
      'the same names',
      { key: 'u', nativeId: 'n' },
      { call_id: 'u', native_id: 'n', identity_key: 'u' },
    ],
    [
      'the uuid that was not known before',
      { key: 'u', nativeId: 'n' },
      { call_id: 'n', native_id: 'n', identity_key: 'n' },
    ],
    [
      'no uuid any more',
      { key: 'n', nativeId: 'n' },
      { call_id: 'u', native_id: 'n', identity_key: 'u' },
    ],
    [
      'a record number now',
      { key: 'u', nativeId: 'n' },
      { call_id: 'u', native_id: null, identity_key: 'u' },
    ],
    [
      'the names of a conflict',
      { key: 'u', nativeId: 'n2' },
      { call_id: 'u#n2', native_id: 'n2', identity_key: 'u' },
    ],
  ])('finds the call by %s', (_title, row, call) => {
    const rival = { call_id: 'x', native_id: 'x', identity_key: 'x' };
    expect(recognise(row, [rival, call])).toEqual({ kind: 'known', call });
  });
});

describe('rows that have no id', () => {
  const content = fc.constantFrom('a', 'b', 'c');
  const rows = fc
    .array(content, { maxLength: 6 })
    .map((hashes) => hashes.map((hash) => ({ hash })));
  const known = fc
    .array(content, { maxLength: 6 })
    .map((hashes) =>
      hashes.map((content_hash, index): Occurrence => ({ call_id: `${index}`, content_hash })),
    );

  test('each take one stored call, and the rest is new', () => {
    fc.assert(
      fc.property(rows, known, (listed, stored) => {
        const matched = matchOccurrences(listed, stored);
        expect(matched.map(({ row }) => row)).toEqual(listed);
        const taken = matched.flatMap(({ call }) => (call === null ? [] : [call]));
        expect(new Set(taken).size).toBe(taken.length);
        expect(taken.length).toBe(Math.min(listed.length, stored.length));
        expect(matched.filter(({ call }) => call === null)).toHaveLength(
          Math.max(0, listed.length - stored.length),
        );
      }),
      { numRuns: 1500 },
    );
  });

  test('keep the stored call of equal content, as many as there are of it', () => {
    const count = (list: readonly string[], one: string): number =>
      list.filter((other) => other === one).length;
    fc.assert(
      fc.property(rows, known, (listed, stored) => {
        const matched = matchOccurrences(listed, stored);
        for (const one of ['a', 'b', 'c']) {
          const kept = matched.filter(
            ({ row, call }) => row.hash === one && call?.content_hash === one,
          );
          const wanted = Math.min(
            count(
              listed.map(({ hash }) => hash),
              one,
            ),
            count(
              stored.map(({ content_hash }) => content_hash),
              one,
            ),
          );
          expect(kept).toHaveLength(wanted);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('are all unchanged when the same rows are listed in another order', () => {
    const shuffle = fc.array(content, { maxLength: 8 }).chain((hashes) =>
      fc.tuple(
        fc.constant(hashes.map((hash) => ({ hash }))),
        fc.shuffledSubarray(
          hashes.map((content_hash, index): Occurrence => ({ call_id: `${index}`, content_hash })),
          { minLength: hashes.length },
        ),
      ),
    );
    fc.assert(
      fc.property(shuffle, ([listed, stored]) => {
        for (const { row, call } of matchOccurrences(listed, stored)) {
          expect(call?.content_hash).toBe(row.hash);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('leave what they are given as it was', () => {
    const stored = [{ call_id: '1', content_hash: 'a' }];
    matchOccurrences([{ hash: 'a' }, { hash: 'b' }], stored);
    expect(stored).toEqual([{ call_id: '1', content_hash: 'a' }]);
  });
});
