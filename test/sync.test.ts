import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import type { OkccBehaviour } from '../src/sandbox/okcc.ts';
import type { VosBehaviour } from '../src/sandbox/vos.ts';
import { PROVIDERS, type ProviderName } from '../src/sandbox/wire.ts';
import { addDays, HOUR, isoSeconds, MINUTE, SECOND } from '../src/time.ts';
import { lastChange } from './support/test-store.ts';
import {
  accountsOf,
  countIn,
  expectTruth,
  freshRow,
  instantOf,
  listedRows,
  openWorkbench,
  pagesAsked,
  query,
  reportOf,
  reportsOf,
  shanghai,
  storedRows,
  until,
  watermarkOf,
} from './support/workbench.ts';

// The real binary against the simulated providers, from the command line to the bytes in the store.

vi.setConfig({ testTimeout: 60_000 });

/** Some local days before today, at some time of day. */
function daysAgo(days: number, time: string): number {
  const day = addDays(shanghai.dayOf(Date.now()), -days);
  const at = shanghai.parse(`${day} ${time}`)?.at;
  if (at === undefined) throw new Error(`${time} is no time of day.`);
  return at;
}

const providerOf = (name: string): ProviderName => z.enum(PROVIDERS).parse(name);

it('stores every call of all five providers at once, and then writes nothing again', async () => {
  const bench = await openWorkbench({
    sandbox: { providers: { infin8linx: { fields: 'table' }, okcc: { fees: 'exact' } } },
  });
  const first = await bench.run('--json', 'sync');
  expect(first.code, first.stderr).toBe(0);
  for (const report of reportsOf(first)) {
    expect(report.state).toBe('ok');
    expect(report.error).toBeNull();
    expect(report.inserted).toBe(report.fetched - report.duplicates);
    // The day before yesterday is over for any lookback.
    const [oldest] = report.days;
    expect(oldest?.state).toBe('complete');
    const listed = bench.sandbox
      .rows(providerOf(report.provider))
      .filter((row) => shanghai.dayOf(instantOf(providerOf(report.provider), row)) === oldest?.day);
    expect(oldest?.stored).toBe(listed.length);
  }
  expectTruth(bench);

  const before = lastChange(bench.store);
  const asked = bench.sandbox.requests.length;
  const second = await bench.run('--json', 'sync');
  expect(second.code, second.stderr).toBe(0);
  for (const { state, inserted, changed } of reportsOf(second)) {
    expect([state, inserted, changed]).toEqual(['ok', 0, 0]);
  }
  expectTruth(bench);
  expect(lastChange(bench.store)).toBe(before);
  expect(countIn(bench.store, 'call_versions')).toBe(0);
  // Each a login and the lookback; around midnight that is two windows, and a day that closes.
  expect(bench.sandbox.requests.length - asked).toBeLessThanOrEqual(PROVIDERS.length * 4);
});

it('asks for little more than the pages there are', async () => {
  const bench = await openWorkbench({
    sandbox: {
      callsPerDay: 200,
      providers: {
        itniotech: { callsPerDay: 400 },
        okcc: { pageSize: 30 },
        udesk: { callsPerDay: 400 },
        vos: { list: 'meta', pageSize: 50 },
      },
    },
  });
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expectTruth(bench);
  const sizes = { infin8linx: 1000, itniotech: 100, okcc: 30, udesk: 100, vos: 50 };
  for (const provider of PROVIDERS) {
    const rows = new Map([0, 1, 2].map((days) => [shanghai.dayOf(daysAgo(days, '12:00:00')), 0]));
    for (const row of bench.sandbox.rows(provider)) {
      const day = shanghai.dayOf(instantOf(provider, row));
      rows.set(day, (rows.get(day) ?? 0) + 1);
    }
    const pages = [...rows.values()].map((count) =>
      Math.max(1, Math.ceil(count / sizes[provider])),
    );
    const needed = pages.reduce((sum, count) => sum + count, 0);
    const asked = bench.sandbox.requests.filter((request) => request.provider === provider).length;
    expect(asked, provider).toBeLessThanOrEqual(1.5 * needed + rows.size);
  }
});

interface OkccWorld extends OkccBehaviour {
  readonly name: string;
}

