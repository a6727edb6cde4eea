import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Call } from '../src/call.ts';
import { SHORTEST_IN_TEXT, spellingsIn } from '../src/number-match.ts';
import { numberForms, sharedDigits } from '../src/phone-number.ts';
import { writeCalls } from '../src/store/calls.ts';
import { eraseCalls, readCalls } from '../src/store/erase-calls.ts';
import { erasedColumns, eraseListing } from '../src/store/erased.ts';
import { occurrenceId } from '../src/store/identity.ts';
import type { ListedCall, WriteContext } from '../src/store/listed-call.ts';
import { mappedColumns } from '../src/store/mapped-columns.ts';
import { writeOccurrences } from '../src/store/occurrences.ts';
import { openStore, type Store } from '../src/store/store.ts';

// What is left of an erased call, and how it is known again.

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cdrsync-erased-'));
  const url = `sqlite:${join(folder, 'cdrsync.db')}`;
  store = await openStore({ url, mustExist: false, onEvent: () => undefined });
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const NOW = '2026-11-20T10:00:00.000Z';

const SECRET = 'known only to the person';
const personal = fc.constantFrom(null, SECRET, `${SECRET} 2`);

interface Told {
  readonly id: string;
  readonly native: string | null;
  readonly talk: number | null;
  readonly cost: string | null;
}

const told: fc.Arbitrary<Told> = fc.record({
  id: fc.constantFrom('a', 'b', 'n1'),
  native: fc.constantFrom(null, 'n1', 'n2'),
  talk: fc.constantFrom(null, 0, 60),
  cost: fc.constantFrom(null, '0.10', '1.10'),
});

function listedOf({ id, native, talk, cost }: Told, who: string | null = SECRET): ListedCall {
  const call: Call = {
    ...{ call_id: id, native_id: native, correlation_id: id, direction: 'outbound' },
    ...{ call_mode: '1', caller: who, callee: who, agent: who },
    ...{ started_at: '2026-10-01T00:00:00Z', ringing_at: null, answered_at: null },
    ...{ ended_at: '2026-10-01T00:01:00Z', duration_seconds: 60, ring_seconds: null },
    ...{ talk_seconds: talk, billed_seconds: null, cost, currency: 'CNY' },
    ...{ disposition: 'unknown', hangup_cause: null, hangup_reason: null, hangup_party: null },
    ...{ recording_ref: who, recording_state: 'listed', is_call: true, flags: ['time_order'] },
    custom: { name: who },
  };
  const raw = JSON.stringify({ id, native, who, cost, talk });
  const listing = { listedOn: '2026-10-01', listedExactly: true };
  return { call, ...listing, raw, hash: `of ${raw}`, erasureId: null };
}

it('holds nothing that names a person, whoever it was, and is known by the rest', () => {
  fc.assert(
    fc.property(told, personal, personal, (row, one, other) => {
      const erased = eraseListing(listedOf(row, one), 'e1', null);
      expect(JSON.stringify(erased)).not.toContain(SECRET);
      // By nothing can two persons' calls be told apart, and by nothing can a person be tried.
      expect(erased).toEqual(eraseListing(listedOf(row, other), 'e1', null));
      expect(eraseListing(erased, 'e1', null)).toEqual(erased);
      const { flags } = erased.call;
      expect(flags).toEqual(['erased', 'time_order']);
    }),
  );
});

it('is the same made of a listing and of the stored row', () => {
  fc.assert(
    fc.property(told, (row) => {
      const listed = listedOf(row);
      const columns = mappedColumns(listed.call, []);
      const stored = { ...columns, call_id: row.id };
      const erased = eraseListing(listed, 'e1', null);
      expect(erasedColumns(stored, 'e1').content_hash).toBe(erased.hash);
      expect(mappedColumns(erased.call, [])).toMatchObject({
        ...{ caller: null, custom: '{}', flags: erasedColumns(stored, 'e1').flags },
      });
    }),
  );
});

it('keeps codes, and no sentence with a number in it', () => {
  const row = { id: 'a', native: null, talk: 60, cost: null };
  const listed = listedOf(row);
  for (const [cause, kept] of [
    ['487', '487'],
    ['0xF1000008', '0xF1000008'],
    ['138 0013 8000 did not answer', null],
    ['１３８００１３８０００', null],
  ] as const) {
    const call = { ...listed.call, hangup_cause: cause, hangup_reason: cause, call_mode: cause };
    const erased = eraseListing({ ...listed, call }, 'e1', null);
    const told = { hangup_cause: kept, hangup_reason: kept, call_mode: kept };
    expect(erased.call).toMatchObject(told);
    const columns = { ...mappedColumns(call, []), call_id: row.id };
    expect(erasedColumns(columns, 'e1')).toMatchObject({ ...told, content_hash: erased.hash });
  }
});

