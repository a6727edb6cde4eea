import { expect, it } from 'vitest';
import { z } from 'zod';
import { isPaused } from '../src/sync/pause.ts';
import { DAY, HOUR } from '../src/time.ts';
import { ago, tamper } from './support/tamper.ts';
import {
  countIn,
  openWorkbench,
  query,
  reportOf,
  reportsOf,
  shanghai,
  type Workbench,
} from './support/workbench.ts';

// An account whose login is refused: what lengthens its pause, who keeps to it, and what ends it.

const SYNC = ['sync', '--account', 'demo-itniotech'];

const Pause = z.object({ refusals: z.int(), login: z.string(), until: z.int() });

function pauseIn({ store }: Workbench): z.infer<typeof Pause> | null {
  return query(store, Pause, 'select refusals, login, until from pauses')[0] ?? null;
}

it('is lengthened by refusals, and ended by a run that gets through to its end', async () => {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
  for (const refusals of [1, 2]) {
    expect(reportOf(await bench.run('--json', ...SYNC)).error?.class).toBe('auth');
    expect(pauseIn(bench)?.refusals).toBe(refusals);
  }
  const Status = z.object({
    accounts: z.array(
      z.object({
        pause: z.object({ refusals: z.int() }).nullable(),
        alarms: z.array(z.object({ code: z.string() })),
      }),
    ),
  });
  const told = Status.parse((await bench.run('--json', 'status')).json).accounts[0];
  expect(told?.pause?.refusals).toBe(2);
  expect(told?.alarms.map(({ code }) => code)).toContain('paused');

  // A run that is stopped before it heard anything proves no login.
  bench.sandbox.setFaults('itniotech', { latency: 5000 });
  await bench.run(...SYNC, '--max-time', '1s');
  expect(pauseIn(bench)?.refusals).toBe(2);

  // A secret is not to be guessed from what is stored.
  const { apiSecret = '' } =
    bench.sandbox.accounts.find(({ provider }) => provider === 'itniotech')?.credentials ?? {};
  expect(pauseIn(bench)?.login).toMatch(/^[0-9a-f]{32}:[0-9a-f]{64}$/);
  expect(pauseIn(bench)?.login).not.toContain(Buffer.from(apiSecret).toString('hex'));

  bench.sandbox.setFaults('itniotech', null);
  expect((await bench.run(...SYNC)).code).toBe(0);
  expect(pauseIn(bench)).toBeNull();
});

const Last = z.object({ accounts: z.array(z.object({ last_run: z.json() })) });

it('is kept to by commands that name no account, as cron runs them', async () => {
  const bench = await openWorkbench({ providers: ['itniotech', 'okcc'] });
  const { sandbox } = bench;
  expect((await bench.run('sync')).code).toBe(0);
  sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
  const refused = await bench.run('--json', 'sync');
  const [said] = reportsOf(refused);
  const runs = (): number => countIn(bench.store, 'runs', "account_id = 'demo-itniotech'");
  const last = async () => Last.parse((await bench.run('--json', 'status')).json).accounts[0];
  const [pause, recorded, before] = [pauseIn(bench), runs(), await last()];
  const asked = (): number =>
    sandbox.requests.filter(({ provider }) => provider === 'itniotech').length;
  const requests = asked();
  const range = ['--from', ago(2), '--to', ago(0)];
  // Whether the login would be accepted again by now, nobody finds out.
  sandbox.setFaults('itniotech', null);
  for (const args of [['sync'], ['verify'], ['verify', ...range]]) {
    const result = await bench.run('--json', ...args);
    expect([args, result.code]).toEqual([args, 1]);
    const [left, other] = reportsOf(result);
    expect(left).toMatchObject({ account: 'demo-itniotech', state: 'failed', requests: 0 });
    expect(other).toMatchObject({ account: 'demo-okcc', state: 'ok', error: null });
    const { code = '', message = '', hint = '' } = said?.error ?? {};
    expect(left?.error).toMatchObject({ code, class: 'auth' });
    const until = shanghai.formatWithOffset(pause?.until ?? 0);
    expect(left?.error?.message).toBe(
      `demo-itniotech: not asked: the login was refused 1 time, left alone until ${until}; the last time: ${message}`,
    );
    expect(left?.error?.hint).toContain(hint);
    expect(left?.error?.hint).toContain('`cdrsync sync --account demo-itniotech`');
  }
  expect([asked(), runs(), pauseIn(bench), await last()]).toEqual([
    ...[requests, recorded, pause, before],
  ]);

  // A pause that is over keeps nobody from asking.
  tamper(bench.store, 'update pauses set until = ?', Date.now() - 1);
  sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
  await bench.run('sync');
  expect([asked(), pauseIn(bench)?.refusals]).toEqual([requests + 1, 2]);
  await bench.run('sync');
  expect(asked()).toBe(requests + 1);

  // Who names the account asks at once.
  const days = ['--account', 'demo-itniotech', ...range];
  for (const args of [SYNC, ['verify', ...days], ['backfill', ...days]]) {
    const already = asked();
    expect((await bench.run(...args)).code).toBe(1);
    expect([args, asked()]).toEqual([args, already + 1]);
  }
  sandbox.setFaults('itniotech', null);
  expect((await bench.run(...SYNC)).code).toBe(0);
  expect((await bench.run('verify', ...range)).code).toBe(0);
});

it('stands for the login that was refused, and for no longer than six hours', async () => {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  const [account] = bench.sandbox.accounts.filter(({ provider }) => provider === 'itniotech');
  const wrong = {
    ...account,
    credentials: { ...account?.credentials, apiSecret: 'not-the-secret' },
  };
  await bench.writeConfig({ store: bench.storeUrl, accounts: [wrong] });
  await bench.run('sync');
  const refused = pauseIn(bench);
  expect(refused?.refusals).toBe(1);
  const requests = bench.sandbox.requests.length;
  await bench.run('sync');
  expect(bench.sandbox.requests).toHaveLength(requests);

  // Another login gets through, which says nothing of the one that was refused.
  await bench.configure();
  expect((await bench.run('sync')).code).toBe(0);
  expect(pauseIn(bench)).toEqual(refused);
  const status = JSON.stringify((await bench.run('--json', 'status')).json);
  expect(status).not.toContain('"paused"');

  const now = Date.now();
  const pause = { account_id: 'a', since: now, refusals: 1, login: 'no seal' };
  expect(await isPaused({ ...pause, until: now + HOUR }, 'other', now)).toBe(false);
  expect(await isPaused({ ...pause, until: now + 30 * DAY }, 'other', now)).toBe(false);
  expect(await isPaused(null, 'other', now)).toBe(false);
});