/** A row that needs no other to be like. */
function okccRow(at: number, number: number): JsonObject {
  const time = shanghai.format(at);
  return {
    ...{ key: String(573_262 + number), session: `session-${number}`, serviceType: '1' },
    ...{ startTime: time, ringTime: time, answerTime: time, byeTime: time },
    ...{ caller: '02110000001', callee: '15400000001', timeLength: '0', fee: 0, result: '2' },
  };
}

/** What an installation may do with everything that the document leaves open. */
function okccWorlds(startKey: NonNullable<OkccBehaviour['startKey']>): OkccWorld[] {
  const worlds: OkccWorld[] = [];
  for (const order of ['descending', 'ascending'] as const)
    for (const total of ['range', 'page', 'rest', 'none'] as const)
      for (const statesSize of [true, false])
        for (const endInclusive of [true, false])
          for (const pageSize of [2, 4]) {
            // Without a key to go on by, each page costs a walk down to its second: fewer will do.
            const heeded = startKey === 'exclusive' || startKey === 'inclusive';
            if (!heeded && (pageSize === 2) !== endInclusive) continue;
            if (!heeded && (order === 'ascending') !== statesSize) continue;
            const name = [order, total, statesSize, endInclusive, pageSize].join('-');
            worlds.push({ name, order, startKey, total, statesSize, endInclusive, pageSize });
          }
  return worlds;
}

it.each(['exclusive', 'inclusive', 'ignored', 'wrong-way'] as const)(
  'is complete or says what it could not prove, whatever an OKCC does: startKey %s',
  async (startKey) => {
    const bench = await openWorkbench();
    const worlds = await Promise.all(
      okccWorlds(startKey).map(async ({ name, ...behaviour }) => {
        const sandbox = await bench.addSandbox({
          days: 1,
          callsPerDay: 0,
          providers: { okcc: behaviour },
        });
        // More within one second than some pages show, neighbours, and some hours between.
        const times = ['10:00:00', '10:00:00', '10:00:00', '10:00:01', '21:30:00'];
        for (const [number, time] of times.entries()) {
          sandbox.insert('okcc', okccRow(daysAgo(1, time), number));
        }
        return { id: name, sandbox, behaviour };
      }),
    );
    const accounts = worlds.flatMap(({ id, sandbox }) => accountsOf(sandbox, ['okcc'], { id }));
    await bench.writeConfig({ store: bench.storeUrl, accounts });
    const result = await bench.run('--json', '--quiet', 'sync');
    const reports = reportsOf(result);
    expect(reports).toHaveLength(worlds.length);

    const short: string[] = [];
    for (const { id, sandbox, behaviour } of worlds) {
      const report = reports.find(({ account }) => account === id);
      const stored = storedRows(bench.store, id);
      const listed = listedRows(sandbox, 'okcc');
      const whole = stored.join() === listed.join();
      expect(
        stored.every((row) => listed.includes(row)),
        id,
      ).toBe(true);
      expect(['ok', 'incomplete'], id).toContain(report?.state);
      if (!whole) short.push(id);
      if (!whole) expect([id, report?.state]).toEqual([id, 'incomplete']);
      if (report?.state === 'incomplete') {
        const holes = countIn(bench.store, 'holes', `account_id = '${id}'`);
        const mismatch = report.days.some(({ state }) => state === 'mismatch');
        expect([id, holes > 0 || mismatch]).toEqual([id, true]);
        expect(report.holes > 0, id).toBe(holes > 0);
      }
      // A key that is heeded, and a page that says how long it may be, leave nothing open.
      const heeded = startKey === 'exclusive' || startKey === 'inclusive';
      if (heeded && behaviour.statesSize === true && behaviour.pageSize === 4) {
        expect([id, whole, report?.state]).toEqual([id, true, 'ok']);
      }
    }
    const incomplete = reports.some(({ state }) => state !== 'ok');
    expect(result.code, short.join('; ')).toBe(incomplete ? 1 : 0);
  },
);

