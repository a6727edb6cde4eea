import { expect, it } from 'vitest';
import { z } from 'zod';
import { isPaused } from '../src/sync/pause.ts';
import { DAY, HOUR } from '../src/time.ts';
import { openWorkbench, query, reportOf, type Workbench } from './support/workbench.ts';

// An account whose login is refused: what lengthens its pause, and what ends it.

const Pause = z.object({ refusals: z.int(), login: z.string(), until: z.int() });

function pauseIn({ store }: Workbench): z.infer<typeof Pause> | null {
  return query(store, Pause, 'select refusals, login, until from pauses')[0] ?? null;
}

it('is lengthened by refusals, and ended by a run that gets through to its end', async () => {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
  for (const refusals of [1, 2]) {
    expect(reportOf(await bench.run('--json', 'sync')).error?.class).toBe('auth');
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
  await bench.run('sync', '--max-time', '1s');
  expect(pauseIn(bench)?.refusals).toBe(2);

  // A secret is not to be guessed from what is stored.
  const { apiSecret = '' } =
    bench.sandbox.accounts.find(({ provider }) => provider === 'itniotech')?.credentials ?? {};
  expect(pauseIn(bench)?.login).toMatch(/^[0-9a-f]{32}:[0-9a-f]{64}$/);
  expect(pauseIn(bench)?.login).not.toContain(Buffer.from(apiSecret).toString('hex'));

  bench.sandbox.setFaults('itniotech', null);
  expect((await bench.run('sync')).code).toBe(0);
  expect(pauseIn(bench)).toBeNull();
});

it('stands for the login that was refused, and for no longer than six hours', async () => {
  const bench = await openWorkbench({ providers: ['itniotech'] });
  const [account] = bench.sandbox.accounts.filter(({ provider }) => provider === 'itniotech');
  const wrong = {
    ...account,
    credentials: { ...account?.credentials, apiSecret: 'not-the-secret' },
  };
  await bench.writeConfig({ store: `sqlite:${bench.store}`, accounts: [wrong] });
  await bench.run('sync');
  const refused = pauseIn(bench);
  expect(refused?.refusals).toBe(1);

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
