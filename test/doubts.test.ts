import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import type { Sandbox } from '../src/sandbox/contract.ts';
import type { ProviderName } from '../src/sandbox/wire.ts';
import { addDays, DAY, HOUR, MINUTE, SECOND } from '../src/time.ts';
import { asksForCalls, gated, serve } from './support/gate.ts';
import { ago, at, dayStates, tamper } from './support/tamper.ts';
import {
  countIn,
  type Finished,
  freshRow,
  instantOf,
  listedRows,
  openWorkbench,
  query,
  reportOf,
  reportsOf,
  shanghai,
  storedRows,
  type Workbench,
} from './support/workbench.ts';

// Where a provider, its clock or its list gives cause for doubt, nothing may be concluded from it.

vi.setConfig({ testTimeout: 60_000 });

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly date: string;
  readonly text: string;
}

interface Seen {
  readonly url: string;
  readonly body: string;
}

/** Answers a request; `provider` has the simulated provider answer it. */
type Plan = (seen: Seen, provider: () => Promise<Answer>) => Promise<Answer>;

/** Something in front of a simulated provider, which lets everything pass until it is given a plan. */
interface Gate {
  readonly url: string;
  readonly seen: Seen[];
  plan: Plan;
}

const pass: Plan = (_seen, provider) => provider();

async function openGate(sandbox: Sandbox): Promise<Gate> {
  const server = createServer(async (message, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of message) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const seen = { url: message.url ?? '', body: bytes.toString() };
      gate.seen.push(seen);
      const hops = ['host', 'connection', 'content-length', 'transfer-encoding'];
      const headers = Object.entries(message.headers)
        .filter(([name]) => !hops.includes(name))
        .map(([name, value]): [string, string] => [name, String(value)]);
      const answer = await gate.plan(seen, async () => {
        const body = bytes.length === 0 ? null : bytes;
        const method = message.method ?? 'GET';
        const real = await fetch(sandbox.url + seen.url, { method, headers, body });
        const [type, date] = ['content-type', 'date'].map((name) => real.headers.get(name) ?? '');
        return {
          ...{ status: real.status, type: type ?? '', date: date ?? '' },
          text: await real.text(),
        };
      });
      response.sendDate = false;
      response.writeHead(answer.status, { 'content-type': answer.type, date: answer.date });
      response.end(answer.text);
    } catch {
      // Who asked has gone away.
      response.destroy();
    }
  });
  const gate: Gate = { url: await serve(server), seen: [], plan: pass };
  return gate;
}

const asksForPageTwo = ({ url, body }: Seen): boolean =>
  /[?&](pageNum|page)=2(&|$)/.test(url) || /"current":2\b/.test(body);

/** Lets the provider answer, and changes the JSON of what it says to requests for calls. */
const changing =
  (change: (body: Json) => Json): Plan =>
  async (seen, provider) => {
    const answer = await provider();
    if (!asksForCalls(seen)) return answer;
    return { ...answer, text: writeJson(change(parseJson(answer.text))) };
  };

/** Behind a gate from the beginning, with one account. */
async function openGated(
  provider: ProviderName,
  callsPerDay: number,
  settings: JsonObject = {},
): Promise<{ readonly bench: Workbench; readonly gate: Gate }> {
  const bench = await openWorkbench({
    providers: [provider],
    sandbox: { days: 3, callsPerDay },
  });
  const gate = await openGate(bench.sandbox);
  const account = gated(gate, bench.sandbox, provider, settings);
  await bench.writeConfig({ store: bench.storeUrl, accounts: [account] });
  return { bench, gate };
}

/** The arguments that audit one day, due or not. */
const only = (day: string): string[] => ['--from', day, '--to', addDays(day, 1)];

async function verify(bench: Workbench, ...args: string[]): Promise<Finished> {
  return bench.run('--json', 'verify', ...args);
}

function missingIn(store: string): number {
  return countIn(store, 'calls', 'missing_since is not null');
}

/** What the provider lists under a day, by its own filter. */
function listedOn(sandbox: Sandbox, provider: ProviderName, day: string): JsonObject[] {
  return sandbox.rows(provider).filter((row) => shanghai.dayOf(instantOf(provider, row)) === day);
}