it('reads each way in which a VOS may list a day', async () => {
  const bench = await openWorkbench();
  const behaviours: Readonly<Record<string, VosBehaviour>> = {
    array: { list: 'array' },
    meta: { list: 'meta' },
    'meta-small': { list: 'meta', pageSize: 4 },
    'silent-15': { list: 'silent', pageSize: 15 },
    'silent-50': { list: 'silent', pageSize: 50 },
  };
  const worlds = await Promise.all(
    Object.entries(behaviours).map(async ([id, vos]) => ({
      id,
      sandbox: await bench.addSandbox({ providers: { vos } }),
    })),
  );
  // A whole day that looks like a page.
  for (const rows of [15, 50, 100]) {
    const sandbox = await bench.addSandbox({ callsPerDay: 0 });
    for (let number = 0; number < rows; number += 1) {
      const at = daysAgo(1, '09:00:00') + number * MINUTE;
      sandbox.insert('vos', { ...freshRow(sandbox, 'vos', at, number), callee_phone: '1001' });
    }
    worlds.push({ id: `array-of-${rows}`, sandbox });
  }
  const accounts = worlds.flatMap(({ id, sandbox }) => accountsOf(sandbox, ['vos'], { id }));
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  for (const round of ['first', 'second']) {
    const result = await bench.run('--json', 'sync');
    expect([round, result.code], result.stderr).toEqual([round, 0]);
    for (const { id, sandbox } of worlds) {
      expect(storedRows(bench.store, id), id).toEqual(listedRows(sandbox, 'vos'));
    }
    if (round === 'first') continue;
    for (const { inserted, changed } of reportsOf(result))
      expect([inserted, changed]).toEqual([0, 0]);
  }
});

it('leaves a day open that VOS does not serve yet, and does not insist', async () => {
  const bench = await openWorkbench({
    providers: ['vos'],
    sandbox: { providers: { vos: { today: 'refused' } } },
  });
  const today = shanghai.dayOf(Date.now());
  const first = await bench.run('--json', 'sync');
  expect(first.code, first.stderr).toBe(0);
  expect(reportOf(first).state).toBe('ok');
  const closed = bench.sandbox
    .rows('vos')
    .filter((row) => shanghai.dayOf(instantOf('vos', row)) !== today);
  expect(countIn(bench.store, 'calls')).toBe(closed.length);
  const asked = bench.sandbox.requests.length;
  const second = await bench.run('--json', 'sync');
  expect(second.code, second.stderr).toBe(0);
  const again = bench.sandbox.requests.slice(asked).map(({ parameters }) => parameters['time']);
  expect(again).not.toContain(today);
});

it('keeps the identity of a call whose uuid comes later', async () => {
  const world = { seed: 5, until: Date.now() - 5 * MINUTE };
  const bench = await openWorkbench({
    providers: ['infin8linx'],
    sandbox: { ...world, providers: { infin8linx: { fields: 'sample' } } },
  });
  expect((await bench.run('sync')).code).toBe(0);
  const Identity = z.object({
    call_id: z.string(),
    native_id: z.string(),
    correlation_id: z.string().nullable(),
  });
  const sql = 'select call_id, native_id, correlation_id from calls order by call_id';
  const before = query(bench.store, Identity, sql);
  expect(before.every(({ call_id, native_id }) => call_id === native_id)).toBe(true);

  const later = await bench.addSandbox({
    ...world,
    providers: { infin8linx: { fields: 'table' } },
  });
  later.insert('infin8linx', {
    ...freshRow(later, 'infin8linx', daysAgo(1, '12:00:00')),
    uuid: '00000000-0000-4000-8000-00000000000a',
  });
  await bench.writeConfig({
    store: bench.storeUrl,
    accounts: accountsOf(later, ['infin8linx'], { lookback: '10d' }),
  });
  const second = await bench.run('--json', 'sync');
  expect(second.code, second.stderr).toBe(0);
  expect(reportOf(second)).toMatchObject({ inserted: 1, changed: before.length });
  const after = query(bench.store, Identity, sql);
  const known = new Set(before.map(({ call_id }) => call_id));
  expect(after.filter(({ call_id }) => known.has(call_id))).toHaveLength(before.length);
  expect(after).toContainEqual({
    call_id: '00000000-0000-4000-8000-00000000000a',
    native_id: '900000001',
    correlation_id: '00000000-0000-4000-8000-00000000000a',
  });
  expect(after.every(({ correlation_id }) => correlation_id !== null)).toBe(true);
  expect(countIn(bench.store, 'call_versions', "change_reason = 'provider'")).toBe(before.length);

  // The links to recordings are signed anew, which is no change.
  const third = reportOf(await bench.run('--json', 'sync'));
  expect([third.inserted, third.changed]).toEqual([0, 0]);
});