let accounts = 0;

function nextAccount(): WriteContext {
  accounts += 1;
  const accountId = `account ${accounts}`;
  return { accountId, provider: 'p', source: 'pull', mappingVersion: 1, now: NOW };
}

async function eraseAll({ accountId }: WriteContext): Promise<number> {
  return store.db.transaction().execute(async (trx) => {
    const ids = await trx
      .selectFrom('calls')
      .select('call_id')
      .where('account_id', '=', accountId)
      .execute();
    const rows = await readCalls(
      trx,
      accountId,
      ids.map(({ call_id }) => call_id),
    );
    return (await eraseCalls(trx, rows, { id: 'e1', now: NOW })).calls;
  });
}

const outcomes = (written: readonly { readonly outcome: string }[]): string[] =>
  written.map(({ outcome }) => outcome);

it('is met as unchanged when it is listed again, with or without its other id', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 5 }), async (rows) => {
      const context = nextAccount();
      const listed = rows.map((row) => listedOf(row));
      const save = (all: readonly ListedCall[]) =>
        store.db.transaction().execute((trx) => writeCalls(trx, context, all));
      // What they settle to where the same rows come again and again.
      await save(listed);
      await save(listed);
      const before = await save(listed);
      await eraseAll(context);
      const after = await save(listed);
      expect(after.map(({ callId }) => callId)).toEqual(before.map(({ callId }) => callId));
      const steady = outcomes(before).every((outcome) => outcome === 'unchanged');
      if (steady) expect(outcomes(after)).toEqual(outcomes(before));
    }),
    { numRuns: 60 },
  );
});

it('is overwritten where the file holds it, by whatever run', async () => {
  const url = `sqlite:${join(folder, 'other.db')}`;
  const other = await openStore({ url, mustExist: false, onEvent: () => undefined });
  const overwrites = async () => (await sql`pragma secure_delete`.execute(other.db)).rows;
  expect(await overwrites()).toEqual([{ secure_delete: 0 }]);
  await other.db.transaction().execute(async (trx) => {
    const context = nextAccount();
    await writeCalls(trx, context, [listedOf({ id: 'a', native: null, talk: 60, cost: null })]);
    const rows = await readCalls(trx, context.accountId, ['a']);
    await eraseCalls(trx, rows, { id: 'e1', now: NOW });
  });
  expect(await overwrites()).toEqual([{ secure_delete: 1 }]);
  await other.close();
});

it('is told apart from equal ones, in whatever order they come', async () => {
  const fee = fc.constantFrom('1.10', '2.20', '3.30');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fee, { minLength: 1, maxLength: 5 }),
      fc.nat(),
      async (fees, turn) => {
        const context = nextAccount();
        const row = { id: 'derived', native: null, talk: 60 };
        const save = (costs: readonly string[]) =>
          store.db.transaction().execute((trx) =>
            writeOccurrences(
              trx,
              context,
              costs.map((cost) => listedOf({ ...row, cost })),
              () => false,
            ),
          );
        await save(fees);
        expect(await eraseAll(context)).toBe(fees.length);
        const at = turn % fees.length;
        const again = await save([...fees.slice(at), ...fees.slice(0, at)]);
        expect(outcomes(again)).toEqual(fees.map(() => 'unchanged'));
        expect(new Set(again.map(({ callId }) => callId)).size).toBe(fees.length);
        const more = await save([...fees, '4.40']);
        expect(outcomes(more).filter((outcome) => outcome === 'inserted')).toHaveLength(1);
        expect(more.some(({ callId }) => callId === occurrenceId('derived', fees.length + 1))).toBe(
          true,
        );
      },
    ),
    { numRuns: 40 },
  );
});

const number = fc
  .tuple(
    fc.constantFrom('', '+86', '0086', '86', '0', '+1', '+44'),
    fc.stringMatching(/^1[3-9]\d{9}$/),
  )
  .map(([prefix, digits]) => prefix + digits);

it('finds every spelling of a number in a text, and not inside a longer one', () => {
  fc.assert(
    fc.property(number, fc.constantFrom('"', ' ', ':', '-', 'x', '号'), (given, mark) => {
      const forms = numberForms(given);
      const digits = sharedDigits(forms);
      expect(digits.length).toBeGreaterThanOrEqual(SHORTEST_IN_TEXT);
      for (const form of forms) {
        expect(form).toContain(digits);
        expect(spellingsIn(`before${mark}${form}${mark}after`).has(form)).toBe(true);
        const longer = spellingsIn(`${mark}9${digits}9${mark}`);
        expect(forms.some((one) => longer.has(one))).toBe(false);
      }
    }),
  );
});
