import { EventEmitter } from 'node:events';
import { rm } from 'node:fs/promises';
import type { PGlite } from '@electric-sql/pglite';
import {
  createPostgresBackend,
  type PgPool,
  type PgPoolClient,
  type PgQueryResult,
  runMigrations,
  withBackend,
} from 'bullmq';
import { MINUTE } from '../time.ts';
import { bindQueues, type OnTrouble, type QueueBackend } from './backend.ts';
import { SCHEMA, WRITES_NOTHING } from './bullmq-schema.ts';
import { openFolder } from './pglite-folder.ts';

/**
 * Queues in the worker's own process, with nothing to install or start: BullMQ
 * over PGlite, a PostgreSQL compiled to WebAssembly, in a folder of its own. A
 * folder that does not open is made anew.
 */
export async function embeddedBackend(folder: string, onTrouble: OnTrouble): Promise<QueueBackend> {
  const db = await openSound(folder, onTrouble);
  const pool = poolOver(db);
  const upkeep = setInterval(() => {
    tidy(db).catch(onTrouble);
  }, UPKEEP_MS);
  return {
    kind: 'embedded',
    ...bindQueues(withBackend(createPostgresBackend), pool, onTrouble),
    ping: async () => {
      await db.query(WRITES_NOTHING);
    },
    onReturn: () => undefined,
    close: async () => {
      clearInterval(upkeep);
      await db.close();
    },
  };
}

async function openSound(folder: string, onTrouble: OnTrouble): Promise<PGlite> {
  try {
    return await openMigrated(folder);
  } catch (error) {
    onTrouble(error instanceof Error ? error : new Error('the embedded queue does not open'));
    await rm(folder, { recursive: true, force: true });
    return openMigrated(folder);
  }
}

async function openMigrated(folder: string): Promise<PGlite> {
  const db = await openFolder(folder);
  try {
    await prepare(db);
    return db;
  } catch (error) {
    await db.close().catch(() => undefined);
    throw error;
  }
}

async function prepare(db: PGlite): Promise<void> {
  const client = await poolOver(db).connect();
  await runMigrations(client, SCHEMA);
  client.release();
  await db.exec(`set search_path = ${SCHEMA}`);
  // A folder may open and hold a table that does not: then it is made anew, too.
  for (const table of ['job', 'scheduler', 'dedup', 'meta']) {
    await db.query(`select count(*) from ${table}`);
  }
}

/**
 * A single process has no autovacuum and no checkpointer. Without these, its
 * journal grew to 80 MB in 80 s of a queue that was kept busy; both together
 * take 0.1 s.
 */
async function tidy(db: PGlite): Promise<void> {
  await db.exec('vacuum');
  await db.exec('checkpoint');
}

const UPKEEP_MS = 10 * MINUTE;

/** PGlite in the shape of node-postgres' pool, which is all that BullMQ asks for. */
function poolOver(db: PGlite): PgPool & { readonly options: { readonly keepAlive: boolean } } {
  const query = async <Row>(
    text: string,
    parameters: readonly unknown[] = [],
  ): Promise<PgQueryResult<Row>> => {
    // PGlite answers within the turn of the event loop: without a pause, a busy queue keeps
    // timers and sockets from being served at all (seen: no timer ran for 80 s).
    await new Promise((resolve) => setImmediate(resolve));
    if (parameters.length === 0 && text.includes(';')) {
      // A script, as migrations are; the other way of asking takes one statement at a time.
      await db.exec(text);
      return { rows: [] };
    }
    const { rows, affectedRows } = await db.query<Row>(text, [...parameters], { parsers });
    return { rows, rowCount: affectedRows ?? null };
  };
  return Object.assign(new EventEmitter(), {
    // There is no connection that could be lost unnoticed.
    options: { keepAlive: true },
    query,
    connect: async () => clientOver(db, query),
    end: async () => undefined,
  });
}

/** As node-postgres: what may be larger than a double holds stays text. */
const parsers = { 20: (text: string) => text };

/** A client is the same database again; only what it listens to is its own. */
function clientOver(db: PGlite, query: PgPool['query']): PgPoolClient {
  const client = Object.assign(new EventEmitter(), { query, release: () => silence() });
  const silence = db.onNotification((channel, payload) => {
    client.emit('notification', { channel, payload });
  });
  return client;
}
