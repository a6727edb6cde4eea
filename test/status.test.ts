import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { statusText } from '../src/commands/status-text.ts';
import { type Config, loadConfig } from '../src/config/config.ts';
import type { JsonObject } from '../src/json.ts';
import { buildProgram } from '../src/program/program.ts';
import { ALARM_CODES, type AlarmCode } from '../src/status/alarm-codes.ts';
import type { StatusDocument } from '../src/status/document.ts';
import { statusJsonSchema } from '../src/status/json-schema.ts';
import { readStatus } from '../src/status/status.ts';
import { acquireLease } from '../src/store/leases.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { pauseAfter } from '../src/sync/pause.ts';
import { DAY, HOUR, isoSeconds, MINUTE, SECOND } from '../src/time.ts';
import { committedSchema, expectStatus, tooWide } from './support/status.ts';
import { newStore, STORE_KIND, storeUrl, tamper } from './support/test-store.ts';

// What `status` makes of a store: seeded row by row, read in this process.

const NOW = Math.floor(Date.now() / SECOND) * SECOND;

interface World {
  readonly config: Config;
  readonly store: Store;
  /** Runs a statement on the store. */
  sql(text: string, ...values: readonly (string | number | null)[]): void;
  /** An account that the store knows and that is well: caught up, its last poll a minute ago. */
  know(id: string): void;
  run(id: string, run: SeededRun): void;
  read(): Promise<StatusDocument>;
}

interface SeededRun {
  readonly at: number;
  readonly trigger?: string;
  /** Null: without an end. */
  readonly state: 'ok' | 'incomplete' | 'failed' | null;
  readonly error?: JsonObject;
}

const DOWN = {
  ...{ code: 'http.timeout', class: 'transient', message: 'okcc-1 getCdrList: no answer came' },
  hint: 'Ask the provider.',
};
const REFUSED = { code: 'auth.rejected', class: 'auth', message: '认证失败', hint: 'Check it.' };

const OKCC = {
  provider: 'okcc',
  baseUrl: 'https://okcc.example.com/openapi/V2.0.6',
  credentials: { customer: 'C2', password: 'password-okcc' },
};
/** The one provider here that forgets. */
const ITNIO = {
  provider: 'itniotech',
  baseUrl: 'https://api.example.com/voice',
  credentials: { apiKey: 'key', apiSecret: 'secret' },
};

async function openWorld(ids: readonly string[], more: JsonObject = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'cdrsync-status-'));
  const path = newStore(folder, 'cdr.db');
  const file = join(folder, 'worker.config.json');
  const accounts = ids.map((id, index) => {
    const like = id.startsWith('itnio') ? ITNIO : OKCC;
    // Two entries of one login are a problem.
    return { ...like, id, baseUrl: like.baseUrl.replace('.example', `${index}.example`) };
  });
  writeFileSync(file, JSON.stringify({ store: storeUrl(path), accounts, ...more }));
  const config = loadConfig(file, {});
  const store = await openStore({ url: config.store, mustExist: false, onEvent: () => undefined });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let runs = 0;
  const sql: World['sql'] = (text, ...values) => void tamper(path, text, ...values);
  const run: World['run'] = (id, { at, trigger = 'poll', state, error }) =>
    sql(
      'insert into runs (id, account_id, trigger, started_at, ended_at, state, error) values (?, ?, ?, ?, ?, ?, ?)',
      ...[`run-${runs++}`, id, trigger, at, state === null ? null : at + SECOND, state],
      error === undefined ? null : JSON.stringify(error),
    );
  return {
    config,
    store,
    sql,
    run,
    know: (id) => {
      const provider = id.startsWith('itnio') ? 'itniotech' : 'okcc';
      const values = [id, provider, NOW - 40 * DAY, NOW - MINUTE];
      sql(
        'insert into accounts (id, provider, start_at, watermark) values (?, ?, ?, ?)',
        ...values,
      );
      run(id, { at: NOW - MINUTE, state: 'ok' });
    },
    read: () => readStatus(config, store, NOW),
  };
}

const addDay = (world: World, id: string, day: string, state: string, at = NOW): void =>
  world.sql(
    'insert into days (account_id, day, state, proven_to, updated_at) values (?, ?, ?, 0, ?)',
    ...[id, day, state, at],
  );