it('does not trust a total of 1, nor a page that is just full', async () => {
  const bench = await openWorkbench();
  const accounts: JsonObject[] = [];
  const day = shanghai.dayOf(daysAgo(1, '12:00:00'));
  const worlds = await Promise.all(
    [99, 100, 101, 200].map(async (rows) => {
      const sandbox = await bench.addSandbox({
        days: 1,
        callsPerDay: 0,
        providers: { udesk: { total: 'one' } },
      });
      for (let number = 0; number < rows; number += 1) {
        const at = daysAgo(1, '09:00:00') + number * SECOND;
        sandbox.insert('udesk', freshRow(sandbox, 'udesk', at, number));
      }
      const id = `udesk-${rows}`;
      accounts.push(...accountsOf(sandbox, ['udesk'], { id }));
      return { id, sandbox, rows };
    }),
  );
  await bench.writeConfig({ store: bench.storeUrl, accounts });
  // Today, of which it says 1 too while there is none, is another matter: see its state, not the exit code.
  const reports = reportsOf(await bench.run('--json', 'sync'));
  for (const { id, sandbox, rows } of worlds) {
    expect(storedRows(bench.store, id), id).toEqual(listedRows(sandbox, 'udesk'));
    const report = reports.find(({ account }) => account === id);
    const read = report?.days.find((one) => one.day === day);
    expect([id, read?.stored, read?.listed]).toEqual([id, rows, rows]);
    expect(['open', 'complete'], id).toContain(read?.state);
    expect(report?.holes, id).toBe(0);
  }
});

it.each(['1d', '31d'])(
  'asks Itniotech for nothing older than two months, windows of %s',
  async (window) => {
    const bench = await openWorkbench({
      providers: ['itniotech'],
      sandbox: { days: 70, callsPerDay: 5 },
      settings: { window },
    });
    const first = await bench.run('--json', 'sync');
    // That days are lost is no success, the first time it is seen.
    expect(first.code, first.stderr).toBe(1);
    const report = reportOf(first);
    expect(report.state).toBe('incomplete');
    const unreachable = report.days.filter(({ state }) => state === 'unreachable');
    expect(unreachable.length).toBeGreaterThanOrEqual(8);
    expect(unreachable.length).toBeLessThanOrEqual(13);
    expect(unreachable[0]?.day).toBe(addDays(shanghai.dayOf(Date.now()), -70));
    expect(bench.sandbox.requests.filter(({ status }) => status !== 200)).toEqual([]);
    const lost = new Set(unreachable.map(({ day }) => day));
    const within = bench.sandbox
      .rows('itniotech')
      .filter((row) => !lost.has(shanghai.dayOf(instantOf('itniotech', row))));
    const stored = storedRows(bench.store, 'demo-itniotech');
    for (const row of within) expect(stored).toContain(JSON.stringify(row));

    const second = await bench.run('--json', 'sync');
    expect(second.code, second.stderr).toBe(0);
    const status = await bench.run('--json', 'status', '--check');
    expect(status.code).toBe(1);
    expect(status.stdout).toContain('days_unreachable');
  },
);

it('misses no call that is listed while the list is read', async () => {
  const providers = ['itniotech', 'okcc', 'udesk', 'vos'] as const;
  const bench = await openWorkbench({
    providers,
    sandbox: {
      days: 1,
      callsPerDay: 60,
      providers: {
        itniotech: { callsPerDay: 800 },
        udesk: { callsPerDay: 800 },
        okcc: { pageSize: 10 },
        vos: { list: 'meta', pageSize: 10 },
      },
    },
  });
  for (const provider of providers) bench.sandbox.setFaults(provider, { latency: 60 });
  const running = bench.start(['--json', 'sync']);
  // Newest first: what comes in at the end of the day pushes the rest to later pages.
  await Promise.all(
    providers.map(async (provider) => {
      for (const [number, pages] of [2, 3].entries()) {
        const asked = () => pagesAsked(bench.sandbox.requests, provider).length;
        await until(`page ${pages} of ${provider}`, () => asked() >= pages);
        const at = daysAgo(1, '23:59:30') + number * SECOND;
        bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, at, number));
      }
    }),
  );
  const result = await running.finished;
  expect(result.code, result.stderr).toBe(0);
  expectTruth(bench, providers);
});