it('concludes nothing from an audit that the provider refuses', async () => {
  const { bench, gate } = await openGated('itniotech', 10);
  // Far enough back that the refusal is believed, near enough that the day is asked for.
  const day = ago(58);
  for (let number = 0; number < 8; number += 1) {
    const instant = at(58, '09:00:00') + number * HOUR;
    bench.sandbox.insert('itniotech', freshRow(bench.sandbox, 'itniotech', instant, number));
  }
  expect((await bench.run('sync')).code).toBe(0);
  const past = await bench.run('--json', 'backfill', '--account', 'demo-itniotech', ...only(day));
  expect(past.code, past.stdout).toBe(0);
  expect(reportOf(past).inserted).toBe(8);

  gate.plan = async (_seen, provider) => ({
    ...(await provider()),
    text: writeJson({ status: '-25', reason: '超出时间范围限制' }),
  });
  for (let time = 0; time < 2; time += 1) {
    const asked = gate.seen.length;
    const refused = await verify(bench, ...only(day));
    expect(gate.seen.length).toBeGreaterThan(asked);
    expect(reportOf(refused).missing).toBe(0);
    expect(reportOf(refused).days.map((one) => one.state)).not.toContain('verified');
    expect(dayStates(bench.store, 'demo-itniotech')[day]).not.toBe('verified');
    expect(missingIn(bench.store)).toBe(0);
  }

  // The same day, answered: it was there all the time.
  gate.plan = pass;
  const answered = await verify(bench, ...only(day));
  expect(answered.code, answered.stdout).toBe(0);
  expect(reportOf(answered).days).toMatchObject([{ day, state: 'verified', missing: 0 }]);
});

it('sees a contradiction beside a row that cannot be read', async () => {
  const { bench, gate } = await openGated('udesk', 30);
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  // The total still counts two calls that no page lists, so that they are not known to be gone.
  gate.plan = changing((body) => {
    if (!isObject(body) || !isObject(body['data'])) return body;
    const { list } = body['data'];
    if (!Array.isArray(list)) return body;
    const rows = [...list.slice(2), { id: 'garbage', createTime: 'never' }];
    return { ...body, data: { ...body['data'], list: rows } };
  });
  for (let time = 0; time < 2; time += 1) {
    const result = await verify(bench, ...only(day));
    expect(result.code, result.stdout).toBe(1);
    const [report] = reportOf(result).days;
    expect(report).toMatchObject({ day, missing: 0, quarantined: 1 });
    expect(['incomplete', 'mismatch']).toContain(report?.state);
    expect(missingIn(bench.store)).toBe(0);
  }
});

it('does not take calls for missing whose rows cannot be read any more', async () => {
  const { bench } = await openGated('udesk', 30);
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(2);
  const rows = listedOn(bench.sandbox, 'udesk', day).slice(0, 5);
  expect(rows).toHaveLength(5);
  const set = (row: JsonObject, createTime: Json): number =>
    bench.sandbox.change('udesk', ({ id }) => id === row['id'], { createTime });
  for (const row of rows) expect(set(row, '2026-13-45 99:99:99')).toBe(1);
  const count = countIn(bench.store, 'calls');
  for (let time = 0; time < 2; time += 1) {
    const broken = await verify(bench, ...only(day));
    expect(broken.code, broken.stdout).toBe(1);
    const said = { day, state: 'incomplete', missing: 0, quarantined: 5 };
    expect(reportOf(broken).days).toMatchObject([said]);
    expect(missingIn(bench.store)).toBe(0);
  }

  for (const row of rows) expect(set(row, row['createTime'] ?? null)).toBe(1);
  const mended = await verify(bench, ...only(day));
  expect(mended.code, mended.stdout).toBe(0);
  const said = { day, state: 'verified', missing: 0, quarantined: 0 };
  expect(reportOf(mended).days).toMatchObject([said]);
  expect(countIn(bench.store, 'quarantine', 'resolved_at is null')).toBe(0);
  expect(countIn(bench.store, 'calls')).toBe(count);
});

