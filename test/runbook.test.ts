import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import { itniotech } from '../src/providers/itniotech.ts';
import { DAY, HOUR, isoSeconds, MINUTE } from '../src/time.ts';
import { inDay, openIncident, shifted } from './support/runbook.ts';
import { ago, at, dayStates, tamper } from './support/tamper.ts';
import {
  accountsOf,
  countIn,
  expectTruth,
  freshRow,
  instantOf,
  query,
  shanghai,
} from './support/workbench.ts';

// The incidents of docs/RUNBOOK.md: each is brought about, seen as it is quoted there, and mended by
// the commands that the program prints, or the runbook where it has them. Those of the store itself
// and of the worker: runbook-store.test.ts.

vi.setConfig({ testTimeout: 60_000 });

it('1: a secret is wrong, then the account is locked', async () => {
  const incident = await openIncident(1, { providers: ['okcc'] });
  const { bench } = incident;
  const right = bench.sandbox.accounts.find(({ provider }) => provider === 'okcc')?.credentials;
  const secret = join(bench.folder, 'password');
  await bench.configure({ credentials: { ...right, password: `\${file:${secret}}` } });
  writeFileSync(secret, 'expired');
  expect(await incident.run(1, 'sync')).toContain('[auth.rejected]');
  const status = await incident.run(1, 'status', '--check');
  await incident.step(1, 'config check', { ID: 'demo-okcc' });

  writeFileSync(secret, right?.['password'] ?? '');
  const check = await incident.step(0, 'config check', { ID: 'demo-okcc' });
  expect(check).toMatch(/login +accepted/);
  await incident.follow(0, status, 'cdrsync sync');
  await incident.expectWell();

  bench.sandbox.setFaults('okcc', { rate: 1, kinds: ['auth'] });
  await incident.run(1, 'sync');
  const locked = await incident.run(1, 'status', '--check');
  bench.sandbox.setFaults('okcc', null);
  // As from a crontab.
  expect(await incident.run(1, 'sync')).toContain('not asked');
  // With the same login, so this alone ends the pause.
  await incident.follow(0, locked, 'cdrsync sync');
  await incident.expectWell();
  expectTruth(bench, ['okcc']);
  incident.expectQuoted();
});

it('2: a provider is down for three hours', async () => {
  const incident = await openIncident(2, { providers: ['okcc'] });
  const { sandbox } = incident.bench;
  await incident.run(0, 'sync');
  // A wait that is told ends the run at once.
  sandbox.setFaults('okcc', { rate: 1, kinds: ['503'], retryAfter: 3600 });
  await incident.run(1, 'sync');
  sandbox.setClockSkew(3 * HOUR);
  incident.environment = shifted(3 * HOUR);
  sandbox.insert('okcc', freshRow(sandbox, 'okcc', Date.now() + HOUR));
  const status = await incident.run(1, 'status', '--check');

  sandbox.setFaults('okcc', null);
  await incident.follow(0, status, 'cdrsync sync');
  await incident.expectWell();
  expectTruth(incident.bench, ['okcc']);
  expect(countIn(incident.bench.store, 'holes')).toBe(0);
  incident.expectQuoted();
});