it('takes in what comes late, and keeps what was changed', async () => {
  const bench = await openWorkbench();
  expect((await bench.run('sync')).code).toBe(0);
  const recent = Date.now() - 40 * MINUTE;
  const old: Record<string, number> = {};
  for (const provider of PROVIDERS) {
    bench.sandbox.insert(provider, freshRow(bench.sandbox, provider, recent));
    old[provider] = countIn(bench.store, 'calls', `provider = '${provider}'`);
  }
  const late = await bench.run('--json', 'sync');
  expect(late.code, late.stderr).toBe(0);
  for (const { inserted, changed } of reportsOf(late)) expect([inserted, changed]).toEqual([1, 0]);
  expectTruth(bench);

  // What no row of the sandbox has, whichever the new one was made like.
  const money: Readonly<Record<ProviderName, JsonObject>> = {
    infin8linx: { hangupcause: 10099 },
    itniotech: { cost: '9.99' },
    okcc: { userData: 'changed' },
    udesk: { agentName: '坐席9999' },
    vos: { fee: 7.5 },
  };
  for (const provider of PROVIDERS) {
    const text = JSON.stringify(freshRow(bench.sandbox, provider, recent));
    const wanted = bench.sandbox.change(
      provider,
      (row) => instantOf(provider, row) === Math.floor(recent / SECOND) * SECOND,
      money[provider],
    );
    expect([provider, wanted, text.length > 0]).toEqual([provider, 1, true]);
  }
  const changed = await bench.run('--json', 'sync');
  expect(changed.code, changed.stderr).toBe(0);
  for (const report of reportsOf(changed)) {
    expect([report.account, report.inserted, report.changed]).toEqual([report.account, 0, 1]);
  }
  expectTruth(bench);
  const versions = query(
    bench.store,
    z.object({ reason: z.string(), old: z.int(), new: z.int() }),
    `select change_reason as reason, v.version as old, c.version as new
       from call_versions v join calls c using (account_id, call_id)`,
  );
  expect(versions).toEqual(PROVIDERS.map(() => ({ reason: 'provider', old: 1, new: 2 })));
});

it('sets a row aside that is no call, stores the others, and says so', async () => {
  const bench = await openWorkbench();
  const spoilt: Readonly<Record<ProviderName, JsonObject>> = {
    infin8linx: { billsec: 'long' },
    itniotech: { voiceId: '' },
    okcc: { timeLength: 'long' },
    udesk: { duration: 'long' },
    vos: { hold_time: 'long' },
  };
  const at = daysAgo(1, '11:00:00');
  for (const provider of PROVIDERS) {
    const row = { ...freshRow(bench.sandbox, provider, at), ...spoilt[provider] };
    bench.sandbox.insert(provider, row);
  }
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(1);
  for (const report of reportsOf(result)) {
    const { provider, account } = report;
    expect([provider, report.state, report.quarantined]).toEqual([provider, 'incomplete', 1]);
    const day = report.days.find((one) => one.day === shanghai.dayOf(at));
    expect([provider, day?.state, day?.quarantined]).toEqual([provider, 'incomplete', 1]);
    const aside = query(
      bench.store,
      z.object({ raw: z.string(), reason: z.string() }),
      'select raw, reason from quarantine where account_id = ?',
      account,
    );
    expect(aside).toHaveLength(1);
    expect(aside[0]?.reason).not.toBe('');
    const all = [...storedRows(bench.store, account), ...aside.map(({ raw }) => raw)].sort();
    expect(all).toEqual(listedRows(bench.sandbox, providerOf(provider)));
  }
});

