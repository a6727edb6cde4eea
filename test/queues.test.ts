import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { chooseAccounts } from '../src/commands/session.ts';
import { loadConfig } from '../src/config/config.ts';
import type { QueueBackend } from '../src/jobs/backend.ts';
import { connectBackend } from '../src/jobs/connect.ts';
import { openQueues } from '../src/jobs/queues.ts';
import { type RunningWorker, startWorker } from '../src/jobs/worker.ts';
import { redactor } from '../src/redact.ts';
import { requestBackfill } from '../src/store/backfills.ts';
import { readStoreId } from '../src/store/meta.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { AccountReport } from '../src/sync/report.ts';
import { DAY, SECOND } from '../src/time.ts';
import { describeQueue, forgetQueues, type QueuePlace } from './support/services.ts';
import {
  expectTruth,
  freshRow,
  openWorkbench,
  query,
  shanghai,
  until,
  type Workbench,
  watermarkOf,
} from './support/workbench.ts';

// One suite over every place where the queues may live: a real worker in this process, simulated
// providers, a real store.

vi.setConfig({ testTimeout: 60_000 });

const NO_LOG = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

interface Desk {
  readonly worker: RunningWorker;
  readonly backend: QueueBackend;
  readonly store: Store;
  readonly storeId: string;
  readonly reports: readonly AccountReport[];
  /** How long it took. */
  leave(): Promise<number>;
}

/** A worker over the accounts of the bench's configuration. */
async function startDesk(place: QueuePlace, bench: Workbench): Promise<Desk> {
  const config = loadConfig(bench.config, {});
  const store = await openStore({
    url: config.store,
    mustExist: false,
    onEvent: () => undefined,
  });
  const storeId = await readStoreId(store);
  const { signal } = new AbortController();
  const backend = await connectBackend({ queue: place.url, folder: place.folder }, NO_LOG, signal);
  const reports: AccountReport[] = [];
  const worker = await startWorker({
    backend,
    storeId,
    accounts: new Map(
      chooseAccounts(config, []).map((sync) => [sync.settings.id, { sync, ages: [DAY] }]),
    ),
    around: {
      store,
      log: NO_LOG,
      redact: redactor(config.secrets),
      onProgress: () => undefined,
      room: async () => undefined,
    },
    concurrency: 8,
    compareEvery: SECOND / 2,
    onReport: (_trigger, report) => reports.push(report),
  });
  let left: Promise<number> | null = null;
  const leave = async (): Promise<number> => {
    const start = performance.now();
    await worker.stop();
    await backend.close();
    await store.close();
    return performance.now() - start;
  };
  const desk: Desk = {
    worker,
    backend,
    store,
    storeId,
    reports,
    leave: () => {
      left ??= leave();
      return left;
    },
  };
  onTestFinished(async () => {
    await desk.leave();
    if (place.kind === 'redis') await forgetQueues([storeId]);
  });
  return desk;
}

const Run = z.object({
  account_id: z.string(),
  trigger: z.string(),
  started_at: z.int(),
  ended_at: z.int().nullable(),
});

function runsIn({ store }: Workbench, account: string): z.infer<typeof Run>[] {
  const sql =
    'select account_id, trigger, started_at, ended_at from runs where account_id = ? order by started_at';
  return query(store, Run, sql, account);
}

/** Runs of one account, one after the other. */
function expectNoneBeside(bench: Workbench, account: string): void {
  const runs = runsIn(bench, account);
  for (const [index, { started_at }] of runs.entries()) {
    const before = runs[index - 1];
    if (before !== undefined) expect(before.ended_at).toBeLessThanOrEqual(started_at);
  }
}

function alterStore({ store }: Workbench, sql: string): void {
  const database = new SQLite(store, { fileMustExist: true });
  database.exec(sql);
  database.close();
}

