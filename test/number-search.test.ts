import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { writeCalls } from '../src/store/calls.ts';
import type { NumberScope } from '../src/store/engine.ts';
import { callsWithNumber } from '../src/store/find-calls.ts';
import { openStore, type Store, transact } from '../src/store/store.ts';
import { HOUR, isoSeconds } from '../src/time.ts';
import { CONTEXT, listed } from './support/listed.ts';
import { newStore, STORE_KIND, storeUrl } from './support/test-store.ts';

/** The calls of a number, against all calls of the store gone through one by one. */

const NUMBERS = ['13800138000', '+8613800138000', '8001', '02155550000'];
const ACCOUNTS = ['one', 'two'];
const HOURS = 12;
const FIRST = Date.parse('2026-10-01T18:00:00Z');

/** Whenever, and to the second on both sides of an hour's beginning. */
const instant = fc.oneof(
  fc.integer({ min: 0, max: HOURS * 3600 - 1 }).map((seconds) => FIRST + seconds * 1000),
  fc
    .tuple(fc.integer({ min: 0, max: HOURS }), fc.constantFrom(-1, 0, 1))
    .map(([hour, seconds]) => FIRST + hour * HOUR + seconds * 1000),
);
const party = fc.option(fc.constantFrom(...NUMBERS, '10086'));
const calls = fc.array(
  fc.record({
    account: fc.constantFrom(...ACCOUNTS),
    startedAt: instant.map(isoSeconds),
    caller: party,
    callee: party,
  }),
  { minLength: 1, maxLength: 60 },
);
const bound = fc.option(instant.map(isoSeconds));
const scope = fc.record({
  accountIds: fc.option(fc.uniqueArray(fc.constantFrom(...ACCOUNTS), { minLength: 1 })),
  from: bound,
  to: bound,
});
const look = fc.record({
  forms: fc.uniqueArray(fc.constantFrom(...NUMBERS), { minLength: 1 }),
  limit: fc.integer({ min: 1, max: 12 }),
  scopes: fc.array(scope, { minLength: 1, maxLength: 2 }),
});

interface Given {
  readonly account: string;
  readonly startedAt: string;
  readonly caller: string | null;
  readonly callee: string | null;
}

/** The calls that match, the newest first, by looking at every one. */
function sought(
  given: readonly Given[],
  forms: readonly string[],
  scopes: readonly NumberScope[],
): readonly Given[] {
  return given
    .filter(
      ({ account, startedAt, caller, callee }) =>
        [caller, callee].some((number) => number !== null && forms.includes(number)) &&
        scopes.some(
          ({ accountIds, from, to }) =>
            (accountIds === null || accountIds.includes(account)) &&
            (from === null || startedAt >= from) &&
            (to === null || startedAt < to),
        ),
    )
    .toSorted((one, other) => other.startedAt.localeCompare(one.startedAt));
}

async function filled(given: readonly Given[]): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const url = storeUrl(newStore(folder));
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  onTestFinished(() => store.close());
  for (const accountId of ACCOUNTS) {
    const rows = given.flatMap(({ account, ...call }, index) =>
      account === accountId ? [listed({ id: `${index}`, ...call })] : [],
    );
    await transact(store, (trx) => writeCalls(trx, { ...CONTEXT, accountId }, rows));
  }
  return store;
}

test('finds the newest calls of a number, whoever called, in any spelling, account and range', async () => {
  await fc.assert(
    fc.asyncProperty(
      calls,
      fc.array(look, { minLength: 20, maxLength: 20 }),
      async (given, looks) => {
        const store = await filled(given);
        for (const { forms, scopes, limit } of looks) {
          const all = sought(given, forms, scopes);
          const { records, more } = await callsWithNumber(store, forms, scopes, limit);
          expect(records.map(({ started_at }) => started_at)).toEqual(
            all.slice(0, limit).map(({ startedAt }) => startedAt),
          );
          expect(more).toBe(all.length > limit);
          for (const { account_id, call_id } of records) {
            expect(all).toContain(given[Number(call_id)]);
            expect(given[Number(call_id)]?.account).toBe(account_id);
          }
          expect(new Set(records.map(({ call_id }) => call_id)).size).toBe(records.length);
        }
      },
    ),
    { numRuns: STORE_KIND === 'sqlite' ? 30 : 8 },
  );
});
