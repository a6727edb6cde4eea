import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { isObject, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import { sumDay } from '../src/store/audits.ts';
import { readVersions } from '../src/store/call-versions.ts';
import type { StoredRecord } from '../src/store/record-columns.ts';
import { recordJson, versionJson } from '../src/store/record-json.ts';
import { streamRecords } from '../src/store/records.ts';
import { openStore, openStoreToRead, type Store, type StoreEvent } from '../src/store/store.ts';
import { allCalls } from './support/all-calls.ts';
import { query } from './support/workbench.ts';

// Stores as released versions wrote them, each with what the release itself exported of it.

const FIXTURES = join(import.meta.dirname, 'fixtures/stores');
const SCHEMAS = readdirSync(FIXTURES).flatMap(
  (name) => /^(schema-\d+)\.db\.gz$/.exec(name)?.[1] ?? [],
);

function unpack(name: string): Buffer {
  return gunzipSync(readFileSync(join(FIXTURES, name)));
}

/** A store of this schema in a folder of its own, not migrated yet. */
async function oldStore(
  schema: string,
): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'cdrsync.db');
  await writeFile(path, unpack(`${schema}.db.gz`));
  return { folder, path };
}

async function migrate(path: string): Promise<readonly StoreEvent[]> {
  const events: StoreEvent[] = [];
  const options = { url: `sqlite:${path}`, mustExist: true };
  const store = await openStore({ ...options, onEvent: (event) => events.push(event) });
  await store.close();
  return events;
}

async function reading<Result>(
  path: string,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  const store = await openStoreToRead(`sqlite:${path}`);
  if (store === null) throw new Error('there is no store');
  return use(store).finally(() => store.close());
}

const Name = z.object({ name: z.string() });
const Row = z.record(z.string(), z.union([z.string(), z.number(), z.null(), z.instanceof(Buffer)]));

/** Every table as another file describes it: its columns, and the rows in an order of their own. */
function tablesOf(path: string, as: string) {
  const names = query(as, Name, "select name from sqlite_schema where type = 'table'");
  const own = names.filter(({ name }) => !/^(sqlite|kysely)_/.test(name));
  return own.map(({ name: table }) => {
    const columns = query(as, Name, `select name from pragma_table_info('${table}')`);
    const list = columns.map(({ name }) => `"${name}"`).join();
    return { table, rows: query(path, Row, `select ${list} from "${table}" order by ${list}`) };
  });
}

function linesOf(text: string): readonly JsonObject[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const value = parseJson(line);
      if (!isObject(value)) throw new Error('a line is no object');
      return value;
    });
}

/** What `export --history` writes now. */
async function exported(store: Store): Promise<readonly JsonObject[]> {
  const records: StoredRecord[] = [];
  for await (const batch of streamRecords(store, allCalls(store))) records.push(...batch);
  const lines: string[] = [];
  for (const record of records) {
    for (const version of await readVersions(store, record)) lines.push(versionJson(version));
    lines.push(recordJson(record));
  }
  return linesOf(lines.join('\n'));
}

const Audited = z.object({ account_id: z.string(), day: z.string(), digest: z.string() });

describe.each(SCHEMAS)('a store of %s', (schema) => {
  test('keeps every row of every table, after a backup that is the store as it was', async () => {
    const { folder, path } = await oldStore(schema);
    const before = tablesOf(path, path);
    expect(before.find(({ table }) => table === 'call_versions')?.rows.length).toBeGreaterThan(10);

    const events = await migrate(path);

    expect(events.map(({ kind }) => kind)).toEqual(['backed_up']);
    const backup = (await readdir(folder)).find((name) => name.endsWith('.bak')) ?? '';
    const old = join(folder, backup);
    expect(tablesOf(old, old)).toEqual(before);
    expect(tablesOf(path, old)).toEqual(before);
    expect(await migrate(path)).toEqual([]);
  });

  test('tells of each call and each of its versions what it told before, to the digit', async () => {
    const { path } = await oldStore(schema);
    await migrate(path);
    const before = linesOf(unpack(`${schema}.ndjson.gz`).toString());
    const now = await reading(path, exported);
    const known = now.map((line, index) => {
      const names = Object.keys(before[index] ?? {});
      return writeJson(Object.fromEntries(names.map((name) => [name, line[name] ?? null])));
    });
    expect(known).toEqual(before.map((line) => writeJson(line)));
    expect(now.length).toBe(before.length);
  });

  test('has days with the digests that its audits found', async () => {
    const { path } = await oldStore(schema);
    await migrate(path);
    const sql = 'select account_id, day, digest from audits where state = ?';
    const audits = query(path, Audited, sql, 'verified');
    expect(audits.length).toBeGreaterThan(10);
    const digests = await reading(path, (store) =>
      store.db.transaction().execute(async (trx) => {
        const found: z.infer<typeof Audited>[] = [];
        for (const { account_id, day } of audits) {
          const { digest } = await sumDay(trx, account_id, day);
          found.push({ account_id, day, digest });
        }
        return found;
      }),
    );
    expect(digests).toEqual(audits);
  });
});
