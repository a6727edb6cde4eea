import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Dialect, PostgresAdapter, PostgresQueryCompiler } from 'kysely';
import pg from 'pg';
import { configError } from '../../errors.ts';
import type { PostgresAddress, PostgresTls } from '../../store-url.ts';
import { PatientDriver } from './driver.ts';
import { postgresEngine } from './engine.ts';
import { SchemaIntrospector } from './introspector.ts';
import { codeOf } from './trouble.ts';
import { parsers } from './types.ts';

/** How a server that goes away is waited for, and for how long a transaction may stand still. Milliseconds. */
const PATIENCE = { write: 30_000, read: 5_000, maintain: 5_000 } as const;
const CONNECT_MS = 5_000;
/**
 * A process that was stopped in the middle of a transaction holds its account's
 * fence; the server ends that session when its lease is over too, so that
 * another process can take over.
 */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** Longer than that, so that it is not given up a moment before. */
const LOCK_MS = 12_000;
/**
 * Longer than any statement of a walk; a network that swallows packets gives no
 * other sign. An export takes as long as whoever takes its lines.
 */
const QUERY_MS = 300_000;

/** `read` can write nothing; `maintain` is for statements that take as long as the tables are large. */
export type Access = keyof typeof PATIENCE;

/** Opens connections to a database as they are needed. */
export function openPostgres(address: PostgresAddress, access: Access): Dialect {
  const { host, port, user, password, database, schema, tls, pool, applicationName } = address;
  const connections = new pg.Pool({
    host,
    port,
    user: user ?? process.env['PGUSER'] ?? systemUser(),
    ...(password === null ? {} : { password }),
    database,
    application_name: applicationName,
    ssl: tlsOptions(tls),
    max: pool,
    options: settings(schema, access),
    types: parsers(),
    connectionTimeoutMillis: CONNECT_MS,
    ...(access === 'write' ? { query_timeout: QUERY_MS } : {}),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
  });
  // A connection that fails while nobody uses it is replaced when it is needed. The pool listens to
  // none between handing it over and whoever takes it, where a failure would end the process.
  connections.on('error', () => undefined);
  connections.on('connect', (client) => client.on('error', () => undefined));
  const engine = postgresEngine(schema, PATIENCE[access]);
  return {
    createDriver: () => new PatientDriver(connections, PATIENCE[access]),
    createAdapter: () => Object.assign(new PostgresAdapter(), { engine }),
    createIntrospector: (db) => new SchemaIntrospector(db, schema),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

/** As the server's own programs have it; the driver itself looks no further than the environment. */
function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // Containers run as users without a name.
    return undefined;
  }
}

/** A reader holds nothing that a writer waits for, and stands still when whoever takes its lines does. */
const READING = {
  default_transaction_read_only: 'on',
  lock_timeout: 5000,
  idle_in_transaction_session_timeout: 0,
} as const;

/** Of every session: times as the parsers read them, commits that last, and nothing that waits for ever. */
function settings(schema: string, access: Access): string {
  const values = {
    search_path: schema,
    // As literals are written here; a database may say otherwise for old programs.
    standard_conforming_strings: 'on',
    timezone: 'UTC',
    datestyle: 'ISO',
    synchronous_commit: 'on',
    jit: 'off',
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    lock_timeout: LOCK_MS,
    ...(access === 'read' ? READING : {}),
  };
  return Object.entries(values)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

function tlsOptions(tls: PostgresTls): pg.PoolConfig['ssl'] {
  if (tls.kind === 'off') return false;
  const { ca, cert, key } = tls;
  return {
    rejectUnauthorized: true,
    ca: pem('sslrootcert', ca),
    cert: pem('sslcert', cert),
    key: pem('sslkey', key),
  };
}

function pem(parameter: string, path: string | null): string | undefined {
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = `the file of ${parameter} cannot be read (${codeOf(error)})`;
    throw configError('store.refused', why);
  }
}