it.each([1, -1])('works with providers whose clock is off by %i hours', async (hours) => {
  const tolerance = { timestampTolerance: 5 * MINUTE };
  const bench = await openWorkbench({
    sandbox: {
      clockSkew: hours * HOUR,
      live: true,
      providers: { okcc: tolerance, udesk: tolerance },
    },
  });
  const started = Date.now();
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  // A signature refused for its time costs one request, and only where the time is checked.
  const { requests } = bench.sandbox;
  for (const { provider, requests: count } of reportsOf(result)) {
    const asked = requests.filter((request) => request.provider === provider).length;
    expect([provider, count]).toEqual([provider, asked]);
    expect(asked).toBeLessThanOrEqual(10);
  }
  for (const provider of PROVIDERS) {
    const account = `demo-${provider}`;
    const settled = Math.min(0, hours * HOUR) - MINUTE;
    const watermark = watermarkOf(bench, account);
    // Never past what both clocks have passed by a minute; nothing is left out below it.
    expect(watermark).toBeLessThanOrEqual(Date.now() + settled + SECOND);
    expect(watermark).toBeGreaterThanOrEqual(started + settled - 3 * SECOND);
    const stored = new Set(storedRows(bench.store, account));
    const due = bench.sandbox
      .rows(provider)
      .filter((row) => instantOf(provider, row) < watermark - 2 * HOUR);
    for (const row of due) expect(stored).toContain(JSON.stringify(row));
  }
  const status = await bench.run('--json', 'status');
  const { accounts } = z
    .object({ accounts: z.array(z.looseObject({ clock_skew_seconds: z.number() })) })
    .parse(status.json);
  for (const { clock_skew_seconds } of accounts) {
    expect(Math.abs(clock_skew_seconds - hours * 3600)).toBeLessThanOrEqual(2);
  }
});

it('opens the days before when startAt moves to an earlier day', async () => {
  const bench = await openWorkbench({ sandbox: { days: 4, callsPerDay: 30 } });
  const today = shanghai.dayOf(Date.now());
  await bench.configure({ startAt: addDays(today, -1) });
  expect((await bench.run('sync')).code).toBe(0);
  const before = PROVIDERS.map((provider) => watermarkOf(bench, `demo-${provider}`));
  const few = countIn(bench.store, 'calls');
  await bench.configure({ startAt: addDays(today, -4) });
  const result = await bench.run('--json', 'sync');
  expect(result.code, result.stderr).toBe(0);
  expectTruth(bench);
  expect(countIn(bench.store, 'calls')).toBeGreaterThan(few);
  for (const [index, provider] of PROVIDERS.entries()) {
    const watermark = watermarkOf(bench, `demo-${provider}`);
    expect(watermark).toBeGreaterThanOrEqual(before[index] ?? Infinity);
  }
  // Moved back, nothing of it is forgotten, and nothing is walked again.
  await bench.configure({ startAt: addDays(today, -1) });
  const asked = bench.sandbox.requests.length;
  expect((await bench.run('sync')).code).toBe(0);
  expectTruth(bench);
  expect(bench.sandbox.requests.length - asked).toBeLessThanOrEqual(PROVIDERS.length * 4);
});

it('follows lists that grow, and reads nothing before it has settled', async () => {
  // The providers' clock runs from poll to poll by hours, so that the calls of a day come in a second.
  const bench = await openWorkbench({
    sandbox: { live: true, clockSkew: -9 * HOUR, days: 1, callsPerDay: 150 },
    settings: { settle: '10m' },
  });
  for (const behind of [9, 7, 4, 2, 0]) {
    bench.sandbox.setClockSkew(-behind * HOUR);
    const result = await bench.run('--json', 'sync');
    expect(result.code, result.stderr).toBe(0);
    const settled = Date.now() - behind * HOUR - 10 * MINUTE;
    for (const provider of PROVIDERS) {
      const account = `demo-${provider}`;
      expect(watermarkOf(bench, account)).toBeLessThanOrEqual(settled);
      const [latest] = query(
        bench.store,
        z.object({ at: z.string().nullable() }),
        'select max(started_at) as at from calls where account_id = ?',
        account,
      );
      // A day is all that VOS can be asked for, the end of it included.
      if (provider !== 'vos') expect((latest?.at ?? '') <= isoSeconds(settled)).toBe(true);
    }
  }
  for (const provider of PROVIDERS) {
    const account = `demo-${provider}`;
    const stored = storedRows(bench.store, account);
    const until = watermarkOf(bench, account);
    const due = bench.sandbox.rows(provider).filter((row) => instantOf(provider, row) < until);
    expect(due.length).toBeGreaterThan(0);
    for (const row of due) expect(stored, provider).toContain(JSON.stringify(row));
    // None more often than it is listed: of some days two calls are equal in everything.
    const listed = listedRows(bench.sandbox, provider);
    for (const row of stored) {
      const place = listed.indexOf(row);
      expect(place, row).toBeGreaterThanOrEqual(0);
      listed.splice(place, 1);
    }
  }
});
