import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { Call } from '../src/call.ts';
import { CdrError } from '../src/errors.ts';
import { readVersionsOf } from '../src/store/call-versions.ts';
import type { Written } from '../src/store/call-writes.ts';
import { writeCalls } from '../src/store/calls.ts';
import { fillHoles, readHoles, recordHole } from '../src/store/holes.ts';
import { acquireLease, fenced, type Lease, releaseLease } from '../src/store/leases.ts';
import type { ListedCall, WriteContext } from '../src/store/listed-call.ts';
import { sortRows, writeOccurrences } from '../src/store/occurrences.ts';
import { thisProcess } from '../src/store/process-identity.ts';
import { recordJson } from '../src/store/record-json.ts';
import { recordJsonQuery, streamRecordJson, streamRecords } from '../src/store/records.ts';
import {
  openStore,
  openStoreToRead,
  type Store,
  type StoreEvent,
  type StoreTransaction,
} from '../src/store/store.ts';
import {
  addWindows,
  countWindows,
  forgetWalk,
  holdRows,
  readWindows,
  recallPages,
  recallRows,
  rememberPage,
  removeWindow,
  updateWindow,
} from '../src/store/windows.ts';
import { storeName } from '../src/store-url.ts';
import { allCalls } from './support/all-calls.ts';
import { CONTEXT, listed } from './support/listed.ts';
import { newDatabase } from './support/servers.ts';
import {
  fingerprint,
  lastChange,
  newStore,
  onlyPostgres,
  onlySqlite,
  plant,
  query,
  STORE_KIND,
  storeExists,
  storeUrl,
  tamper,
} from './support/test-store.ts';

/** The store on a real file of SQLite, or on a schema of PostgreSQL. */

/** Of the random histories: on a server each of their writes costs ten times as much. */
const SHARE = STORE_KIND === 'sqlite' ? 1 : 0.3;

let folder = '';
let path = '';
let events: StoreEvent[] = [];
const opened: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdrsync-store-'));
  path = newStore(folder, join('data', 'cdrsync.db'));
  events = [];
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(mustExist = false): Promise<Store> {
  const onEvent = (event: StoreEvent): void => {
    events.push(event);
  };
  const store = await openStore({ url: storeUrl(path), mustExist, onEvent });
  opened.push(store);
  return store;
}

async function openToRead(): Promise<Store | null> {
  const store = await openStoreToRead(storeUrl(path));
  if (store !== null) opened.push(store);
  return store;
}

/** A connection of its own beside one that is busy. */
async function openAgain(): Promise<Store> {
  return (await openToRead()) ?? expect.fail('there is a store');
}

async function close(store: Store): Promise<void> {
  opened.splice(opened.indexOf(store), 1);
  await store.close();
}

function withFields(id: string, fields: Partial<Call>): ListedCall {
  const one = listed({ id });
  return { ...one, call: { ...one.call, ...fields } };
}

/** The stable code of the failure. */
async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => expect.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CdrError)) throw error;
  return error.fault.code;
}

const TABLES =
  STORE_KIND === 'sqlite'
    ? "select name from sqlite_schema where type = 'table' order by name"
    : 'select tablename as name from pg_tables where schemaname = current_schema() order by 1';

/** A text for everything that the tables hold. */
async function contentOf({ db }: Store): Promise<string> {
  const tables = query(path, z.object({ name: z.string() }), TABLES);
  const rows = tables.map(async ({ name }) => [
    name,
    (await sql`select * from ${sql.table(name)}`.execute(db)).rows,
  ]);
  return JSON.stringify(await Promise.all(rows));
}