function polls(bench: Workbench, account: string): number {
  return runsIn(bench, account).filter(({ trigger }) => trigger === 'poll').length;
}

function asked(bench: Workbench, provider: string): number {
  return bench.sandbox.requests.filter((request) => request.provider === provider).length;
}

/** An embedded queue belongs to one process. */
async function expectOneOnly({ url, folder }: QueuePlace): Promise<void> {
  const { signal } = new AbortController();
  const first = await connectBackend({ queue: url, folder }, NO_LOG, signal);
  const second = connectBackend({ queue: url, folder, patience: SECOND }, NO_LOG, signal);
  await expect(second).rejects.toMatchObject({ fault: { code: 'queue.taken' } });
  await first.close();
  await (await connectBackend({ queue: url, folder }, NO_LOG, signal)).close();
}

/** A folder that does not open is made anew. */
async function expectAnew({ url, folder }: QueuePlace): Promise<void> {
  await writeFile(join(folder, 'PG_VERSION'), 'spoilt');
  const backend = await connectBackend(
    { queue: url, folder },
    NO_LOG,
    new AbortController().signal,
  );
  await backend.ping();
  await backend.close();
}

for (const kind of ['embedded', 'redis', 'postgres'] as const) {
  describeQueue(kind, (place) => {
    it('polls every account again and again, each never beside itself', async () => {
      const bench = await openWorkbench({ settings: { every: '1s' } });
      // Longer than the interval: the next tick comes while the account is being walked.
      bench.sandbox.setFaults('udesk', { latency: 400 });
      const { reports } = await startDesk(place(), bench);
      const accounts = bench.sandbox.accounts.map(({ id }) => id);
      await until(
        'three polls of each',
        () => accounts.every((id) => polls(bench, id) >= 3),
        40_000,
      );
      // Recent enough for the lookback, and settled.
      const row = freshRow(bench.sandbox, 'itniotech', Date.now() - 5 * 60_000);
      bench.sandbox.insert('itniotech', row);
      const before = reports.length;
      const seen = (): boolean => reports.slice(before).some(({ inserted }) => inserted > 0);
      await until('the new call', seen, 40_000);
      expectTruth(bench);
      for (const account of accounts) expectNoneBeside(bench, account);
      // Each came by its own schedule, and the store is in order.
      for (const { state, error } of reports) expect(error ?? state).not.toBe('failed');
    });

    it('lets go of a poll that waits for ever', async () => {
      const bench = await openWorkbench({ settings: { every: '1s' }, providers: ['okcc'] });
      const first = await startDesk(place(), bench);
      await until('a poll', () => first.reports.length > 0);
      await first.worker.stop();
      const { live } = openQueues(first.backend, first.storeId);
      // As a clock leaves it that was ahead when the job was delayed.
      const poll = { kind: 'poll', account: 'demo-okcc' } as const;
      const putBack = await live.getDeduplicationJobId('poll-demo-okcc');
      if (putBack !== null) await (await live.getJob(putBack))?.remove();
      await live.add('poll', poll, { delay: 10 * DAY, deduplication: { id: 'poll-demo-okcc' } });
      expect(await live.getJobCounts()).toMatchObject({ delayed: 1, waiting: 0 });
      await live.close();
      await first.leave();
      alterStore(bench, 'delete from runs');
      const second = await startDesk(place(), bench);
      await until('polls', () => second.reports.length >= 2);
    });

    it('keeps its schedules equal to the configuration, and restores what is lost', async () => {
      const bench = await openWorkbench({ settings: { every: '1h' }, providers: ['okcc', 'vos'] });
      const first = await startDesk(place(), bench);
      const { ticks } = openQueues(first.backend, first.storeId);
      const ids = async (): Promise<string[]> =>
        (await ticks.getJobSchedulers(0, -1)).map(({ key }) => key).sort();
      const wanted = ['audits', 'due', 'poll-demo-okcc', 'poll-demo-vos', 'tidy'];
      await vi.waitFor(async () => expect(await ids()).toEqual(wanted), 10_000);
      await ticks.removeJobScheduler('poll-demo-vos');
      const gone = { kind: 'poll', account: 'gone' } as const;
      await ticks.upsertJobScheduler(
        'poll-gone',
        { every: 3_600_000 },
        { name: 'poll', data: gone, opts: {} },
      );
      await vi.waitFor(async () => expect(await ids()).toEqual(wanted), 10_000);
      const every = async (): Promise<unknown> =>
        (await ticks.getJobSchedulers(0, -1)).find(({ key }) => key === 'poll-demo-okcc')?.every;
      expect(Number(await every())).toBe(3_600_000);
      if (kind !== 'embedded') {
        // Of two workers the one that started last decides, and the other one does not undo it.
        await bench.configure({ every: '2h' }, ['okcc']);
        await startDesk(place(), bench);
        const changed = ['audits', 'due', 'poll-demo-okcc', 'tidy'];
        await vi.waitFor(async () => expect(await ids()).toEqual(changed), 10_000);
        const polled = polls(bench, 'demo-okcc');
        await sleep(2 * SECOND);
        expect(await ids()).toEqual(changed);
        expect(Number(await every())).toBe(7_200_000);
        expect(polls(bench, 'demo-okcc')).toBeLessThanOrEqual(polled + 1);
      }
      await ticks.close();
    });

    it('leaves an account alone that is refused, until a run gets through', async () => {
      const bench = await openWorkbench({
        providers: ['itniotech', 'okcc'],
        settings: { every: '1s' },
      });
      bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
      const first = await startDesk(place(), bench);
      await until('a refusal', () => first.reports.some(({ error }) => error?.class === 'auth'));
      const refused = asked(bench, 'itniotech');
      const others = polls(bench, 'demo-okcc');
      await until('polls of the other', () => polls(bench, 'demo-okcc') >= others + 3);
      expect(asked(bench, 'itniotech')).toBe(refused);
      await first.leave();

      // A restart with the same login asks no more than before.
      const second = await startDesk(place(), bench);
      await until('polls of the other', () => second.reports.length >= 2);
      expect(asked(bench, 'itniotech')).toBe(refused);
      await second.leave();

      // Somebody runs it by hand: refused again, which makes the pause longer.
      await bench.run('sync', '--account', 'demo-itniotech');
      const pause = z.object({ refusals: z.int(), pause: z.int() });
      const sql = 'select refusals, until - since as pause from pauses';
      expect(query(bench.store, pause, sql)[0]?.refusals).toBe(2);

      // The provider takes it again, and somebody runs it by hand: the pause is over.
      bench.sandbox.setFaults('itniotech', null);
      const mended = await bench.run('sync', '--account', 'demo-itniotech');
      expect(mended.code, mended.stderr).toBe(0);
      expect(query(bench.store, pause, sql)).toEqual([]);
      const third = await startDesk(place(), bench);
      await until('its polls', () =>
        third.reports.some(({ account, state }) => account === 'demo-itniotech' && state === 'ok'),
      );
    });

    it('waits as a provider tells, without failing the job', async () => {
      const bench = await openWorkbench({
        providers: ['itniotech', 'okcc'],
        settings: { every: '1s' },
      });
      bench.sandbox.setFaults('itniotech', { script: ['429'], retryAfter: 90 });
      const desk = await startDesk(place(), bench);
      await until('the refusal', () =>
        desk.reports.some(({ error }) => error?.class === 'rate_limited'),
      );
      const before = polls(bench, 'demo-okcc');
      await until('polls of the other', () => polls(bench, 'demo-okcc') >= before + 3);
      expect(asked(bench, 'itniotech')).toBe(1);
      const { live } = await desk.worker.counts();
      expect(live?.['delayed']).toBe(1);
      // No attempt is lost, and the wait is what was told.
      const { live: queue } = openQueues(desk.backend, desk.storeId);
      const id = await queue.getDeduplicationJobId('poll-demo-itniotech');
      const job = await queue.getJob(id ?? '');
      expect(job?.attemptsMade).toBe(0);
      expect(job?.delay).toBeGreaterThan(60 * SECOND);
      await queue.close();
    });

    it('walks a backfill that was handed over', async () => {
      const bench = await openWorkbench({
        providers: ['okcc'],
        settings: { every: '1s', startAt: `${shanghai.dayOf(Date.now())}` },
      });
      const from = shanghai.dayOf(Date.now() - 2 * DAY);
      const to = shanghai.dayOf(Date.now());
      const asking = [
        '--json',
        'backfill',
        '--account',
        'demo-okcc',
        '--from',
        from,
        '--to',
        to,
        '--queue',
      ];
      const handed = await bench.run(...asking);
      expect(handed.code, handed.stderr).toBe(0);
      expect(handed.json).toMatchObject({ account: 'demo-okcc', windows: 2 });
      // Asked for twice, it is one.
      await bench.run(...asking);
      const desk = await startDesk(place(), bench);
      const status = z.object({
        accounts: z.array(
          z.object({
            backfills: z.array(
              z.object({ state: z.string().nullable(), windows_left: z.int().nullable() }),
            ),
          }),
        ),
      });
      const ended = (): boolean =>
        query(
          bench.store,
          z.object({ state: z.string().nullable() }),
          'select state from backfills',
        ).every(({ state }) => state === 'ok');
      await until('its end', ended, 30_000);
      const told = status.parse((await bench.run('--json', 'status')).json);
      expect(told.accounts[0]?.backfills).toEqual([{ state: 'ok', windows_left: 0 }]);
      expectTruth(bench, ['okcc']);
      expectNoneBeside(bench, 'demo-okcc');
      const range = { account_id: 'demo-okcc', from_at: 0, to_at: 1, concurrency: 1, windows: 1 };
      const one = await requestBackfill(desk.store, range);
      expect((await requestBackfill(desk.store, range)).id).toBe(one.id);
      const midnight = Date.parse(`${to}T00:00:00+08:00`);
      await until('a poll', () => watermarkOf(bench, 'demo-okcc') > midnight);
    });

    it('stops at a page, puts its work back without a lost attempt, and leaves nothing open', async () => {
      const bench = await openWorkbench({
        providers: ['okcc'],
        settings: { every: '1h' },
        sandbox: { providers: { okcc: { pageSize: 6 } } },
      });
      const open = (): string[] =>
        process
          .getActiveResourcesInfo()
          .filter((name) => !/^(TTY|Pipe)/.test(name))
          .sort();
      const before = open();
      bench.sandbox.setFaults('okcc', { latency: 150 });
      const first = await startDesk(place(), bench);
      await until('a few pages', () => asked(bench, 'okcc') > 4);
      const ms = await first.leave();
      expect(ms).toBeLessThan(4 * SECOND);
      const [report] = first.reports;
      expect(report?.error).toBeNull();
      expect(report?.inserted).toBeGreaterThan(0);
      // Whoever comes next goes on at once, though the schedule's next tick is an hour away.
      bench.sandbox.setFaults('okcc', null);
      const pages = asked(bench, 'okcc');
      const second = await startDesk(place(), bench);
      await until('the rest', () => second.reports.some(({ state }) => state === 'ok'));
      await second.leave();
      expect(asked(bench, 'okcc')).toBeGreaterThan(pages);
      expectTruth(bench, ['okcc']);
      await sleep(300);
      expect(open().filter((name) => !before.includes(name))).toEqual([]);
    });

    if (kind === 'embedded') {
      it('serves one worker at a time', () => expectOneOnly(place()));
      it('is made anew where its folder is spoilt', () => expectAnew(place()));
    }
  });
}