it('does not conclude an audit of a day that is not wholly settled', async () => {
  const { bench } = await openGated('udesk', 30);
  expect((await bench.run('sync')).code).toBe(0);
  const day = ago(1);
  const texts = listedOn(bench.sandbox, 'udesk', day)
    .slice(0, 3)
    .map((row) => writeJson(row));
  expect(texts).toHaveLength(3);
  bench.sandbox.remove('udesk', (row) => texts.includes(writeJson(row)));
  // Whatever time it is, yesterday was over less than a day ago: thirty hours do not settle it.
  await bench.configure({ lookback: '0s', settle: '30h' });
  for (let time = 0; time < 2; time += 1) {
    const early = await verify(bench, ...only(day));
    expect(reportOf(early).missing).toBe(0);
    expect(dayStates(bench.store, 'demo-udesk')[day]).not.toBe('verified');
    expect(missingIn(bench.store)).toBe(0);
  }
  // Settled, the same audit says what is so.
  await bench.configure({ lookback: '0s', settle: '0s' });
  const late = await verify(bench, ...only(day));
  expect(late.code, late.stdout).toBe(0);
  expect(reportOf(late).days).toMatchObject([{ day, state: 'verified', missing: 3 }]);
});

it('lists days that are out of reach, and does not call that a success', async () => {
  const bench = await openWorkbench({
    providers: ['itniotech'],
    sandbox: { days: 1, callsPerDay: 10 },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const days = [ago(72), ago(71), ago(70)];
  const result = await verify(bench, '--from', ago(72), '--to', ago(69));
  expect(result.code, result.stdout).toBe(1);
  expect(reportOf(result).days.map(({ day, state }) => [day, state])).toEqual(
    days.map((day) => [day, 'unreachable']),
  );
  expect(missingIn(bench.store)).toBe(0);
});

it('keeps calls around midnight that a list of many days shows under another day than a list of one', async () => {
  const bench = await openWorkbench({
    providers: ['itniotech'],
    settings: { window: '31d' },
    sandbox: {
      days: 5,
      callsPerDay: 20,
      providers: { itniotech: { filterBy: 'hangupTime' } },
    },
  });
  // The list goes by when they ended, a record by when they began; and an end may belong to two lists.
  for (const [index, days] of [3, 2, 1].entries()) {
    const midnight = at(days, '00:00:00');
    for (const [number, [before, after]] of [
      [-10, 10],
      [-60, 0],
      [-1, 1],
      [-90, -1],
    ].entries()) {
      const row = freshRow(bench.sandbox, 'itniotech', midnight, 10 * index + number);
      const submitTime = shanghai.formatWithOffset(midnight + (before ?? 0) * SECOND);
      const hangupTime = shanghai.formatWithOffset(midnight + (after ?? 0) * SECOND);
      bench.sandbox.insert('itniotech', { ...row, submitTime, callTime: submitTime, hangupTime });
    }
  }
  const [from, to] = [ago(5), ago(0)];
  const days = [ago(2), ago(4), ago(3), ago(3), ago(2), ago(4)];
  expect((await bench.run('sync')).code).toBe(0);
  const expectAll = (): void => {
    expect(missingIn(bench.store)).toBe(0);
    expect(storedRows(bench.store, 'demo-itniotech')).toEqual(
      listedRows(bench.sandbox, 'itniotech'),
    );
  };
  expectAll();
  for (const [index, day] of days.entries()) {
    const result = await verify(bench, ...only(day));
    expect(result.code, result.stdout).toBe(0);
    const said = { day, state: 'verified', new: 0, missing: 0 };
    expect(reportOf(result).days).toMatchObject([said]);
    expectAll();
    // Read in one list again, they may change the day they are listed under.
    if (index !== 2) continue;
    const again = ['--account', 'demo-itniotech', '--from', from, '--to', to];
    expect((await bench.run('backfill', ...again)).code).toBe(0);
  }
  const whole = await verify(bench, '--from', from, '--to', ago(1));
  expect(whole.code, whole.stdout).toBe(0);
  expect(reportOf(whole).missing).toBe(0);
  expectAll();
});

/** How often each text is in a list. */
function tally(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** A VOS record of a world that has none to be like. */
function vosRow(instant: number, number: number): JsonObject {
  const time = shanghai.format(instant);
  return {
    ...{ phone: `made-${number}`, callee_phone: '15400000001', start_time: time, end_time: time },
    ...{ hold_time: '00:00:00', fee: 0, customer_account: '10086001' },
  };
}

it('holds back the changed rows of a day of several pages, each in a place of its own', async () => {
  const bench = await openWorkbench({
    providers: ['vos'],
    sandbox: { days: 1, callsPerDay: 0, providers: { vos: { list: 'meta', pageSize: 3 } } },
  });
  const noon = at(1, '12:00:00');
  // Newest first 7, 6, 5, then 5, 4, 3, and a shorter page last: the pair makes the walk begin again.
  for (const number of [1, 2, 3, 4, 5, 5, 6, 7]) {
    bench.sandbox.insert('vos', vosRow(noon + number * MINUTE, number));
  }
  expect((await bench.run('--json', 'sync')).code).toBe(0);
  bench.sandbox.change('vos', () => true, { fee: 9 });
  const result = await bench.run('--json', 'verify', '--from', ago(1), '--to', ago(0));
  const { state, error, changed, inserted } = reportOf(result);
  expect([result.code, state, error, changed, inserted]).toEqual([0, 'ok', null, 8, 0]);
  expect(storedRows(bench.store, 'demo-vos')).toEqual(listedRows(bench.sandbox, 'vos'));
});

it('neither fails over equal rows at a page border nor doubles them, however the list moves', async () => {
  const bench = await openWorkbench({ providers: ['vos'], sandbox: { days: 1, callsPerDay: 0 } });
  const [yesterday, noon] = [ago(1), at(1, '12:00:00')];
  const newest = (number: number): JsonObject =>
    vosRow(noon + HOUR + number * SECOND, 100 + number);
  /** What happens to the list before its second page is asked for, the nth time. */
  const moves: Readonly<Record<string, (sandbox: Sandbox, time: number) => void>> = {
    once: (sandbox, time) => {
      if (time === 1) sandbox.insert('vos', newest(time));
    },
    twice: (sandbox, time) => {
      if (time <= 2) sandbox.insert('vos', newest(time));
    },
    always: (sandbox, time) => sandbox.insert('vos', newest(time)),
    fewer: (sandbox, time) => {
      if (time === 1) sandbox.remove('vos', ({ phone }) => phone === 'made-5');
    },
    'to and fro': (sandbox, time) => {
      if (time % 2 === 1) sandbox.insert('vos', newest(1));
      else sandbox.remove('vos', ({ phone }) => phone === 'made-101');
    },
    'one of the pair': (sandbox, time) => {
      const before = sandbox.rows('vos').filter(({ phone }) => phone === 'made-3');
      sandbox.remove('vos', ({ phone }) => phone === 'made-3');
      for (const row of before.slice(time % 2)) sandbox.insert('vos', row);
    },
  };
  const worlds = await Promise.all(
    Object.entries(moves).map(async ([id, move]) => {
      const providers = { vos: { list: 'meta', pageSize: 3 } } as const;
      const sandbox = await bench.addSandbox({ days: 1, callsPerDay: 0, providers });
      // Newest first: 5, 4, 3 on the first page, and 3 again on the second.
      for (const number of [1, 2, 3, 3, 4, 5]) {
        sandbox.insert('vos', vosRow(noon + number * MINUTE, number));
      }
      const gate = await openGate(sandbox);
      const ever = new Map<string, number>();
      const note = (): void => {
        for (const [row, count] of tally(listedRows(sandbox, 'vos'))) {
          ever.set(row, Math.max(ever.get(row) ?? 0, count));
        }
      };
      note();
      let time = 0;
      gate.plan = async (seen, provider) => {
        if (asksForPageTwo(seen) && seen.url.includes(yesterday)) {
          time += 1;
          move(sandbox, time);
          note();
        }
        return provider();
      };
      return { id: id.replaceAll(' ', '-'), sandbox, gate, ever };
    }),
  );
  const accounts = worlds.map(({ id, gate, sandbox }) => gated(gate, sandbox, 'vos', { id }));
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const expectNoneTwice = (): void => {
    for (const { id, ever } of worlds) {
      const doubled = [...tally(storedRows(bench.store, id))].filter(
        ([row, count]) => count > (ever.get(row) ?? 0),
      );
      expect([id, doubled]).toEqual([id, []]);
    }
  };
  for (let run = 0; run < 3; run += 1) {
    const result = await bench.run('--json', 'sync');
    expect([0, 1], result.stdout).toContain(result.code);
    expect(result.stdout + result.stderr).not.toMatch(/SQLITE|constraint/i);
    for (const { account, state, error, holes } of reportsOf(result)) {
      expect([account, error]).toEqual([account, null]);
      // Complete, or it says what it lacks.
      expect([account, state === 'ok' || holes > 0]).toEqual([account, true]);
    }
    expectNoneTwice();
  }
  // Once the lists stand still, everything is there.
  for (const { gate } of worlds) gate.plan = pass;
  tamper(bench.store, 'update holes set next_try_at = 0');
  const still = await bench.run('--json', 'sync');
  expect(still.code, still.stdout).toBe(0);
  expectNoneTwice();
  for (const { id, sandbox } of worlds) {
    const stored = tally(storedRows(bench.store, id));
    const lacking = [...tally(listedRows(sandbox, 'vos'))].filter(
      ([row, count]) => count > (stored.get(row) ?? 0),
    );
    expect([id, lacking]).toEqual([id, []]);
  }
});

const DATES = [
  // One answer in the middle of a list, from a cache perhaps.
  { name: 'one-page', off: -20 * DAY, wrong: (count: number) => count === 2 },
  // All that a run hears.
  { name: 'whole-run', off: -DAY, wrong: () => true },
] as const;

it('asks again as soon as a clock that was wrong is right', async () => {
  const providers = ['itniotech', 'udesk', 'vos'] as const;
  const bench = await openWorkbench({
    providers,
    sandbox: { days: 2, callsPerDay: 800, providers: { vos: { list: 'meta', pageSize: 100 } } },
  });
  const { sandbox } = bench;
  const worlds = await Promise.all(
    DATES.flatMap(({ name, off, wrong }) =>
      providers.map(async (provider) => {
        const gate = await openGate(sandbox);
        // As many pages of calls as were asked for; the second is a later page of the first list.
        let count = 0;
        let later = false;
        gate.plan = async (seen, real) => {
          const answer = await real();
          if (!asksForCalls(seen)) return answer;
          count += 1;
          if (!wrong(count)) return answer;
          later ||= asksForPageTwo(seen);
          return { ...answer, date: new Date(Date.now() + off).toUTCString() };
        };
        return { id: `${name}-${provider}`, provider, gate, met: () => later };
      }),
    ),
  );
  const accounts = worlds.map(({ id, provider, gate }) => gated(gate, sandbox, provider, { id }));
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  await bench.run('sync');
  // How far a run comes whose clock is a day behind depends on the time of day.
  const unmet = worlds.filter(({ id, met }) => id.startsWith('one-page') && !met());
  expect(unmet.map(({ id }) => id)).toEqual([]);

  for (const { gate } of worlds) gate.plan = pass;
  const recent = Date.now() - 10 * MINUTE;
  for (const provider of providers) sandbox.insert(provider, freshRow(sandbox, provider, recent));
  // The first request shows that the clock is right again, and the next poll reads up to it.
  for (let poll = 0; poll < 2; poll += 1) {
    const asked = new Map(worlds.map(({ id, gate }) => [id, gate.seen.length]));
    const result = await bench.run('--json', 'sync');
    expect(result.code, result.stdout).toBe(0);
    const idle = worlds.filter(({ id, gate }) => gate.seen.length === asked.get(id));
    expect(idle.map(({ id }) => id)).toEqual([]);
  }
  for (const { id, provider } of worlds) {
    expect([id, storedRows(bench.store, id)]).toEqual([id, listedRows(sandbox, provider)]);
  }
});

const Stored = z.object({ call_id: z.string(), listed_on: z.string(), raw: z.string() });

/** Sets a row aside as an earlier mapping would have, which could not read it. */
function setAside(store: string, account: string, day: string, raw: string): void {
  const digest = createHash('sha256').update(raw).digest('hex');
  tamper(
    store,
    `insert into quarantine (account_id, digest, listed_on, reason, raw, first_seen_at, last_seen_at)
       values (?, ?, ?, 'as it was', ?, 0, 0)`,
    ...[account, digest, day, raw],
  );
}

it('releases no row whose call is stored by now, neither as a second call nor over the newer one', async () => {
  const bench = await openWorkbench({
    providers: ['udesk', 'vos'],
    sandbox: { days: 2, callsPerDay: 15 },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const select = 'select call_id, listed_on, raw from calls order by account_id, call_id';
  const before = query(bench.store, Stored, select);
  const first = (account: string): z.infer<typeof Stored> => {
    const sql = `select call_id, listed_on, raw from calls where account_id = ? and listed_on = ?
      order by call_id limit 1`;
    const [row] = query(bench.store, Stored, sql, account, ago(2));
    if (row === undefined) throw new Error(`Nothing is stored of ${account}.`);
    return row;
  };
  // Readable in the end as it was; and, of another call, what it said before it was corrected.
  const vos = first('demo-vos');
  setAside(bench.store, 'demo-vos', vos.listed_on, vos.raw);
  const udesk = first('demo-udesk');
  const current = parseJson(udesk.raw);
  if (!isObject(current)) throw new Error('A payload is an object.');
  const older = writeJson({ ...current, agentName: 'nobody yet' });
  setAside(bench.store, 'demo-udesk', udesk.listed_on, older);

  const result = await bench.run('--json', 'reprocess');
  expect(result.code, result.stderr).toBe(0);
  expect(query(bench.store, Stored, select)).toEqual(before);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
  expect(countIn(bench.store, 'quarantine', 'resolved_at is null')).toBe(0);
});

/** More than any list can hold. */
const LIE = 2_147_483_647;

function withTotal(body: Json): Json {
  if (Array.isArray(body)) return body;
  if (!isObject(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      if (name === 'total') return [name, LIE];
      return [name, isObject(value) ? withTotal(value) : value];
    }),
  );
}

const Pending = z.object({ account_id: z.string(), count: z.int() });

it('spends little on a total that lies', async () => {
  const providers = ['itniotech', 'okcc', 'udesk', 'vos'] as const;
  const bench = await openWorkbench({
    providers,
    sandbox: { days: 2, callsPerDay: 12, providers: { vos: { list: 'meta' } } },
  });
  const worlds = await Promise.all(
    providers.map(async (provider) => {
      const gate = await openGate(bench.sandbox);
      gate.plan = changing(withTotal);
      return { id: `lying-${provider}`, provider, gate };
    }),
  );
  const accounts = worlds.map(({ id, provider, gate }) =>
    gated(gate, bench.sandbox, provider, { id }),
  );
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  const running = bench.start(['--json', 'sync', '--max-time', '20s']);
  const most = new Map<string, number>();
  const watch = (): void => {
    // Before its first request an account has no windows, and the store perhaps no tables.
    if (worlds.every(({ gate }) => gate.seen.length === 0)) return;
    const sql = 'select account_id, count(*) as count from windows group by account_id';
    for (const { account_id, count } of query(bench.store, Pending, sql)) {
      most.set(account_id, Math.max(most.get(account_id) ?? 0, count));
    }
  };
  const watching = setInterval(watch, 50);
  try {
    const result = await running.finished;
    expect([0, 1], result.stderr).toContain(result.code);
  } finally {
    clearInterval(watching);
  }
  watch();
  expect(most.size).toBeGreaterThan(0);
  for (const { id, gate } of worlds) {
    expect([id, gate.seen.length > 1, gate.seen.length < 1000]).toEqual([id, true, true]);
    expect([id, (most.get(id) ?? 0) < 300]).toEqual([id, true]);
  }
});