describe('opening', () => {
  test('makes a store where there is none, and says so', async () => {
    const store = await open();
    expect(events).toEqual([{ kind: 'created', name: storeName(storeUrl(path)) }]);
    expect(await callsOf(store)).toEqual([]);
    expect(lastChange(path)).toBe(0);
  });

  test('changes nothing in a store of this version', async () => {
    const first = await open();
    await save(first, [listed({ id: 'u1' })]);
    const before = await contentOf(first);
    await close(first);
    events = [];
    const again = await open(true);
    expect(events).toEqual([]);
    expect(await contentOf(again)).toBe(before);
    expect(readdirSync(folder, { recursive: true }).join()).not.toContain('.bak');
  });

  test('refuses a missing store that must exist, and makes none', async () => {
    expect(await codeOf(open(true))).toBe('store.missing');
    expect(await openToRead()).toBeNull();
    expect(storeExists(path)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  onlySqlite('modes of files')('keeps all of its files from other users', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1' })]);
    const names = readdirSync(join(folder, 'data')).sort();
    expect(names).toEqual(['cdrsync.db', 'cdrsync.db-shm', 'cdrsync.db-wal']);
    for (const name of names) {
      expect(statSync(join(folder, 'data', name)).mode & 0o777, name).toBe(0o600);
    }
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  test('refuses a store of a newer version, and leaves it as it is', async () => {
    await close(await open());
    tamper(path, "insert into kysely_migration values ('9999_later', '2030-01-01T00:00:00Z')");
    const before = fingerprint(path);
    expect(await codeOf(open())).toBe('store.newer');
    expect(await codeOf(openToRead())).toBe('store.newer');
    expect(fingerprint(path)).toBe(before);
  });

  test("refuses a database that is somebody else's, and leaves it as it is", async () => {
    path = newStore(folder, 'other.db');
    plant(path, 'create table invoices (id integer primary key)');
    const before = fingerprint(path);
    expect(await codeOf(open())).toBe('store.foreign');
    expect(await codeOf(openToRead())).toBe('store.foreign');
    expect(fingerprint(path)).toBe(before);
  });

  onlySqlite('an empty file')(
    'reads no store that is still to be migrated, and migrates none for it',
    async () => {
      path = join(folder, 'empty.db');
      writeFileSync(path, '');
      expect(await codeOf(openToRead())).toBe('store.outdated');
      expect(statSync(path).size).toBe(0);
    },
  );

  onlySqlite('a file')('refuses what is no database', async () => {
    path = join(folder, 'torn.db');
    writeFileSync(path, 'these are not the pages of a database\n'.repeat(200));
    expect(await codeOf(open())).toBe('store.corrupt');
    expect(await codeOf(openToRead())).toBe('store.corrupt');
  });

  onlySqlite('a file')('refuses a database whose pages are damaged', async () => {
    await close(await open());
    const bytes = readFileSync(path);
    // The header stays, so that it still looks like one.
    writeFileSync(path, bytes.fill(0xff, 100, 8192));
    expect(await codeOf(open())).toBe('store.corrupt');
    expect(await codeOf(openToRead())).toBe('store.corrupt');
  });

  onlySqlite('a file')('refuses a folder in the place of the file', async () => {
    path = folder;
    expect(await codeOf(open())).toBe('store.unopened');
  });

  test('to read writes nothing', async () => {
    await save(await open(), [listed({ id: 'u1' })]);
    const reader = await openToRead();
    if (reader === null) expect.fail('there is a store');
    expect(await reader.db.selectFrom('calls').selectAll().execute()).toHaveLength(1);
    await expect(reader.db.deleteFrom('calls').execute()).rejects.toThrow(/read-?only/);
  });
});

const LATER: WriteContext = { ...CONTEXT, now: '2026-10-03T00:00:00.000Z' };

type Outcomes = readonly Written['outcome'][];

function outcomesOf(written: readonly Written[]): Outcomes {
  return written.map(({ outcome }) => outcome);
}

async function save(
  store: Store,
  rows: readonly ListedCall[],
  context = CONTEXT,
): Promise<Outcomes> {
  const write = (trx: StoreTransaction) => writeCalls(trx, context, rows);
  return outcomesOf(await store.db.transaction().execute(write));
}

async function callsOf({ db }: Store) {
  return db.selectFrom('calls').selectAll().orderBy('call_id').execute();
}

/** How many rows were written: SQLite counts over all, PostgreSQL in the transaction. */
const CHANGES =
  STORE_KIND === 'sqlite'
    ? sql<{ count: number }>`select total_changes() as count`
    : sql<{ count: number }>`select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint as count
        from pg_stat_xact_user_tables`;

describe('writing calls', () => {
  test('stores a new one as it came', async () => {
    const store = await open();
    const row = listed({ id: 'u1', native: 'n1' });
    expect(await save(store, [row])).toEqual(['inserted']);
    expect(await callsOf(store)).toEqual([
      expect.objectContaining({
        account_id: 'acme',
        provider: 'itniotech',
        call_id: 'u1',
        native_id: 'n1',
        identity_key: 'u1',
        raw: row.raw,
        content_hash: row.hash,
        cost: '1.10',
        is_call: 1,
        flags: '[]',
        source: 'pull',
        listed_on: '2026-10-01',
        version: 1,
        change_seq: 1,
        first_seen_at: CONTEXT.now,
        changed_at: CONTEXT.now,
        missing_since: null,
        mapping_version: 1,
      }),
    ]);
  });

  test('of an unchanged one writes nothing at all', async () => {
    const store = await open();
    const rows = ['u1', 'u2', 'u3'].map((id) => listed({ id, native: `n-${id}` }));
    await save(store, rows);
    const before = await contentOf(store);
    const written = await store.db.transaction().execute(async (trx) => {
      const start = (await CHANGES.execute(trx)).rows[0]?.count ?? Number.NaN;
      expect(outcomesOf(await writeCalls(trx, LATER, [...rows, ...rows]))).toEqual(
        Array.from({ length: 6 }, () => 'unchanged'),
      );
      return ((await CHANGES.execute(trx)).rows[0]?.count ?? Number.NaN) - start;
    });
    expect(written).toBe(0);
    expect(await contentOf(store)).toBe(before);
  });

  test('of a changed one keeps what it was', async () => {
    const store = await open();
    const first = listed({ id: 'u1', caller: '1' });
    const second = listed({ id: 'u1', caller: '2' });
    await save(store, [first]);
    const [before] = await callsOf(store);
    expect(await save(store, [second], LATER)).toEqual(['changed']);
    const [after] = await callsOf(store);
    expect(after).toMatchObject({
      call_id: 'u1',
      caller: '2',
      raw: second.raw,
      version: 2,
      change_seq: 2,
      first_seen_at: CONTEXT.now,
      changed_at: LATER.now,
    });
    const versions = await store.db.selectFrom('call_versions').selectAll().execute();
    expect(versions).toEqual([
      expect.objectContaining({
        account_id: 'acme',
        call_id: 'u1',
        version: 1,
        change_reason: 'provider',
        replaced_at: LATER.now,
        raw: first.raw,
      }),
    ]);
    const { raw, account_id, call_id, version, ...record } = before ?? expect.fail('not stored');
    expect([raw, account_id, call_id, version]).toEqual([first.raw, 'acme', 'u1', 1]);
    expect(JSON.parse(versions[0]?.record ?? '')).toEqual(record);
  });

  test('names a push as the reason of its change', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1', caller: '1' })]);
    await save(store, [listed({ id: 'u1', caller: '2' })], { ...LATER, source: 'push' });
    const versions = await store.db.selectFrom('call_versions').selectAll().execute();
    expect(versions).toMatchObject([{ change_reason: 'push' }]);
    expect(await callsOf(store)).toMatchObject([{ source: 'push' }]);
  });

  test('counts the changes of one row listed several times on a page', async () => {
    const store = await open();
    const rows = ['1', '2', '2', '1'].map((caller) => listed({ id: 'u1', caller }));
    expect(await save(store, rows)).toEqual(['inserted', 'changed', 'unchanged', 'changed']);
    expect(await callsOf(store)).toMatchObject([{ version: 3, change_seq: 3, raw: rows[0]?.raw }]);
    expect(await store.db.selectFrom('call_versions').selectAll().execute()).toHaveLength(2);
  });

  test('counts every write of the store up, never twice the same', async () => {
    const store = await open();
    const page = fc.array(
      fc.record({
        id: fc.constantFrom('u1', 'u2', 'u3'),
        native: fc.constantFrom('n1', 'n2', null),
        caller: fc.constantFrom('1', '2'),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(page, async (rows) => {
        const before = lastChange(path);
        const outcomes = await save(store, rows.map(listed), LATER);
        const calls = await callsOf(store);
        const sequences = calls.map(({ change_seq }) => change_seq);
        expect(new Set(sequences).size).toBe(calls.length);
        expect(Math.max(0, ...sequences)).toBeLessThanOrEqual(lastChange(path));
        if (outcomes.every((outcome) => outcome === 'unchanged')) {
          expect(lastChange(path)).toBe(before);
        }
      }),
      { numRuns: 60 * SHARE },
    );
  });

  test('keeps accounts apart', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1', native: 'n1' })]);
    const other = { ...CONTEXT, accountId: 'other' };
    expect(await save(store, [listed({ id: 'u1', native: 'n2' })], other)).toEqual(['inserted']);
    expect(await callsOf(store)).toMatchObject([
      { account_id: 'acme', call_id: 'u1', flags: '[]' },
      { account_id: 'other', call_id: 'u1', flags: '[]' },
    ]);
  });

  test('stores more rows than one statement takes', async () => {
    const store = await open();
    const rows = Array.from({ length: 1001 }, (_, index) => listed({ id: `u${index}` }));
    expect(new Set(await save(store, rows))).toEqual(new Set(['inserted']));
    expect(new Set(await save(store, rows))).toEqual(new Set(['unchanged']));
    expect(await callsOf(store)).toHaveLength(1001);
  });

  test("empties what a page has no value for in any row, and keeps what is not the listing's", async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1' })]);
    await save(
      store,
      [listed({ id: 'u1', caller: null }), listed({ id: 'u2', caller: null })],
      LATER,
    );
    expect(await callsOf(store)).toMatchObject([
      { call_id: 'u1', caller: null, callee: '02000000', version: 2, first_seen_at: CONTEXT.now },
      { call_id: 'u2', caller: null, callee: '02000000', version: 1, first_seen_at: LATER.now },
    ]);
  });

  test('are read in batches, each once and in order, with the versions of their own', async () => {
    const store = await open();
    const other = { ...CONTEXT, accountId: 'other' };
    const ids = Array.from({ length: 1003 }, (_, index) => `u${String(index).padStart(4, '0')}`);
    const rows = (caller: string, some: readonly string[]) =>
      some.map((id) => listed({ id, caller }));
    await save(store, rows('1', ids));
    await save(store, rows('2', ids), other);
    // On both sides of a batch's end, and two accounts in one batch.
    const changed = [...ids.slice(498, 503), ...ids.slice(1000)];
    const otherChanged = ids.slice(0, 2);
    await save(store, rows('3', changed), LATER);
    await save(store, rows('4', otherChanged), { ...other, now: LATER.now });
    const read: string[] = [];
    const before: string[] = [];
    for await (const batch of streamRecords(store, allCalls(store))) {
      expect(batch.length).toBeLessThanOrEqual(500);
      read.push(...batch.map(({ account_id, call_id }) => `${account_id} ${call_id}`));
      // A list for each record, in their order.
      const versions = await readVersionsOf(await openAgain(), batch);
      expect(versions).toHaveLength(batch.length);
      for (const [index, { account_id, call_id, caller }] of batch.entries()) {
        for (const { record } of versions[index] ?? []) {
          expect([record.account_id, record.call_id]).toEqual([account_id, call_id]);
          before.push(`${account_id} ${call_id} ${record.caller} ${caller}`);
        }
      }
    }
    expect(read).toEqual(
      ['acme', 'other'].flatMap((account) => ids.map((id) => `${account} ${id}`)),
    );
    expect(before).toEqual([
      ...changed.map((id) => `acme ${id} 1 3`),
      ...otherChanged.map((id) => `other ${id} 2 4`),
    ]);
  });

  test('tells when the database is at work, where that is not this thread', async () => {
    const store = await open();
    let told = 0;
    const context = { ...CONTEXT, onBusy: () => (told += 1) };
    await save(store, [listed({ id: 'u1' })], context);
    expect(told).toBe(STORE_KIND === 'postgres' ? 1 : 0);
    // Nothing to write, nothing to wait for.
    await save(store, [listed({ id: 'u1' })], context);
    expect(told).toBe(STORE_KIND === 'postgres' ? 1 : 0);
  });

  test('of nothing does nothing', async () => {
    const store = await open();
    expect(await save(store, [])).toEqual([]);
    expect(lastChange(path)).toBe(0);
  });
});

test('a record is worded as JSON as it is from its row, every character of it', async () => {
  const store = await open();
  const texts = Array.from({ length: 0x100 }, (_, high) =>
    String.fromCharCode(...Array.from({ length: 0x100 }, (_, low) => high * 0x100 + low)),
  );
  // No text of the store has half a character, and none of PostgreSQL's U+0000.
  const unkept = STORE_KIND === 'sqlite' ? /[\ud800-\udfff]/g : /[\0\ud800-\udfff]/g;
  const kept = texts.map((text) => text.replaceAll(unkept, '😀'));
  const rows = kept.map((agent, index) => withFields(`u${String(index)}`, { agent }));
  const odd = withFields('odd', {
    caller: null,
    talk_seconds: null,
    cost: '0.10',
    is_call: false,
    ringing_at: '2026-10-01T00:00:01.050Z',
    answered_at: '2026-10-01T00:00:02Z',
    flags: ['time_order'],
    custom: { 'b"': '\u2028', c: null },
  });
  const raw = '{"a": 1.10, "b":12345678901234567890}';
  await save(store, [...rows, { ...odd, raw }]);
  const wanted: string[] = [];
  for await (const batch of streamRecords(store, allCalls(store))) {
    wanted.push(...batch.map(recordJson));
  }
  expect(wanted).toHaveLength(kept.length + 1);
  const told: string[] = [];
  for await (const batch of streamRecordJson(store, allCalls(store))) told.push(...batch);
  expect(told).toEqual(wanted);
  const Told = z.object({ agent: z.string().nullable() });
  const agents = told.map((json) => Told.parse(JSON.parse(json)).agent);
  expect(new Set(agents)).toEqual(new Set([...kept, null]));
  expect(told.filter((json) => json.includes(`"raw":${raw}`))).toHaveLength(1);
});

onlyPostgres('settings of the session')(
  'a record is worded alike whatever the session takes a backslash for, and infinity is no null',
  async () => {
    const store = await open();
    await save(store, [
      listed({ id: 'u1' }),
      listed({ id: 'u2', startedAt: '2026-10-02T00:00:00Z' }),
    ]);
    const words = recordJsonQuery(store, allCalls(store)).compile();
    const [one, two] = (await store.db.executeQuery(words)).rows;
    await store.db.connection().execute(async (db) => {
      await sql`set standard_conforming_strings = off`.execute(db);
      expect((await db.executeQuery(words)).rows).toEqual([one, two]);
      await sql`update calls set missing_since = 'infinity' where call_id = 'u2'`.execute(db);
      const [, odd] = (await db.executeQuery(words)).rows;
      expect(odd?.json).toContain('"missing_since":"infinity"');
      await sql`set standard_conforming_strings = on`.execute(db);
    });
  },
);

onlyPostgres('settings of the session')(
  'a session takes literals as they are written, whatever the database has for old programs',
  async () => {
    const { url, remove } = await newDatabase();
    onTestFinished(remove);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `alter database ${new URL(url).pathname.slice(1)} set standard_conforming_strings = off`,
    );
    await client.end();
    const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
    const { rows } = await sql`show standard_conforming_strings`.execute(store.db);
    await store.close();
    expect(rows).toEqual([{ standard_conforming_strings: 'on' }]);
  },
);

describe('the identity of a call', () => {
  const conflict = [
    { call_id: 'u1', native_id: 'n1', flags: '["identity_conflict"]' },
    { call_id: 'u1#n2', native_id: 'n2', identity_key: 'u1', flags: '["identity_conflict"]' },
  ];

  test.each([
    ['on one page', 1],
    ['on two pages', 2],
  ])('that two records claim %s makes two rows, both flagged', async (_title, pages) => {
    const store = await open();
    const rows = ['n1', 'n2'].map((native) => listed({ id: 'u1', native }));
    if (pages === 1) await save(store, rows);
    else for (const row of rows) await save(store, [row]);
    expect(await callsOf(store)).toMatchObject(conflict);
    // Listed again, in the other order, each is found and nothing is written.
    const before = await contentOf(store);
    expect(await save(store, rows.toReversed())).toEqual(['unchanged', 'unchanged']);
    expect(await contentOf(store)).toBe(before);
  });

  test('is the same for a row that fits several, whatever else stands on its page', async () => {
    const store = await open();
    const keys = Array.from({ length: 40 }, (_, index) => `k${(index * 7919) % 1000}`);
    const natives = ['n1', 'n2'].flatMap((native) =>
      keys.map((id) => listed({ id, native: `${native}-${id}` })),
    );
    await save(store, natives);
    const plain = keys.map((id) => listed({ id, caller: '9' }));
    expect(await save(store, plain)).toEqual(keys.map(() => 'changed'));
    const before = await contentOf(store);
    // PostgreSQL finds the ids of a page in another order by its size, and by what it knows of the table.
    for (const others of [0, 100, 1000, 3000]) {
      const page = Array.from({ length: others }, (_, index) => listed({ id: `other-${index}` }));
      const outcomes = await save(store, [...plain, ...page]);
      expect(outcomes.slice(0, keys.length)).toEqual(keys.map(() => 'unchanged'));
    }
    const calls = (await callsOf(store)).filter(({ call_id }) => !call_id.startsWith('other'));
    expect(calls.filter(({ caller }) => caller === '9').map(({ call_id }) => call_id)).toEqual(
      keys.toSorted(),
    );
    expect(before).toContain('k0');
  });

  test('is told of every row that was written', async () => {
    const store = await open();
    const rows = ['n1', 'n2', 'n1'].map((native) => listed({ id: 'u1', native }));
    const write = (trx: StoreTransaction) => writeCalls(trx, CONTEXT, rows);
    const written = await store.db.transaction().execute(write);
    expect(written.map(({ callId }) => callId)).toEqual(['u1', 'u1#n2', 'u1']);
    expect(written.map((one) => one.listed)).toEqual(rows);
  });

  test('keeps its flag through a change of the row', async () => {
    const store = await open();
    await save(
      store,
      ['n1', 'n2'].map((native) => listed({ id: 'u1', native })),
    );
    await save(store, [listed({ id: 'u1', native: 'n2', caller: '2' })]);
    const [first, second] = await callsOf(store);
    expect(first).toMatchObject({ ...conflict[0], version: 1 });
    expect(second).toMatchObject({ ...conflict[1], version: 2, caller: '2' });
  });

  test('stays what it was first when the uuid is learnt later', async () => {
    const store = await open();
    await save(store, [listed({ id: 'n1', native: 'n1' })]);
    expect(await save(store, [listed({ id: 'u1', native: 'n1' })])).toEqual(['changed']);
    const learnt = { call_id: 'n1', native_id: 'n1', identity_key: 'u1', version: 2, flags: '[]' };
    expect(await callsOf(store)).toMatchObject([learnt]);
    // Found by either of its names from then on, and neither is unlearnt.
    expect(await save(store, [listed({ id: 'u1', native: 'n1' })])).toEqual(['unchanged']);
    expect(await save(store, [listed({ id: 'n1', native: 'n1' })])).toEqual(['changed']);
    expect(await save(store, [listed({ id: 'u1', caller: '2' })])).toEqual(['changed']);
    expect(await callsOf(store)).toMatchObject([{ ...learnt, version: 4 }]);
  });

  test('of two records under two uuids is two', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1', native: 'n1' }), listed({ id: 'u2', native: 'n2' })]);
    expect(await callsOf(store)).toMatchObject([
      { call_id: 'u1', flags: '[]' },
      { call_id: 'u2', flags: '[]' },
    ]);
  });

  test('never makes one row of two records, and never renames one', async () => {
    const store = await open();
    const page = fc.array(
      fc.record({ record: fc.nat(5), known: fc.boolean(), caller: fc.constantFrom('1', '2') }),
      { minLength: 1, maxLength: 6 },
    );
    const history = fc.tuple(fc.array(page, { minLength: 1, maxLength: 5 }), fc.uuid());
    await fc.assert(
      fc.asyncProperty(history, async ([pages, accountId]) => {
        const ids = new Map<string, string>();
        const seen = new Set<string>();
        for (const rows of pages) {
          // Six records under three uuids; until a uuid is known its record stands for it.
          const calls = rows.map(({ record, known, caller }) =>
            listed({ id: known ? `u${record % 3}` : `n${record}`, native: `n${record}`, caller }),
          );
          await save(store, calls, { ...CONTEXT, accountId });
          for (const { record } of rows) seen.add(`n${record}`);
          const stored = await store.db
            .selectFrom('calls')
            .select(['call_id', 'native_id'])
            .where('account_id', '=', accountId)
            .execute();
          expect(new Set(stored.map(({ native_id }) => native_id))).toEqual(seen);
          expect(stored).toHaveLength(seen.size);
          for (const { call_id, native_id } of stored) {
            expect(call_id).toBe(ids.get(native_id ?? '') ?? call_id);
            ids.set(native_id ?? '', call_id);
          }
        }
      }),
      { numRuns: 100 * SHARE },
    );
  });
});

describe('a call that was marked as missing', () => {
  async function lose(store: Store): Promise<void> {
    await store.db.updateTable('calls').set({ missing_since: LATER.now }).execute();
  }

  test('is there again once it is listed, without a new version', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1' })]);
    await lose(store);
    expect(await save(store, [listed({ id: 'u1' })], LATER)).toEqual(['unchanged']);
    expect(await callsOf(store)).toMatchObject([
      { missing_since: null, version: 1, change_seq: 2, changed_at: CONTEXT.now },
    ]);
    expect(await store.db.selectFrom('call_versions').selectAll().execute()).toEqual([]);
  });

  test('is there again when it comes back changed', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1' })]);
    await lose(store);
    expect(await save(store, [listed({ id: 'u1', caller: '2' })], LATER)).toEqual(['changed']);
    expect(await callsOf(store)).toMatchObject([{ missing_since: null, version: 2 }]);
  });

  test('stays missing while others are listed', async () => {
    const store = await open();
    await save(store, [listed({ id: 'u1' })]);
    await lose(store);
    await save(store, [listed({ id: 'u2' })], LATER);
    expect(await callsOf(store)).toMatchObject([
      { missing_since: LATER.now },
      { missing_since: null },
    ]);
  });
});

