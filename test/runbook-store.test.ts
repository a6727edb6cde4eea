import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { MINUTE } from '../src/time.ts';
import { type Incident, openIncident, shifted } from './support/runbook.ts';
import { describeQueue, ownRedis } from './support/services.ts';
import { tamper } from './support/tamper.ts';
import {
  accountsOf,
  expectTruth,
  freshRow,
  query,
  shanghai,
  until,
  watermarkOf,
} from './support/workbench.ts';

// The incidents of docs/RUNBOOK.md around the store itself and the worker: as runbook.test.ts.

vi.setConfig({ testTimeout: 60_000 });

/** As the operator does it: the store with its journal out of the way, a copy in its place. */
function replaceStore({ bench: { folder, store } }: Incident, copy: string): void {
  const away = join(folder, 'away');
  mkdirSync(away);
  for (const name of readdirSync(folder)) {
    if (/^cdrsync\.db(?:-.*)?$/.test(name)) renameSync(join(folder, name), join(away, name));
  }
  copyFileSync(copy, store);
}

it('7: the volume of the store is not mounted, then the store is damaged', async () => {
  const incident = await openIncident(7, { providers: ['okcc'] });
  const { sandbox, store, folder } = incident.bench;
  await incident.run(0, 'sync');
  const copy = join(folder, 'backup.db');
  await incident.step(0, 'backup', { '/new/cdrsync.db': copy });
  sandbox.insert('okcc', freshRow(sandbox, 'okcc', Date.now() - 6 * MINUTE));
  await incident.run(0, 'sync');

  renameSync(store, `${store}.elsewhere`);
  await incident.step(2, '--require-store status');
  renameSync(`${store}.elsewhere`, store);
  await incident.expectWell();

  writeFileSync(store, 'no pages of a database\n'.repeat(500));
  await incident.run(1, 'status', '--check');
  // A process that died on a machine that is gone had the account when the backup was made.
  const holder = { host: 'gone', boot: 'b', pidNamespace: 'n', pid: 1, startedAt: '1' };
  const taken = 'update leases set holder = ?, heartbeat_at = ?';
  tamper(copy, taken, JSON.stringify(holder), Date.now() - 11_000);
  replaceStore(incident, copy);
  await incident.step(0, '--require-store sync');
  await incident.expectWell();
  expectTruth(incident.bench, ['okcc']);
  incident.expectQuoted();
});

const Id = z.object({ call_id: z.string() });

it('8: an upgrade, and back to the backup that it made', async () => {
  const fixture = new URL('./fixtures/stores/schema-2.db.gz', import.meta.url);
  // The world and this machine's clock stand where that store was left, or its history would grow for ever.
  let shift = 0;
  const sandbox = { days: 2, callsPerDay: 20, now: () => Date.now() + shift, until: 0 };
  const incident = await openIncident(8, { providers: ['udesk'], sandbox });
  const { store, folder } = incident.bench;
  writeFileSync(store, gunzipSync(readFileSync(fixture)));
  shift = watermarkOf(incident.bench, 'demo-udesk') + 10 * MINUTE - Date.now();
  incident.environment = shifted(shift);
  // Two days before this machine's own today would lie in that clock's future.
  await incident.bench.configure({ startAt: shanghai.dayOf(Date.now() + shift) });
  const ids = (): string[] =>
    query(store, Id, "select call_id from calls where account_id = 'demo-udesk'").map(
      ({ call_id }) => call_id,
    );
  const before = ids();
  expect(before.length).toBeGreaterThan(10);

  await incident.follow(0, await incident.run(1, 'status', '--check'), 'cdrsync sync');
  await incident.expectWell();
  expect(ids()).toEqual(expect.arrayContaining(before));
  const backup = readdirSync(folder).find((name) => name.endsWith('.bak')) ?? '';
  expect(backup).toMatch(/^cdrsync\.db\.before-/);

  const like = { id: 1, callId: 'since', customerNumber: '15400000001', duration: 0, result: 2 };
  const createTime = shanghai.format(Date.now() + shift - 2 * MINUTE);
  incident.bench.sandbox.insert('udesk', { ...like, callType: 2, createTime });
  await incident.run(0, 'sync');
  tamper(store, "insert into kysely_migration values ('9999_later', '2030-01-01T00:00:00Z')");
  await incident.run(1, 'status', '--check');
  replaceStore(incident, join(folder, backup));
  await incident.step(0, '--require-store sync');
  await incident.expectWell();
  expect(ids()).toEqual(expect.arrayContaining([...before, 'since']));
  incident.expectQuoted();
});

describeQueue('redis', () => {
  it('9: the queue is gone, and comes back', async () => {
    const incident = await openIncident(9, { providers: ['okcc'], settings: { every: '1s' } });
    const { bench } = incident;
    const redis = await ownRedis();
    const accounts = accountsOf(bench.sandbox, ['okcc'], { every: '1s' });
    await bench.writeConfig({ store: bench.storeUrl, queue: redis.url, accounts });
    const worker = bench.start(['worker', '--listen', '127.0.0.1:0']);
    const address = (): string => /"address":"([^"]+)"/.exec(worker.log())?.[1] ?? '';
    await until('its address', () => address() !== '');
    const ready = async (): Promise<readonly [number, string]> => {
      const response = await fetch(`${address()}/readyz`);
      return [response.status, await response.text()];
    };
    const [status, said] = await ready();
    expect(status).toBe(503);
    // What needs no queue goes on by hand.
    await incident.step(0, 'cdrsync sync');
    await redis.start();
    await until('a poll', () => worker.log().includes('"trigger":"poll"'));
    expect((await ready())[0]).toBe(200);
    worker.kill('SIGTERM');
    expect((await worker.finished).code).toBe(143);
    await incident.expectWell();
    expectTruth(bench, ['okcc']);
    incident.expectQuoted(said);
  });
});
