import { EventEmitter } from 'node:events';
import {
  createPostgresBackend,
  type PgPool,
  type PgPoolClient,
  type PgQueryResult,
  runMigrations,
  withBackend,
} from 'bullmq';
import pg from 'pg';
import { SECOND } from '../time.ts';
import { bindQueues, type OnTrouble, type QueueBackend } from './backend.ts';
import { SCHEMA, WRITES_NOTHING } from './bullmq-schema.ts';

/** One for each worker that listens, and a few for what they ask. */
const CONNECTIONS = 8;

/**
 * Queues in a PostgreSQL database.
 *
 * @throws what the server says where it cannot be reached: BullMQ would keep that failure for ever.
 */
export async function postgresBackend(url: string, onTrouble: OnTrouble): Promise<QueueBackend> {
  // BullMQ loads the driver by `require`, which an ES module has not, so it is handed a pool.
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'cdrsync',
    options: `-c search_path=${SCHEMA}`,
    max: CONNECTIONS,
    connectionTimeoutMillis: 5 * SECOND,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10 * SECOND,
    query_timeout: 30 * SECOND,
  });
  pool.on('error', onTrouble);
  try {
    const client = clientOver(await pool.connect());
    try {
      await runMigrations(client, SCHEMA);
    } finally {
      client.release();
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    kind: 'postgres',
    ...bindQueues(withBackend(createPostgresBackend), poolOver(pool), onTrouble),
    ping: async () => {
      await pool.query(WRITES_NOTHING);
    },
    // A database that was away still has what it had.
    onReturn: () => undefined,
    close: () => pool.end(),
  };
}

/** node-postgres' pool in BullMQ's words for it, which their types do not recognise as the same. */
function poolOver(pool: pg.Pool): PgPool {
  return Object.assign(new EventEmitter(), {
    query: <Row>(text: string, parameters: readonly unknown[] = []): Promise<PgQueryResult<Row>> =>
      pool.query<Row & pg.QueryResultRow>(text, [...parameters]),
    connect: async () => clientOver(await pool.connect()),
    end: async () => undefined,
  });
}

function clientOver(client: pg.PoolClient): PgPoolClient {
  const own = Object.assign(new EventEmitter(), {
    // A script of several statements goes without parameters, not with none.
    query: <Row>(text: string, parameters?: readonly unknown[]): Promise<PgQueryResult<Row>> =>
      client.query<Row & pg.QueryResultRow>(text, parameters && [...parameters]),
    release: (destroy?: boolean) => {
      client.off('notification', onNotification);
      client.off('end', onEnd);
      client.release(destroy);
    },
  });
  const onNotification = (message: pg.Notification): void => {
    own.emit('notification', message);
  };
  const onEnd = (): void => {
    own.emit('end');
  };
  client.on('notification', onNotification);
  client.on('end', onEnd);
  // Stays until the connection is gone: a failure that nobody hears would end the process.
  client.on('error', (error) => {
    if (own.listenerCount('error') > 0) own.emit('error', error);
  });
  return own;
}