describe('calls without an id', () => {
  const sort = (store: Store, rows: readonly ListedCall[], before = 0) =>
    store.db.transaction().execute((trx) => sortRows(trx, 'acme', rows, () => before));
  async function write(
    store: Store,
    rows: readonly ListedCall[],
    settled = false,
  ): Promise<Outcomes> {
    const all = (trx: StoreTransaction) => writeOccurrences(trx, CONTEXT, rows, () => settled);
    return outcomesOf(await store.db.transaction().execute(all));
  }
  const one = listed({ id: 'd1', caller: '1' });
  // Says the same, and is another row.
  const twin = listed({ id: 'd1', caller: '1' });
  const two = listed({ id: 'd1', caller: '2' });
  const other = listed({ id: 'd2' });

  test('are sure only where they are the first and as they are stored', async () => {
    const store = await open();
    expect(await sort(store, [one, other])).toEqual({ sure: [one, other], held: [] });
    // The second may be a repeat: only the end of the walk shows it.
    expect(await sort(store, [one, twin, other])).toEqual({ sure: [one, other], held: [twin] });
    expect(await sort(store, [one], 1)).toEqual({ sure: [], held: [one] });
    await write(store, [one]);
    expect(await sort(store, [one])).toEqual({ sure: [one], held: [] });
    expect(await sort(store, [two])).toEqual({ sure: [], held: [two] });
    await write(store, [one, two]);
    expect(await sort(store, [one])).toEqual({ sure: [], held: [one] });
  });

  test('are as many rows as are listed, the first by the derived id itself', async () => {
    const store = await open();
    expect(await write(store, [one, twin, two, other])).toEqual(
      Array.from({ length: 4 }, () => 'inserted'),
    );
    const calls = await callsOf(store);
    expect(calls.filter(({ identity_key }) => identity_key === 'd1')).toHaveLength(3);
    expect(calls.map(({ call_id }) => call_id)).toEqual(expect.arrayContaining(['d1', 'd2']));
    expect(new Set(calls.map(({ flags }) => flags))).toEqual(new Set(['[]']));
  });

  test('keep their ids in whatever order they are listed again', async () => {
    const store = await open();
    const rows = [one, two, twin, other];
    await write(store, rows);
    const before = await contentOf(store);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: 4 }), async (again) => {
        expect(new Set(await write(store, again))).toEqual(new Set(['unchanged']));
        expect(await contentOf(store)).toBe(before);
      }),
      { numRuns: 24 },
    );
  });

  test('that grow in number leave those that were there alone', async () => {
    const store = await open();
    await write(store, [one, two]);
    const before = await callsOf(store);
    const third = listed({ id: 'd1', caller: '3' });
    expect(await write(store, [third, two, one])).toEqual(['inserted', 'unchanged', 'unchanged']);
    expect(await callsOf(store)).toEqual(expect.arrayContaining(before));
    expect(await callsOf(store)).toHaveLength(3);
  });

  test('that change are changed, not new', async () => {
    const store = await open();
    await write(store, [one, two]);
    const changed = listed({ id: 'd1', caller: '9' });
    expect(await write(store, [changed, one])).toEqual(['changed', 'unchanged']);
    expect(await callsOf(store)).toHaveLength(2);
  });

  test('beside one that the walk has written already are new', async () => {
    const store = await open();
    await write(store, [one]);
    expect(await write(store, [twin], true)).toEqual(['inserted']);
    expect(await callsOf(store)).toHaveLength(2);
  });
});