it('3: a call is disputed: one that is not stored, and one that is another by now', async () => {
  const incident = await openIncident(3, {
    providers: ['udesk'],
    sandbox: { days: 3, callsPerDay: 40 },
    settings: { startAt: ago(2) },
  });
  const { sandbox, store, folder } = incident.bench;
  const [early, day] = [ago(3), ago(2)];
  const number = '15412345678';
  const disputed = { ...freshRow(sandbox, 'udesk', at(3, '12:00:00')), customerNumber: number };
  sandbox.insert('udesk', disputed);
  await incident.run(0, 'sync');
  const nothing = await incident.step(1, 'show CALL_ID', { CALL_ID: 'fresh-1' });
  await incident.follow(0, nothing, 'cdrsync backfill', early, day);
  const found = { NUMBER: `+86${number}`, DAY: early, NEXT: day };
  expect(await incident.step(0, 'show --number', found)).toContain('fresh-1');

  const rows = sandbox.rows('udesk');
  const { callId = null } =
    rows.find((row) => row['duration'] === 0 && shanghai.dayOf(instantOf('udesk', row)) === day) ??
    expect.fail('no call');
  sandbox.change('udesk', (row) => row['callId'] === callId, { result: 1, duration: 77 });
  const { step } = incident;
  expect(await step(0, 'verify', inDay('demo-udesk', day))).toMatch(/verified( +\d+){4} +1 +0/);
  const shown = await step(0, 'show CALL_ID', { CALL_ID: String(callId) });
  expect(shown).toContain('talk_seconds: 0 → 77');
  await step(0, 'export', inDay('demo-udesk', day));
  const evidence = readFileSync(join(folder, 'evidence.ndjson'), 'utf8').split('\n');
  expect(evidence.filter((line) => line.includes(`"call_id":"${String(callId)}"`))).toHaveLength(2);
  await step(0, 'backup');
  expect(countIn(join(folder, 'evidence.db'), 'calls')).toBe(countIn(store, 'calls'));
  expectTruth(incident.bench, ['udesk']);
  await incident.expectWell();
  incident.expectQuoted();
});

/** The account of Itniotech begins with the last day that it does not serve whole, and is still asked for. */
function reachingTooFar(account: JsonObject): JsonObject {
  if (account['provider'] !== 'itniotech') return account;
  const horizon = itniotech.reach.horizon(Date.now()) ?? expect.fail('Itniotech forgets');
  return { ...account, startAt: shanghai.dayOf(horizon) };
}

/** As if the provider had failed on a morning again and again, while it answered for the rest. */
function loseMorning(store: string, account: string, days: number): void {
  const [day, from, to] = [ago(days), at(days, '08:00:00'), at(days, '12:00:00')];
  tamper(
    store,
    'delete from calls where account_id = ? and started_at >= ? and started_at < ?',
    ...[account, isoSeconds(from), isoSeconds(to)],
  );
  tamper(
    store,
    "insert into holes values ('h', ?, ?, ?, 'HTTP 500', ?, 0, ?)",
    ...[account, from, to, Date.now(), Date.now()],
  );
  const incomplete = "update days set state = 'incomplete' where account_id = ? and day = ?";
  expect(tamper(store, incomplete, account, day)).toBe(1);
}

it('4: days that contradict the provider, have holes, cannot be read, or cannot be had', async () => {
  const providers = ['itniotech', 'okcc', 'udesk'] as const;
  const incident = await openIncident(4, { providers, sandbox: { days: 2, callsPerDay: 70 } });
  const { sandbox, store, writeConfig } = incident.bench;
  const accounts = accountsOf(sandbox, providers).map(reachingTooFar);
  await writeConfig({ store: `sqlite:${store}`, accounts });
  const day = ago(2);
  const unread = freshRow(sandbox, 'udesk', at(2, '12:00:00'));
  const isUnread = (row: JsonObject): boolean => row['id'] === unread['id'];
  sandbox.insert('udesk', { ...unread, duration: 'long' });
  await incident.run(1, 'sync');
  const stored = countIn(store, 'calls');
  const gone = sandbox.rows('okcc').filter((row) => instantOf('okcc', row) < at(2, '23:59:59'));
  const keys = new Set(gone.slice(0, 20).map((row) => row['key']));
  expect(sandbox.remove('okcc', ({ key }) => keys.has(key ?? null))).toBe(20);
  await incident.step(1, '--from DAY', inDay('demo-okcc', day));
  loseMorning(store, 'demo-itniotech', 2);
  expect(countIn(store, 'calls')).toBeLessThan(stored);
  const status = await incident.run(1, 'status', '--check');

  await incident.follow(0, status, 'cdrsync sync --account demo-itniotech');
  const okcc = 'verify --account demo-okcc';
  expect(await incident.follow(1, status, `${okcc} --from`)).toContain('mismatch');
  await incident.follow(0, status, `${okcc} --accept`, 'confirmed in ticket 4711');
  await incident.follow(0, status, 'demo-itniotech --accept', 'older than the provider keeps');
  const explained = await incident.follow(0, status, 'demo-udesk --explain');
  expect(explained).toMatch(/quarantined by then/);
  sandbox.change('udesk', isUnread, { duration: 0 });
  await incident.step(0, '--from DAY', inDay('demo-udesk', day));
  await incident.expectWell();
  expect(dayStates(store, 'demo-udesk')[day]).toBe('verified');
  expect(dayStates(store, 'demo-okcc')[day]).toBe('accepted');
  // What is gone at the provider is stored all the same, and the row that could not be read is.
  expect(countIn(store, 'calls')).toBe(stored + 1);
  expectTruth(incident.bench, ['itniotech', 'udesk']);
  incident.expectQuoted();
});