/** A row that cannot be read, older than all others, in a day that a person accepted. */
function quarantineAccepted(world: World): void {
  addDay(world, 'okcc-1', '2026-11-02', 'accepted');
  world.sql(
    "insert into quarantine values ('okcc-1', 'x', '2026-11-02', 'no time', '{}', ?, ?, null)",
    ...[NOW - 30 * HOUR, NOW],
  );
}

/** How each alarm comes about, and since when. */
type Alarmed = [AlarmCode, number | null, (world: World) => unknown];
const ALARMED: Alarmed[] = [
  ['never_run', null, (world) => world.sql('delete from accounts')],
  [
    'provider_down',
    NOW - 50 * MINUTE,
    (world) => {
      world.sql('update runs set started_at = ?, ended_at = ?', NOW - HOUR, NOW - HOUR);
      // Before the last good one: another outage, which is over.
      for (const minutes of [90, 50, 40, 2])
        world.run('okcc-1', { at: NOW - minutes * MINUTE, state: 'failed', error: DOWN });
      // Neither one that was killed nor an audit says anything of the polls.
      world.run('okcc-1', { at: NOW - 30 * MINUTE, state: null });
      world.run('okcc-1', { at: NOW - 20 * MINUTE, trigger: 'audit', state: 'ok' });
    },
  ],
  [
    'auth',
    NOW - 2 * SECOND,
    (world) => world.run('okcc-1', { at: NOW - 2 * SECOND, state: 'failed', error: REFUSED }),
  ],
  [
    'paused',
    NOW - 3 * HOUR,
    async (world) => {
      world.run('okcc-1', { at: NOW - 2 * SECOND, state: 'failed', error: REFUSED });
      const error = { ...REFUSED, class: 'auth', hint: { en: '', zh: '' } } as const;
      const login = world.config.accounts[0]?.login ?? '';
      const refusal = { error, gotThrough: false };
      const pause = await pauseAfter(world.store, { id: 'okcc-1', login }, refusal);
      await world.store.db.transaction().execute(pause);
      world.sql('update pauses set since = ?', NOW - 3 * HOUR);
    },
  ],
  [
    'run_failed',
    NOW - 2 * SECOND,
    (world) => {
      const error = { ...DOWN, class: 'store', code: 'store.reserve' };
      world.run('okcc-1', { at: NOW - 2 * SECOND, state: 'failed', error });
    },
  ],
  ['lag', NOW - 2 * DAY, (world) => world.sql('update accounts set watermark = ?', NOW - 2 * DAY)],
  [
    'holes',
    NOW - 5 * HOUR,
    (world) => {
      for (const [id, since] of [
        ['b', NOW - HOUR],
        ['a', NOW - 5 * HOUR],
      ] as const)
        world.sql(
          "insert into holes values (?, 'okcc-1', ?, ?, 'equal walks differ', ?, 1, ?)",
          ...[id, NOW - DAY, NOW - DAY + SECOND, since, NOW + HOUR],
        );
    },
  ],
  [
    'quarantine',
    NOW - 6 * HOUR,
    (world) => {
      quarantineAccepted(world);
      for (const [digest, since, resolved] of [
        ['a', NOW - HOUR, null],
        ['b', NOW - 6 * HOUR, null],
        ['c', NOW - 9 * HOUR, NOW - 8 * HOUR],
      ] as const)
        world.sql(
          "insert into quarantine values ('okcc-1', ?, '2026-11-03', 'no time', '{}', ?, ?, ?)",
          ...[digest, since, NOW, resolved],
        );
    },
  ],
  [
    'days_incomplete',
    NOW - 7 * HOUR,
    (world) => addDay(world, 'okcc-1', '2026-11-03', 'incomplete', NOW - 7 * HOUR),
  ],
  [
    'days_mismatch',
    NOW - 8 * HOUR,
    (world) => {
      addDay(world, 'okcc-1', '2026-11-03', 'mismatch', NOW - HOUR);
      world.sql(
        `insert into audits values ('okcc-1', '2026-11-03', ?, 'mismatch', 9, 8, 8, 0, 0, 0, 0, 0, 0, 0, '{}', '', null)`,
        NOW - 8 * HOUR,
      );
    },
  ],
  [
    'days_unreachable',
    NOW - 9 * HOUR,
    (world) => {
      addDay(world, 'okcc-1', '2026-10-03', 'unreachable', NOW - 2 * HOUR);
      addDay(world, 'okcc-1', '2026-10-02', 'unreachable', NOW - 9 * HOUR);
    },
  ],
  ['clock', null, (world) => world.sql('update accounts set clock_skew = ?', -5 * MINUTE)],
  [
    'watermark_ahead',
    null,
    (world) => world.sql('update accounts set watermark = ?', NOW + 10 * MINUTE),
  ],
];