describe('holes', () => {
  const span = (from: number, to: number) => ({ from, to });
  const within = <Result>(store: Store, work: (trx: StoreTransaction) => Promise<Result>) =>
    store.db.transaction().execute(work);
  const record = (store: Store, from: number, to: number, now: number) =>
    within(store, (trx) => {
      return recordHole(trx, 'acme', span(from, to), 'why', now, (attempts) => now + attempts);
    });
  const fill = (store: Store, from: number, to: number) =>
    within(store, (trx) => fillHoles(trx, 'acme', span(from, to)));
  const spansOf = async (store: Store) =>
    (await readHoles(store, 'acme')).map(({ from_at, to_at }) => [from_at, to_at]);

  test('are cut by what is proven, and what is left of them stays', async () => {
    const store = await open();
    await record(store, 1000, 2000, 5);
    await fill(store, 1300, 1500);
    const left = { reason: 'why', since: 5, attempts: 0, next_try_at: 5 };
    expect(await readHoles(store, 'acme')).toMatchObject([
      { from_at: 1000, to_at: 1300, ...left },
      { from_at: 1500, to_at: 2000, ...left },
    ]);
    await fill(store, 900, 1100);
    await fill(store, 1900, 2500);
    expect(await spansOf(store)).toEqual([
      [1100, 1300],
      [1500, 1900],
    ]);
    await fill(store, 0, 1600);
    await fill(store, 1600, 1900);
    expect(await spansOf(store)).toEqual([]);
  });

  test('are not touched by what only borders on them, or is another account', async () => {
    const store = await open();
    await record(store, 1000, 2000, 5);
    await fill(store, 500, 1000);
    await fill(store, 2000, 3000);
    await within(store, (trx) => fillHoles(trx, 'other', span(0, 9000)));
    expect(await spansOf(store)).toEqual([[1000, 2000]]);
  });

  test('that are tried again stay the same, with an attempt more', async () => {
    const store = await open();
    await record(store, 1000, 2000, 5);
    await record(store, 1000, 2000, 70);
    await record(store, 1000, 2000, 800);
    expect(await readHoles(store, 'acme')).toMatchObject([
      { from_at: 1000, to_at: 2000, since: 5, attempts: 2, next_try_at: 802 },
    ]);
  });

  test('that were split count the attempts of each part', async () => {
    const store = await open();
    await record(store, 1000, 2000, 5);
    await record(store, 1000, 1500, 70);
    expect(await readHoles(store, 'acme')).toMatchObject([
      { from_at: 1000, to_at: 1500, since: 5, attempts: 1 },
      { from_at: 1500, to_at: 2000, since: 5, attempts: 0 },
    ]);
    // Over both at once: as old as the older, as often as the more often tried.
    await record(store, 1000, 2000, 900);
    expect(await readHoles(store, 'acme')).toMatchObject([
      { from_at: 1000, to_at: 2000, since: 5, attempts: 2 },
    ]);
  });

  test('are at any time exactly what was recorded and not proven since', async () => {
    const store = await open();
    const step = fc.record({
      kind: fc.constantFrom('record', 'fill'),
      from: fc.nat(19),
      length: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        await fill(store, 0, 100);
        const open = new Set<number>();
        for (const { kind, from, length } of steps) {
          if (kind === 'record') await record(store, from, from + length, 1);
          else await fill(store, from, from + length);
          for (let at = from; at < from + length; at += 1) {
            if (kind === 'record') open.add(at);
            else open.delete(at);
          }
        }
        const seconds = (await spansOf(store)).flatMap(([from = 0, to = 0]) =>
          Array.from({ length: to - from }, (_, index) => from + index),
        );
        // No second twice: holes do not overlap.
        expect(seconds).toEqual([...open].sort((a, b) => a - b));
      }),
      { numRuns: 60 * SHARE },
    );
  });
});

