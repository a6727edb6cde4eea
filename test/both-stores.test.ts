import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { z } from 'zod';
import { type Json, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import { PROVIDERS } from '../src/sandbox/wire.ts';
import { sumDay } from '../src/store/audits.ts';
import type { Schema } from '../src/store/schema.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { type Engine, openEngine } from './support/engine.ts';
import { ago, at } from './support/tamper.ts';
import { countIn, lastChange, onlyPostgres, query, storeUrl } from './support/test-store.ts';
import {
  accountsOf,
  freshRow,
  openWorkbench,
  startCli,
  type Workbench,
} from './support/workbench.ts';

// A SQLite file beside PostgreSQL: the same tables, and of the same calls the same store.

vi.setConfig({ testTimeout: 60_000 });

/** All tables: one that is missing here, or none of ours, does not compile. */
const TABLES: Readonly<Record<keyof Schema, 'both' | 'sqlite'>> = {
  accounts: 'both',
  audits: 'both',
  backfills: 'both',
  call_versions: 'both',
  calls: 'both',
  // PostgreSQL has a sequence.
  counters: 'sqlite',
  days: 'both',
  dimensions: 'both',
  erasure_accounts: 'both',
  erasures: 'both',
  holes: 'both',
  leases: 'both',
  meta: 'both',
  pauses: 'both',
  quarantine: 'both',
  retentions: 'both',
  runs: 'both',
  window_pages: 'both',
  window_rows: 'both',
  windows: 'both',
};

/** The same bench over a file. */
function onFile(bench: Workbench): Workbench {
  const store = join(bench.folder, 'beside.db');
  const config = join(bench.folder, 'beside.config.json');
  const run = (...args: readonly string[]) =>
    startCli(['--config', config, ...args], bench.folder).finished;
  return { ...bench, store, config, run, storeUrl: storeUrl(store) };
}

async function opened({ storeUrl: url }: Workbench): Promise<Store> {
  return openStore({ url, mustExist: false, onEvent: () => undefined });
}

const Column = z.object({ table: z.string(), column: z.string() });

const columnsOf = (rows: readonly z.infer<typeof Column>[]): string[] =>
  rows
    .filter(({ table }) => !table.startsWith('kysely_'))
    .map(({ table, column }) => `${table}.${column}`)
    .sort();

onlyPostgres('compares both')('has the same tables and columns', async () => {
  const bench = await openWorkbench();
  const file = onFile(bench);
  for (const one of [bench, file]) await (await opened(one)).close();
  const postgres = columnsOf(
    query(
      bench.store,
      Column,
      `select table_name as table, column_name as column from information_schema.columns
       where table_schema = current_schema()`,
    ),
  );
  const sqlite = columnsOf(
    query(
      file.store,
      Column,
      `select t.name as "table", c.name as "column" from sqlite_schema t, pragma_table_info(t.name) c
       where t.type = 'table'`,
    ),
  );
  const own = (name: string): boolean => name.startsWith('counters.');
  expect(postgres).toEqual(sqlite.filter((name) => !own(name)));
  const tables = new Set(sqlite.map((name) => name.split('.')[0]));
  expect([...tables]).toEqual(Object.keys(TABLES).sort());
});

const Numbers = z.object({ huge: z.custom<Json>(), fee: z.custom<Json>() });
const NUMBERS = Numbers.parse(parseJson('{"huge": 12345678901234567890, "fee": 1.10}'));

const TEXTS = ['1.10', ' x ', '', 'ß', 'Z', 'a', 'Ａ', '😀', '\ufffd', '\u0001', `'"\\`, '%_'];

/** Rows that a database may take for something else, and whose order may be another. */
function insertOdd({ sandbox }: Workbench): void {
  for (const [index, text] of TEXTS.entries()) {
    const row = freshRow(sandbox, 'okcc', at(2, '12:00:00'), index);
    sandbox.insert('okcc', { ...row, ...NUMBERS, session: `odd ${text}`, userData: text });
  }
}

/** What an export says, but for when it was written and how a link was signed. */
async function exported(bench: Workbench, ...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await bench.run('export', ...args);
  expect(code, stderr).toBe(0);
  return stdout
    .replaceAll(/\?sign=[0-9a-f]+/g, '')
    .replaceAll(/("(?:first_seen_at|changed_at|missing_since|replaced_at)":)"[^"]*"/g, '$1"…"')
    .split('\n');
}

const Audit = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const AUDITS = `select account_id, day, state, provider_total, listed, stored, new, changed, missing,
  talk_seconds, cost, digest from audits order by account_id, day, audited_at`;

/** The digest of a day of each account, as an audit would keep it. */
async function digestsOf({ store }: Engine): Promise<unknown> {
  const accounts = PROVIDERS.map((provider) => `demo-${provider}`);
  return store.db
    .transaction()
    .execute((trx) => Promise.all(accounts.map((account) => sumDay(trx, account, ago(2)))));
}

onlyPostgres('compares both')('says the same of the same calls, byte for byte', async () => {
  const bench = await openWorkbench({ sandbox: { days: 3, callsPerDay: 15 } });
  const { sandbox } = bench;
  const file = onFile(bench);
  const both = [bench, file];
  for (const { config, storeUrl: store } of both) {
    const accounts = accountsOf(sandbox, PROVIDERS);
    await writeFile(config, writeJson({ store, accounts }));
  }
  const engines = await Promise.all(both.map(openEngine));
  // One account after another, so that changes have the same numbers.
  const each = async (work: (engine: Engine, account: string) => Promise<unknown>) => {
    for (const engine of engines) {
      for (const provider of PROVIDERS) {
        expect(await work(engine, `demo-${provider}`)).toMatchObject([{ error: null }]);
      }
    }
  };
  insertOdd(bench);
  await each(({ sync }, account) => sync(account));
  const isOdd = ({ session }: JsonObject): boolean => String(session).startsWith('odd');
  expect(sandbox.change('okcc', isOdd, { userData: '改了\u2028', fee: 2 })).toBe(TEXTS.length);
  expect(sandbox.remove('okcc', ({ session }) => session === 'odd Z')).toBe(1);
  await each(({ verify }, account) => verify(ago(2), account));

  const [postgres, sqlite] = both;
  if (postgres === undefined || sqlite === undefined) throw new Error('There are two.');
  for (const args of [['--history'], ['--changed-since', '0']]) {
    const lines = await exported(sqlite, ...args);
    expect(await exported(postgres, ...args)).toEqual(lines);
    expect(lines.join()).toContain('改了');
  }
  expect(countIn(postgres.store, 'call_versions')).toBe(TEXTS.length - 1);
  expect(countIn(postgres.store, 'calls', 'missing_since is not null')).toBe(1);
  expect(query(postgres.store, Audit, AUDITS)).toEqual(query(sqlite.store, Audit, AUDITS));
  const [first, second] = await Promise.all(engines.map(digestsOf));
  expect(first).toEqual(second);
  expect(lastChange(postgres.store)).toBe(lastChange(sqlite.store));
});