/** The commands in a text, as a shell would take them apart. */
function commandsIn(text: string): string[][] {
  return [...text.matchAll(/`(cdrsync [^`]+)`/g)].map(([, command = '']) =>
    command.split(' ').slice(1),
  );
}

async function expectCommandsTaken(text: string): Promise<number> {
  const commands = commandsIn(text);
  for (const command of commands) {
    const program = buildProgram(() => async () => undefined).exitOverride();
    program.configureOutput({ writeErr: () => undefined });
    await program.parseAsync(['node', 'cdrsync', ...command]);
  }
  return commands.length;
}

/** What stands behind the arrows, its lines put together again. */
function hintsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}→ (.+(?:\n {4}.+)*)$/gm)].map(([, hint = '']) =>
    hint.replaceAll(/(?: ?\\)?\n +/g, ' '),
  );
}

/** The hints in both languages name the same commands, with the same account and days. */
function expectSameCommands(status: StatusDocument): void {
  const [english, chinese] = (['en', 'zh'] as const).map((language) =>
    hintsIn(statusText(status, language)),
  );
  expect(english?.length).toBeGreaterThan(0);
  expect(chinese?.map(commandsIn)).toEqual(english?.map(commandsIn));
  for (const hint of chinese ?? []) expect(hint).toMatch(/\p{Script=Han}/u);
  for (const word of [...(english ?? []), ...(chinese ?? [])].flatMap(commandsIn).flat())
    expect(['ID', 'DAY', 'NEXT']).not.toContain(word);
}

it('has a committed schema that is what the code generates: after a change run `npm run schema`', () => {
  expect(committedSchema).toEqual(statusJsonSchema());
});

it.each(ALARMED)('raises %s, and tells since when and what mends it', async (code, since, seed) => {
  const world = await openWorld(['okcc-1']);
  world.know('okcc-1');
  expect((await world.read()).accounts[0]?.alarms).toEqual([]);
  await seed(world);
  const status = expectStatus(await world.read());
  const alarms = status.accounts.flatMap(({ alarms }) => alarms);
  expect(alarms.map((alarm) => [alarm.code, alarm.since])).toEqual([
    [code, since === null ? null : isoSeconds(since)],
  ]);
  const [alarm] = alarms;
  expect(alarm?.hint).toMatch(/--account okcc-1/);
  expect(await expectCommandsTaken(alarm?.hint ?? '')).toBeGreaterThan(0);
  const text = statusText(status);
  expect(tooWide(text)).toEqual([]);
  expectSameCommands(status);
  expect(text).toContain(`! okcc-1: ${code}`);
  expect(text).toMatch(/\n1 of 1 account needs you\n$/);
});

it('knows of no alarm that these tests do not raise', () => {
  const elsewhere = ['horizon_near', 'disk', 'erasure_unfinished'];
  const raised = ALARMED.map(([code]): string => code);
  expect([...raised, ...elsewhere].sort()).toEqual([...ALARM_CODES].sort());
});

it('fills the day in question, and the day after it, into the commands, in both languages', async () => {
  const world = await openWorld(['okcc-1']);
  world.know('okcc-1');
  for (const day of ['2026-11-04', '2026-10-31']) addDay(world, 'okcc-1', day, 'mismatch');
  const status = expectStatus(await world.read());
  const [account] = status.accounts;
  expect(account?.days_in_question).toBe(2);
  expect(account?.alarms[0]?.day).toBe('2026-10-31');
  const commands = [
    'verify --account okcc-1 --from 2026-10-31 --to 2026-11-01',
    'verify --account okcc-1 --accept 2026-10-31 --reason TEXT',
  ].map((command) => command.split(' '));
  for (const language of ['en', 'zh'] as const)
    expect(hintsIn(statusText(status, language)).flatMap(commandsIn)).toEqual(commands);
});

it('does not count the quarantined rows of days that a person accepted as an alarm', async () => {
  const world = await openWorld(['okcc-1']);
  world.know('okcc-1');
  quarantineAccepted(world);
  const { accounts } = expectStatus(await world.read());
  expect(accounts[0]).toMatchObject({ quarantine: 1, alarms: [] });
  // One whose day is not entered yet counts.
  world.sql('delete from days');
  const [account] = (await world.read()).accounts;
  expect(account?.alarms).toMatchObject([{ code: 'quarantine', day: '2026-11-02' }]);
});

it('has an alarm of the store for a request of erasure that is not finished', async () => {
  const world = await openWorld(['okcc-1'], {
    accounts: [{ ...OKCC, id: 'okcc-1', retention: '400d' }],
  });
  world.know('okcc-1');
  for (const [id, kind, at] of [
    ['done', 'request', NOW - 3 * HOUR],
    ['half', 'request', NOW - 2 * HOUR],
    ['later', 'request', NOW - HOUR],
    // One that goes on for ever.
    ['retention okcc-1', 'retention', NOW - 9 * HOUR],
  ] as const) {
    world.sql(
      'insert into erasures (id, kind, requested_at, reason, accounts, digests, files_clean_at) values (?, ?, ?, ?, null, ?, ?)',
      ...[id, kind, at, 'ticket 4711', '[]', id === 'done' ? NOW : null],
    );
    for (const [account, finished] of [
      ['gone', NOW],
      ['okcc-1', id === 'done' ? NOW : null],
    ] as const)
      world.sql(
        'insert into erasure_accounts (erasure_id, account_id, calls, versions, quarantined, held, finished_at) values (?, ?, 0, 0, 0, 0, ?)',
        ...[id, account, finished],
      );
  }
  const status = expectStatus(await world.read());
  expect(status.accounts[0]).toMatchObject({ alarms: [], retention_seconds: (400 * DAY) / SECOND });
  expect(status.store.alarms).toMatchObject([
    {
      code: 'erasure_unfinished',
      message: '2 erasures are not finished, the oldest in okcc-1 (half)',
      since: isoSeconds(NOW - 2 * HOUR),
      day: null,
    },
  ]);
  const text = statusText(status);
  expect(text).toContain('! the store: erasure_unfinished, since ');
  expect(text).toMatch(/\n1 account, all well, but the store needs you\n$/);
  expect(text).not.toContain('4711');
  expect(await expectCommandsTaken(text)).toBe(2);
  expectSameCommands(status);

  world.sql('update erasure_accounts set finished_at = ?', NOW);
  // The accounts are done, the files are not.
  expect((await world.read()).store.alarms[0]?.message).toContain(
    'in the files of the store (half)',
  );
  world.sql('update erasures set files_clean_at = ?', NOW);
  expect((await world.read()).store.alarms).toEqual([]);
});

it('tells since when a day has been near the end of the reach of its provider', async () => {
  const world = await openWorld(['itnio-hk']);
  world.know('itnio-hk');
  const day = isoSeconds(NOW - 55 * DAY).slice(0, 10);
  addDay(world, 'itnio-hk', day, 'open');
  const status = expectStatus(await world.read());
  const [alarm] = status.accounts[0]?.alarms ?? [];
  expect(alarm?.code).toBe('horizon_near');
  const since = NOW - Date.parse(alarm?.since ?? '');
  // Of two months the day has some days left, of the fifteen that count as near.
  expect(since).toBeGreaterThan(5 * DAY);
  expect(since).toBeLessThan(15 * DAY);
  expect(await expectCommandsTaken(alarm?.hint ?? '')).toBe(1);
  expect(alarm?.hint).toContain(` --from ${day} --to `);
  expect(tooWide(statusText(status))).toEqual([]);
  expectSameCommands(status);
});

it('says that a run goes on, or has no end, and raises no lag in a first sync', async () => {
  const world = await openWorld(['okcc-1']);
  world.know('okcc-1');
  world.sql('delete from runs');
  world.sql('update accounts set watermark = ?', NOW - 20 * DAY);
  world.run('okcc-1', { at: NOW - 3 * MINUTE, state: null });
  const codes = async (): Promise<readonly string[]> =>
    (await world.read()).accounts[0]?.alarms.map(({ code }) => code) ?? [];
  expect(statusText(await world.read())).toContain('unfinished 3m ago');
  expect(await codes()).toEqual(['lag']);

  await acquireLease(world.store, 'okcc-1');
  world.sql(
    "insert into windows (id, account_id, lane, from_at, to_at, walks, pages, total_moved) values ('w', 'okcc-1', 'live', 0, 1, 0, 0, 'held')",
  );
  const status = expectStatus(await world.read());
  expect(status.accounts[0]).toMatchObject({ running: true, first_sync: true, alarms: [] });
  const text = statusText(status);
  expect(text).toMatch(/okcc-1 .* running 3m /);
  expect(text).toMatch(/okcc-1: first sync, at .*, 1 windows left\n/);
  expect(text).toMatch(/\n1 account, all well\n$/);

  // One that was stopped has not caught up; one that came to its end has, and then it lags.
  world.run('okcc-1', { at: NOW - DAY, state: 'incomplete' });
  expect(await codes()).toEqual([]);
  world.run('okcc-1', { at: NOW - DAY + 1, state: 'ok' });
  expect(await codes()).toEqual(['lag']);
});

it('tells of a backfill until 24 hours after its end', async () => {
  const world = await openWorld(['okcc-1']);
  world.know('okcc-1');
  const [from, to] = ['2026-10-01', '2026-10-03'].map((day) => Date.parse(`${day}T00:00:00+08:00`));
  for (const [id, finished] of [
    ['a', NOW - 23 * HOUR],
    ['b', NOW - 25 * HOUR],
    ['c', null],
  ] as const)
    world.sql(
      "insert into backfills values (?, 'okcc-1', ?, ?, 1, 2, ?, ?, ?, ?)",
      ...[id, from ?? 0, to ?? 0, NOW - 2 * DAY, NOW, finished, finished === null ? null : 'ok'],
    );
  const status = expectStatus(await world.read());
  expect(status.accounts[0]?.backfills.map(({ state }) => state)).toEqual(['ok', null]);
  const text = statusText(status);
  expect(text).toContain('okcc-1: backfill 2026-10-01 to 2026-10-03 ended ok 23h ago\n');
  expect(text).toContain(
    'okcc-1: backfill 2026-10-01 to 2026-10-03 waits for a worker (2 windows)',
  );
});

it('stays within 80 columns, whatever the ids and the words', async () => {
  const ids = ['okcc-1', 'itnio-hk', `okcc-${'x'.repeat(59)}`];
  const world = await openWorld(ids, { diskReserve: '1000TB' });
  for (const id of ids) {
    world.know(id);
    addDay(world, id, '2026-11-03', 'unreachable');
    addDay(world, id, '2026-11-02', 'mismatch');
  }
  world.sql(
    "update days set accepted_reason = ?, state = 'accepted' where day = '2026-11-02'",
    '服务商确认'.repeat(20),
  );
  const error = {
    ...DOWN,
    message: `okcc-1: ${'服务商声明的总数与实际列出的话单数不一致，'.repeat(8)}`,
  };
  world.run('okcc-1', { at: NOW - SECOND, state: 'failed', error });
  const status = expectStatus(await world.read());
  const text = statusText(status);
  expect(tooWide(text)).toEqual([]);
  // A long id has a line of its own, and the others stand below each other all the same.
  expect(text).toMatch(/^okcc-x{59}\n {2}okcc {7}1m {6}ok 59s ago /m);
  // Of a server's disk it knows nothing.
  if (STORE_KIND === 'sqlite') expect(text).toMatch(/^! the store: disk$/m);
  const both = STORE_KIND === 'sqlite' ? ', and the store needs you' : '';
  expect(text).toMatch(new RegExp(`\\n3 of 3 accounts need you${both}\\n$`));
  // A command that is broken can be pasted as it stands.
  expect(text).toMatch(/--account \\\n +okcc-x{59}/);
  const pasted = text.replaceAll(/\\\n +/g, '').replaceAll(/\n +/g, ' ');
  expect(await expectCommandsTaken(pasted)).toBeGreaterThan(3);
});