describe('a lease', () => {
  async function acquire(store: Store): Promise<Lease> {
    const result = await acquireLease(store, 'acme');
    return result.kind === 'held' ? result.lease : expect.fail(`taken by ${result.by}`);
  }

  const write = (store: Store, lease: Lease, id: string) =>
    fenced(store, lease, (trx) => writeCalls(trx, CONTEXT, [listed({ id })]));

  async function holder(store: Store, change: object, heartbeat = Date.now()): Promise<void> {
    await store.db
      .updateTable('leases')
      .set({ holder: JSON.stringify({ ...thisProcess(), ...change }), heartbeat_at: heartbeat })
      .execute();
  }

  test('is held by one live process', async () => {
    const store = await open();
    await acquire(store);
    const other = await open();
    const { pid, host } = thisProcess();
    expect(await acquireLease(other, 'acme')).toMatchObject({
      kind: 'taken',
      by: `process ${pid} on ${host}`,
    });
    expect(await acquireLease(other, 'another')).toMatchObject({ kind: 'held' });
  });

  test('is free once it was given back', async () => {
    const store = await open();
    const first = await acquire(store);
    await releaseLease(store, first);
    const second = await acquire(store);
    expect(second.epoch).toBeGreaterThan(first.epoch);
  });

  test('is not given back by one who lost it', async () => {
    const store = await open();
    const first = await acquire(store);
    await holder(store, {}, Date.now() - 11_000);
    const second = await acquire(store);
    await releaseLease(store, first);
    expect(await acquireLease(store, 'acme')).toMatchObject({ kind: 'taken' });
    await write(store, second, 'u1');
    expect(await callsOf(store)).toHaveLength(1);
  });

  test('goes over when its heartbeat has stopped', async () => {
    const store = await open();
    await acquire(store);
    await holder(store, {}, Date.now() - 8_000);
    expect(await acquireLease(store, 'acme')).toMatchObject({ kind: 'taken' });
    await holder(store, {}, Date.now() - 11_000);
    expect(await acquireLease(store, 'acme')).toMatchObject({ kind: 'held' });
  });

  test('goes over at once when its holder has died on this host', async () => {
    const store = await open();
    await acquire(store);
    const { pid } = spawnSync(process.execPath, ['--version']);
    // Only a system that tells its boots and processes apart lets that be seen.
    const known = thisProcess().boot !== '';
    await holder(store, { pid, startedAt: '1' });
    expect((await acquireLease(store, 'acme')).kind).toBe(known ? 'held' : 'taken');
    // A number that was used again is another process.
    await holder(store, { startedAt: '1' });
    expect((await acquireLease(store, 'acme')).kind).toBe(known ? 'held' : 'taken');
  });

  test('does not go over early from a machine, boot or container that cannot be looked into', async () => {
    const store = await open();
    await acquire(store);
    const gone = { pid: 2 ** 22 + 1, startedAt: '1' };
    for (const elsewhere of [{ boot: 'other' }, { boot: '' }, { pidNamespace: 'pid:[1]' }]) {
      await holder(store, { ...gone, ...elsewhere });
      expect(await acquireLease(store, 'acme')).toMatchObject({ kind: 'taken' });
    }
  });

  test('stays with another live process', async () => {
    const store = await open();
    await acquire(store);
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      const stat = readStat(child.pid);
      await holder(store, { pid: child.pid, startedAt: stat });
      expect(await acquireLease(store, 'acme')).toMatchObject({ kind: 'taken' });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    expect((await acquireLease(store, 'acme')).kind).toBe(
      thisProcess().boot === '' ? 'taken' : 'held',
    );
  });

  test('that was lost lets nothing be written', async () => {
    const store = await open();
    const first = await acquire(store);
    await write(store, first, 'u1');
    await holder(store, {}, Date.now() - 11_000);
    const second = await acquire(store);
    const before = await contentOf(store);
    expect(await codeOf(write(store, first, 'u2'))).toBe('lease.lost');
    expect(await contentOf(store)).toBe(before);
    await write(store, second, 'u2');
    expect(await callsOf(store)).toHaveLength(2);
  });

  test('writes all of a transaction or nothing', async () => {
    const store = await open();
    const lease = await acquire(store);
    const before = await contentOf(store);
    const torn = fenced(store, lease, async (trx) => {
      await writeCalls(trx, CONTEXT, [listed({ id: 'u1' })]);
      throw new Error('torn');
    });
    await expect(torn).rejects.toThrow('torn');
    expect(await contentOf(store)).toBe(before);
  });
});

