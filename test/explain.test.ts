import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { addDays, isoSeconds } from '../src/time.ts';
import { ago, at, tamper } from './support/tamper.ts';
import {
  type Finished,
  freshRow,
  openWorkbench,
  query,
  type Workbench,
} from './support/workbench.ts';

// A day set against the provider's number, through the real binary.

vi.setConfig({ testTimeout: 60_000 });

const only = (day: string): string[] => ['--from', day, '--to', addDays(day, 1)];

async function runs(bench: Workbench, ...args: string[]): Promise<Finished> {
  const result = await bench.run(...args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

const Explained = z.looseObject({
  state: z.string().nullable(),
  provider_total: z.int().nullable(),
  listed: z.object({
    calls: z.int(),
    talk_seconds: z.int(),
    cost: z.record(z.string(), z.string()),
  }),
  fees: z.object({ calls: z.int(), talk_seconds: z.int(), cost: z.record(z.string(), z.string()) }),
  started: z.looseObject({ calls: z.int() }),
  audits: z.array(z.looseObject({ listed: z.int() })),
  balance: z
    .object({
      provider: z.int(),
      kind: z.enum(['stated', 'listed']),
      source: z.enum(['audit', 'read']),
      at: z.string(),
      terms: z.array(z.strictObject({ code: z.string(), rows: z.int() })),
      unexplained: z.int(),
    })
    .nullable(),
});

const EXPLAINED = ['infin8linx', 'okcc', 'udesk', 'vos'] as const;

type Explained = z.infer<typeof Explained>;

/** Explains a day from the store, as the JSON tells it. */
async function explain(bench: Workbench, provider: string, day: string): Promise<Explained> {
  const args = ['--json', 'verify', '--explain', day, '--account', `demo-${provider}`];
  const { code, json, stderr } = await bench.run(...args);
  expect(json, stderr).toBeDefined();
  const explained = Explained.parse(json);
  expect(code).toBe(explained.balance?.unexplained === 0 ? 0 : 1);
  return explained;
}

/** That of each account. */
async function explainAll(bench: Workbench, day: string): Promise<Map<string, Explained>> {
  const explained = EXPLAINED.map(async (provider) => explain(bench, provider, day));
  const all = await Promise.all(explained);
  return new Map(EXPLAINED.map((provider, index) => [provider, all[index] ?? never()]));
}

function never(): never {
  throw new Error('Every account has its day.');
}

/** What the last line says, on either side of its `=`. */
function sumIn(text: string): [number, number] {
  const line = text.slice(text.search(/^provider (total|lists) /m));
  const [left = '', right = ''] = line.split('=');
  const terms = right.matchAll(/(?:^|\n| )\s*([+-])? ?([\d,]+) [a-z]/g);
  const number = (digits: string): number => Number(digits.replaceAll(',', ''));
  let sum = 0;
  for (const [, sign, digits = ''] of terms) sum += (sign === '-' ? -1 : 1) * number(digits);
  return [number(/[\d,]+/.exec(left)?.[0] ?? ''), sum];
}

const termsOf = (explained: Explained | undefined) =>
  Object.fromEntries((explained?.balance?.terms ?? []).map(({ code, rows }) => [code, rows]));

it('explains why a day of ours and the one in the console differ, and adds up', async () => {
  const bench = await openWorkbench({
    providers: EXPLAINED,
    sandbox: { days: 3, callsPerDay: 14, providers: { infin8linx: { fields: 'table' } } },
  });
  const { sandbox, store } = bench;
  const day = ago(2);
  const fresh = (provider: (typeof EXPLAINED)[number], number: number) =>
    freshRow(sandbox, provider, at(2, '12:00:00'), number);
  sandbox.insert('okcc', { ...fresh('okcc', 1), serviceType: '17', fee: JSON.rawJSON('3.50') });
  for (const number of [1, 2]) {
    sandbox.insert('infin8linx', { ...fresh('infin8linx', number), uuid: 'one', recordurl: '' });
  }
  for (const _ of [1, 2, 3]) sandbox.insert('vos', fresh('vos', 1));
  for (let number = 2; number < 13; number += 1) sandbox.insert('vos', fresh('vos', number));
  await runs(bench, 'sync');
  // One that the provider lists under this day stands under another one, and two started elsewhere.
  const some = `call_id = (select min(call_id) from calls where account_id = ? and listed_on = ?)`;
  const okcc = ['demo-okcc', day] as const;
  for (const other of [ago(1), ago(3)]) {
    tamper(store, `update calls set listed_on = ? where ${some}`, other, ...okcc);
  }
  tamper(
    store,
    `update calls set started_at = ? where ${some}`,
    isoSeconds(at(3, '23:59:59')),
    ...okcc,
  );
  tamper(
    store,
    `update calls set started_at = ? where call_id = (select max(call_id) from calls
       where account_id = ? and listed_on = ?)`,
    ...[isoSeconds(at(1, '00:00:00')), ...okcc],
  );
  const [gone, spoilt] = sandbox.rows('udesk').filter((row) => inDay(row['createTime'], day));
  sandbox.remove('udesk', ({ id }) => id === gone?.['id']);
  await runs(bench, 'verify', ...only(day));

  const first = await explainAll(bench, day);
  const Sums = z.object({ calls: z.int(), talk: z.int(), fees: z.int(), started: z.int() });
  for (const [provider, explained] of first) {
    const span = [isoSeconds(at(2, '00:00:00')), isoSeconds(at(1, '00:00:00'))];
    const [sums] = query(
      store,
      Sums,
      `select count(*) filter (where listed_on = ?) as calls,
         cast(sum(talk_seconds) filter (where listed_on = ?) as bigint) as talk,
         count(*) filter (where listed_on = ? and is_call = 0) as fees,
         count(*) filter (where started_at >= ? and started_at < ? and is_call = 1) as started
       from calls where account_id = ? and missing_since is null`,
      ...[day, day, day, ...span, `demo-${provider}`],
    );
    const { listed, fees, started, audits } = explained;
    expect([provider, listed.calls, listed.talk_seconds, fees.calls, started.calls]).toEqual([
      ...[provider, sums?.calls, sums?.talk, sums?.fees, sums?.started],
    ]);
    expect(audits).toHaveLength(1);
    const missing = provider === 'udesk' ? 1 : 0;
    expect(explained).toMatchObject({ state: 'verified', missing, quarantined: 0 });
    const kind = provider === 'vos' ? 'listed' : 'stated';
    expect(explained.balance).toMatchObject({ kind, source: 'audit', unexplained: 0 });
  }
  expect(first.get('okcc')).toMatchObject({
    ...{ started_before: 1, started_after: 1, listed_before: 1, listed_after: 1 },
    ...{ identity_conflicts: 0, day_guessed: 0 },
  });
  const charged = z.object({ cost: z.string() });
  const fees = 'select cost from calls where account_id = ? and listed_on = ? and is_call = 0';
  const cents = query(store, charged, fees, ...okcc).map(({ cost }) =>
    Math.round(Number(cost) * 100),
  );
  const feeSum = Number(first.get('okcc')?.fees.cost['CNY']) * 100;
  expect(Math.round(feeSum)).toBe(cents.reduce((sum, cent) => sum + cent, 0));
  expect(termsOf(first.get('okcc'))).toMatchObject({ kept_elsewhere: 2 });
  expect(first.get('infin8linx')).toMatchObject({
    ...{ identity_conflicts: 2, identity_conflicts_beyond_first: 1, equal_rows_beyond_first: 0 },
  });
  expect(first.get('vos')).toMatchObject({ equal_rows_beyond_first: 2, identity_conflicts: 0 });

  // One unreadable, one for another with the total as it was, many gone at once, and a loss of our own.
  sandbox.change('udesk', ({ id }) => id === spoilt?.['id'], { createTime: '2026-13-45 99:99:99' });
  const vanishing = new Set(Array.from({ length: 11 }, (_, index) => `fresh-${index + 2}`));
  sandbox.remove('vos', ({ phone }) => vanishing.has(String(phone)));
  const accounts = ['--account', 'demo-udesk', '--account', 'demo-vos'];
  expect((await bench.run('verify', ...accounts, ...only(day))).code).toBe(1);
  sandbox.remove('okcc', ({ session }) => session === 'fresh-1');
  sandbox.insert('okcc', fresh('okcc', 2));
  await runs(bench, 'backfill', '--account', 'demo-okcc', ...only(day));
  for (const table of ['audits', 'days']) {
    const more = `update ${table} set provider_total = provider_total + 2`;
    tamper(store, `${more} where account_id = 'demo-infin8linx' and day = ?`, day);
  }
  tamper(store, `update calls set listed_exact = 0 where ${some}`, 'demo-infin8linx', day);
  tamper(
    store,
    `insert into holes (id, account_id, from_at, to_at, reason, since, attempts, next_try_at)
       values ('h', 'demo-infin8linx', ?, ?, 'a hole', 0, 0, 0)`,
    ...[at(2, '10:00:00'), at(2, '10:00:01')],
  );

  const second = await explainAll(bench, day);
  expect(second.get('udesk')).toMatchObject({ missing: 1, quarantined: 1, state: 'incomplete' });
  expect(termsOf(second.get('udesk'))).toMatchObject({ quarantined: 1, unlisted: -1 });
  expect(termsOf(second.get('vos'))).toMatchObject({ vanished: -11 });
  expect(termsOf(second.get('okcc'))).toMatchObject({ arrived: -1, kept_elsewhere: 2 });
  expect(termsOf(second.get('infin8linx'))).toMatchObject({ stated_only: 2 });
  expect(second.get('infin8linx')).toMatchObject({
    ...{ holes: [{ reason: 'a hole' }], day_guessed: 1 },
  });
  const texts = EXPLAINED.map((provider) =>
    bench.run('verify', '--explain', day, '--account', `demo-${provider}`),
  );
  for (const [index, { code, stdout }] of (await Promise.all(texts)).entries()) {
    const { balance = null } = second.get(EXPLAINED[index] ?? '') ?? {};
    expect([stdout, balance?.unexplained]).toEqual([stdout, 0]);
    // The text ends with the same sum.
    expect([sumIn(stdout), code]).toEqual([[balance?.provider, balance?.provider], 0]);
  }

  // What the store lost by itself is named, and so is a day of which nothing is known.
  tamper(store, `delete from calls where ${some}`, 'demo-infin8linx', day);
  const lost = await explain(bench, 'infin8linx', day);
  expect(lost.balance?.unexplained).toBe(1);
  expect(await explain(bench, 'vos', ago(40))).toMatchObject({ state: null, balance: null });
  const wrong = await Promise.all([
    bench.run('verify', '--explain', day),
    bench.run('verify', '--explain', 'yesterday', '--account', 'demo-vos'),
    bench.run('verify', '--explain', day, '--account', 'demo-vos', ...only(day)),
  ]);
  expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2]);
});

function inDay(time: unknown, day: string): boolean {
  return typeof time === 'string' && time.startsWith(day);
}
