import { randomUUID } from 'node:crypto';
import SQLite from 'better-sqlite3';
import type { Insertable } from 'kysely';
import { z } from 'zod';
import type { CallsTable, DaysTable, RunsTable } from '../../src/store/schema.ts';
import { openStore } from '../../src/store/store.ts';
import { DAY, isoMillis, isoSeconds, MINUTE } from '../../src/time.ts';
import { type BenchCall, callOf } from '../server/calls.ts';
import { billJson } from '../server/wording.ts';
import { startOf, type World } from '../server/world.ts';
import { ACCOUNT } from './place.ts';
import { shanghai } from './world.ts';

/**
 * Fills a new store with a world as syncs would have left it: the product's own
 * schema, and rows written by SQL, since two hours of syncing would prove
 * nothing more. The content hashes are made up: none of these calls is listed
 * again.
 */
export async function fillStore(path: string, world: World): Promise<void> {
  const url = `sqlite:${path}`;
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  await store.close();
  const database = new SQLite(path);
  try {
    database.pragma('journal_mode = OFF');
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -2000000');
    writeCalls(database, world);
    writeBookkeeping(database, world);
    // As the binary leaves it, so that its first write need not change it.
    database.pragma('journal_mode = WAL');
  } finally {
    database.close();
  }
}

const Sql = z.array(z.object({ name: z.string(), sql: z.string() }));
const INDEXES = `select name, sql from sqlite_master
  where type = 'index' and tbl_name = 'calls' and sql is not null`;

/** The indexes are made at the end, which takes a fraction of the time. */
function writeCalls(database: SQLite.Database, world: World): void {
  const indexes = Sql.parse(database.prepare(INDEXES).all());
  for (const { name } of indexes) database.exec(`drop index ${name}`);
  const insert = inserter<Insertable<CallsTable>>(database, 'calls');
  database.transaction(() => {
    for (let index = 0; index < world.calls; index += 1) {
      insert(storedCall(callOf(world.first + index, startOf(world, index)), index + 1));
    }
  })();
  for (const { sql } of indexes) database.exec(sql);
}

function storedCall(call: BenchCall, sequence: number): Insertable<CallsTable> {
  const { start, answer, end, talkSeconds } = call;
  const seen = isoMillis(end + 5 * MINUTE);
  return {
    account_id: ACCOUNT,
    provider: 'infin8linx',
    call_id: call.uuid,
    native_id: String(263_056_202 + call.number),
    correlation_id: call.uuid,
    direction: call.inbound ? 'inbound' : 'outbound',
    call_mode: '2',
    caller: call.caller,
    callee: call.callee,
    agent: call.agent,
    started_at: isoSeconds(start),
    ringing_at: null,
    answered_at: answer === null ? null : isoSeconds(answer),
    ended_at: isoSeconds(end),
    duration_seconds: (end - start) / 1000,
    ring_seconds: ((answer ?? end) - start) / 1000,
    talk_seconds: talkSeconds,
    billed_seconds: null,
    cost: null,
    currency: null,
    disposition: answer === null ? 'no_answer' : 'answered',
    hangup_cause: answer === null ? '10016' : '10001',
    hangup_reason: answer === null ? 'no answer' : 'normal',
    hangup_party: call.number % 2 === 0 ? 'caller' : 'callee',
    recording_ref: answer === null ? null : `http://192.0.2.10/record/${call.number}.mp3`,
    recording_state: answer === null ? 'none' : 'listed',
    is_call: 1,
    flags: '[]',
    custom: '{"userid":"0","memberid":"0","chengshudu":"0","ext":"0","companycode":"1"}',
    source: 'pull',
    listed_on: shanghai.dayOf(start),
    listed_exact: 1,
    version: 1,
    change_seq: sequence,
    first_seen_at: seen,
    changed_at: seen,
    missing_since: null,
    mapping_version: 1,
    raw: billJson(call),
    identity_key: call.uuid,
    content_hash: `${call.uuid}${call.uuid}`.replaceAll('-', ''),
    erasure_id: null,
  };
}

/** A month of polls every five minutes: no more runs are kept. */
const POLLS = 30 * 288;

function writeBookkeeping(database: SQLite.Database, { from, days, calls }: World): void {
  const now = Date.now();
  const watermark = shanghai.startOfDay(shanghai.dayOf(now));
  const account = { id: ACCOUNT, provider: 'infin8linx', start_at: from, watermark };
  inserter(database, 'accounts')(account);
  database.exec(`update counters set value = ${calls} where name = 'change_seq'`);
  const day = inserter<Insertable<DaysTable>>(database, 'days');
  const run = inserter<Insertable<RunsTable>>(database, 'runs');
  const counts = {
    ...{ windows: 1, requests: 1, fetched: 0, inserted: 0, changed: 0, unchanged: 0 },
    ...{ duplicates: 0, quarantined: 0, missing: 0, holes: 0 },
  };
  database.transaction(() => {
    for (let index = 0; index < days; index += 1) {
      const at = from + index * DAY;
      day({
        ...{ account_id: ACCOUNT, day: shanghai.dayOf(at), state: 'verified' },
        ...{ proven_to: at + DAY, provider_total: calls / days, listed: calls / days },
        ...{ accepted_reason: null, updated_at: at + 2 * DAY },
      });
    }
    for (let poll = POLLS; poll > 0; poll -= 1) {
      const started_at = now - poll * 5 * MINUTE;
      const told = { state: 'ok', error: null, ...counts };
      const times = { started_at, ended_at: started_at + 200 };
      run({ id: randomUUID(), account_id: ACCOUNT, trigger: 'poll', ...times, ...told });
    }
  })();
}

/** Inserts objects whose keys are columns; each has the keys of the first. */
function inserter<Row extends object>(
  database: SQLite.Database,
  table: string,
): (row: Row) => void {
  let insert: SQLite.Statement<Row> | null = null;
  return (row) => {
    const columns = Object.keys(row);
    const values = columns.map((column) => `@${column}`).join(', ');
    insert ??= database.prepare<Row>(
      `insert into ${table} (${columns.join(', ')}) values (${values})`,
    );
    insert.run(row);
  };
}