/** When the process began, as /proc tells it; empty where there is none. */
function readStat(pid: number | undefined): string {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return '';
  return (
    readFileSync(file, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19] ?? ''
  );
}

describe('pending windows', () => {
  const within = <Result>(store: Store, work: (trx: StoreTransaction) => Promise<Result>) =>
    store.db.transaction().execute(work);

  async function withWindows(spans: readonly (readonly [number, number])[]): Promise<Store> {
    const store = await open();
    await within(store, (trx) => {
      return addWindows(
        trx,
        'acme',
        'live',
        spans.map(([from, to]) => ({ from, to })),
      );
    });
    return store;
  }

  async function first(store: Store): Promise<string> {
    const [window] = await readWindows(store, 'acme', 'live', 1);
    return window?.id ?? expect.fail('there is no window');
  }

  test('come in the order of time, lane by lane', async () => {
    const store = await withWindows([
      [20, 30],
      [0, 10],
      [10, 20],
    ]);
    await within(store, (trx) => addWindows(trx, 'acme', 'hole', [{ from: 5, to: 6 }]));
    await within(store, (trx) => addWindows(trx, 'other', 'live', [{ from: 7, to: 8 }]));
    const windows = await readWindows(store, 'acme', 'live', 2);
    expect(windows).toMatchObject([
      { from_at: 0, to_at: 10, cursor: null, walks: 0, pages: 0, total: null, previous: null },
      { from_at: 10, to_at: 20 },
    ]);
    expect(await countWindows(store, 'acme', 'live')).toBe(3);
    expect(await countWindows(store, 'acme', 'hole')).toBe(1);
  });

  test('remember what their walk has seen, page by page, until it begins anew', async () => {
    const store = await withWindows([[0, 10]]);
    const id = await first(store);
    const pages = [Buffer.from('00010203ff000102', 'hex'), Buffer.alloc(0), Buffer.from('tenth')];
    await within(store, async (trx) => {
      // In any order: by number, not by when they came, and the tenth after the second.
      await rememberPage(trx, id, 10, pages[2] ?? Buffer.alloc(0));
      await rememberPage(trx, id, 0, pages[0] ?? Buffer.alloc(0));
      await rememberPage(trx, id, 2, pages[1] ?? Buffer.alloc(0));
      await holdRows(trx, id, 7, ['{"b":1.10}', '{"c":2}']);
      await holdRows(trx, id, 3, ['{"a":9007199254740993}']);
    });
    const recalled = await recallPages(store, id);
    expect(recalled.map((page) => page.toString('hex'))).toEqual(
      pages.map((page) => page.toString('hex')),
    );
    expect(await within(store, (trx) => recallRows(trx, id))).toEqual([
      '{"a":9007199254740993}',
      '{"b":1.10}',
      '{"c":2}',
    ]);
    await within(store, (trx) => forgetWalk(trx, id));
    expect(await recallPages(store, id)).toEqual([]);
    expect(await within(store, (trx) => recallRows(trx, id))).toEqual([]);
    expect(await first(store)).toBe(id);
  });

  test('keep where they stand', async () => {
    const store = await withWindows([
      [0, 10],
      [10, 20],
    ]);
    const id = await first(store);
    const change = { cursor: '2:100', pages: 1, total: 250, begun_at: 99, previous: 'digest' };
    await within(store, (trx) => updateWindow(trx, id, change));
    expect(await readWindows(store, 'acme', 'live', 9)).toMatchObject([
      { id, from_at: 0, ...change },
      { from_at: 10, cursor: null, pages: 0 },
    ]);
  });

  test('take their memory with them when they end', async () => {
    const store = await withWindows([
      [0, 10],
      [10, 20],
    ]);
    const [one, two] = await readWindows(store, 'acme', 'live', 2);
    await within(store, async (trx) => {
      for (const { id } of [one, two].flatMap((window) => window ?? [])) {
        await rememberPage(trx, id, 0, Buffer.from('12345678'));
        await holdRows(trx, id, 0, ['{}']);
      }
      await removeWindow(trx, one?.id ?? '');
    });
    for (const table of ['window_pages', 'window_rows'] as const) {
      const rows = await store.db.selectFrom(table).select('window_id').execute();
      expect(rows).toEqual([{ window_id: two?.id }]);
    }
    expect(await countWindows(store, 'acme', 'live')).toBe(1);
  });
});