it('5: the disk has less than the reserve', async () => {
  const incident = await openIncident(5, { providers: ['okcc'] });
  const { bench } = incident;
  const accounts = accountsOf(bench.sandbox, ['okcc']);
  await incident.run(0, 'sync');
  bench.sandbox.insert('okcc', freshRow(bench.sandbox, 'okcc', Date.now() - 6 * MINUTE));
  // No disk has that.
  await bench.writeConfig({ store: bench.storeUrl, diskReserve: '1000TB', accounts });
  const asked = bench.sandbox.requests.length;
  await incident.run(1, 'sync');
  const status = await incident.run(1, 'status', '--check');
  expect(bench.sandbox.requests).toHaveLength(asked);

  await bench.configure();
  await incident.follow(0, status, 'cdrsync sync');
  await incident.expectWell();
  expectTruth(bench, ['okcc']);
  incident.expectQuoted();
});

const Started = z.object({ raw: z.string(), started_at: z.string() });

it('6: a time zone is wrong, then our clock, then that of the provider', async () => {
  // Noon, because a call of today by the right zone may be one of tomorrow by the wrong one.
  const shift = at(0, '12:00:00') - Date.now();
  const now = (): number => Date.now() + shift;
  const incident = await openIncident(6, {
    providers: ['okcc'],
    settings: { timeZone: 'Asia/Bangkok' },
    sandbox: { now, until: now() - 5 * MINUTE },
  });
  incident.environment = shifted(shift);
  const { sandbox, store, configure } = incident.bench;
  sandbox.insert('okcc', freshRow(sandbox, 'okcc', now() - 6 * MINUTE));
  await incident.run(0, 'sync');
  const problem = await incident.step(1, 'config check', { ID: 'demo-okcc' });
  const zone = /→ What would fit: timeZone ([\w/]+)/.exec(problem)?.[1] ?? expect.fail(problem);
  await configure({ timeZone: zone });
  await incident.step(0, 'reprocess', { ID: 'demo-okcc' });
  await incident.step(0, 'backfill', inDay('demo-okcc', ago(1)));
  await incident.step(0, 'config check', { ID: 'demo-okcc' });

  incident.environment = shifted(shift + 7 * MINUTE);
  await incident.run(0, 'sync');
  await incident.run(1, 'status', '--check');
  incident.environment = shifted(shift);
  await incident.step(0, 'cdrsync sync');
  await incident.expectWell();

  sandbox.setClockSkew(-2 * DAY);
  await incident.run(1, 'sync');
  const status = await incident.run(1, 'status', '--check');
  sandbox.setClockSkew(0);
  await incident.follow(0, status, 'cdrsync sync');
  await incident.expectWell();
  expectTruth(incident.bench, ['okcc']);
  for (const { raw, started_at } of query(store, Started, 'select raw, started_at from calls')) {
    const row = z.record(z.string(), z.unknown()).parse(JSON.parse(raw));
    expect(started_at).toBe(isoSeconds(shanghai.parse(String(row['startTime']))?.at ?? 0));
  }
  incident.expectQuoted();
});
