import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { writeCalls } from '../src/store/calls.ts';
import { callsWithNumber, type NumberScope } from '../src/store/find-calls.ts';
import { openStore, type Store, transact } from '../src/store/store.ts';
import { DAY, isoSeconds } from '../src/time.ts';
import { CONTEXT, listed } from './support/listed.ts';
import { newStore, STORE_KIND, storeUrl } from './support/test-store.ts';

/** The calls of a number, against all calls of the store gone through one by one. */

const NUMBERS = ['13800138000', '+8613800138000', '8001', '02155550000'];
const ACCOUNTS = ['one', 'two'];
const DAYS = 6;
const FIRST = Date.parse('2026-10-01T00:00:00Z');

/** To the second on both sides of a midnight, and whenever. */
const instant = fc.oneof(
  fc.integer({ min: 0, max: DAYS * 86_400 - 1 }).map((seconds) => FIRST + seconds * 1000),
  fc
    .tuple(fc.integer({ min: 0, max: DAYS }), fc.constantFrom(-1, 0, 1))
    .map(([day, seconds]) => FIRST + day * DAY + seconds * 1000),
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
const look = fc.record({
  forms: fc.uniqueArray(fc.constantFrom(...NUMBERS), { minLength: 1 }),
  limit: fc.integer({ min: 1, max: 12 }),
  scope: fc.record({
    accountIds: fc.option(fc.uniqueArray(fc.constantFrom(...ACCOUNTS), { minLength: 1 })),
    from: bound,
    to: bound,
  }),
});

interface Told {
  readonly account: string;
  readonly startedAt: string;
  readonly caller: string | null;
  readonly callee: string | null;
}

/** What went through, all of it looked at. */
function sought(
  told: readonly Told[],
  {
    forms,
    scope: { accountIds, from, to },
  }: { readonly forms: readonly string[]; readonly scope: NumberScope },
): readonly Told[] {
  return told
    .filter(
      ({ account, startedAt, caller, callee }) =>
        [caller, callee].some((number) => number !== null && forms.includes(number)) &&
        (accountIds === null || accountIds.includes(account)) &&
        (from === null || startedAt >= from) &&
        (to === null || startedAt < to),
    )
    .toSorted((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
}

async function filled(told: readonly Told[]): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const url = storeUrl(newStore(folder));
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  onTestFinished(() => store.close());
  for (const accountId of ACCOUNTS) {
    const rows = told.flatMap(({ account, ...call }, index) =>
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
      async (told, looks) => {
        const store = await filled(told);
        for (const { forms, scope, limit } of looks) {
          const all = sought(told, { forms, scope });
          const { records, more } = await callsWithNumber(store, forms, [scope], limit);
          expect(records.map(({ started_at }) => started_at)).toEqual(
            all.slice(0, limit).map(({ startedAt }) => startedAt),
          );
          expect(more).toBe(all.length > limit);
          for (const { account_id, call_id } of records) {
            expect(all).toContain(told[Number(call_id)]);
            expect(told[Number(call_id)]?.account).toBe(account_id);
          }
          expect(new Set(records.map(({ call_id }) => call_id)).size).toBe(records.length);
        }
      },
    ),
    { numRuns: STORE_KIND === 'sqlite' ? 30 : 8 },
  );
});
