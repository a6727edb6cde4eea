import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SelectQueryNode,
  type TransactionSettings,
} from 'kysely';
import type pg from 'pg';
import Cursor from 'pg-cursor';
import { z } from 'zod';
import { isLost, UncertainCommit } from './trouble.ts';

/**
 * Kysely's own driver gives a failure of the connection to whoever asked. Here a
 * connection that is lost costs nothing where nothing depends on it: a query
 * that only reads is asked again, and of a commit that was not answered the
 * server itself is asked what became of it.
 */
export class PatientDriver implements Driver {
  readonly #pool: pg.Pool;
  readonly #patience: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param patience how long a server that went away is waited for, in milliseconds. */
  constructor(pool: pg.Pool, patience: number) {
    this.#pool = pool;
    this.#patience = patience;
    this.#free = pool.options.max;
  }

  async init(): Promise<void> {
    // The pool connects when it is first asked.
  }

  async acquireConnection(): Promise<StoreConnection> {
    const connect = (): Promise<pg.PoolClient> => this.#pool.connect();
    const patiently: Patiently = (attempt) => patient(attempt, this.#patience);
    await this.#place();
    try {
      return new StoreConnection(connect, await patiently(connect), patiently);
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  async beginTransaction(
    connection: StoreConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await connection.begin(settings);
  }

  async commitTransaction(connection: StoreConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: StoreConnection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: StoreConnection): Promise<void> {
    connection.release();
    this.#leave();
  }

  /**
   * Whoever comes while all connections are in use waits, first come, first
   * served. The pool would count that wait as one for the server, and give up.
   */
  async #place(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

type Patiently = <Result>(attempt: () => Promise<Result>) => Promise<Result>;

const MOMENT_MS = 100;

async function patient<Result>(attempt: () => Promise<Result>, patience: number): Promise<Result> {
  const deadline = performance.now() + patience;
  for (let wait = MOMENT_MS; ; wait = Math.min(2 * wait, 1000)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLost(error) || performance.now() + wait > deadline) throw error;
      await sleep(wait * (0.5 + Math.random() / 2));
    }
  }
}

class StoreConnection implements DatabaseConnection {
  readonly #connect: () => Promise<pg.PoolClient>;
  readonly #patiently: Patiently;
  #client: pg.PoolClient;
  #lost = false;
  /** Whether the client is ours: not between the loss of one and the next. */
  #held = true;
  /** Of the transaction that is open; null outside of one that writes. */
  #number: TransactionNumber | null = null;
  #open = false;
  /** Queries of one connection go one after another, also where several are asked at once. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connect: () => Promise<pg.PoolClient>, client: pg.PoolClient, patiently: Patiently) {
    this.#connect = connect;
    this.#patiently = patiently;
    this.#client = client;
    client.on('error', this.#onError);
  }

  readonly #onError = (): void => {
    this.#lost = true;
  };

  async begin(settings: TransactionSettings): Promise<void> {
    try {
      await this.#begin(settings);
    } catch (error) {
      // It may stand in a transaction that nobody ends.
      this.#lost = true;
      throw error;
    }
    this.#open = true;
  }

  async #begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    const mode = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    if (accessMode === 'read only') {
      await this.#patiently(() => this.#send(`start transaction${mode} read only`));
    } else {
      // In one message: the number is what a lost commit is asked for by.
      const text = `start transaction${mode}; select pg_current_xact_id()::text as xid`;
      const results = await this.#patiently(() => this.#send(text));
      this.#number = { xid: xidOf(results), server: await identityOf(this.#client) };
    }
  }

  async commit(): Promise<void> {
    const number = this.#number;
    this.#ended();
    try {
      const { command } = await this.#client.query('commit');
      // So it answers where an earlier failure has aborted the transaction.
      if (command === 'ROLLBACK') throw new AbortedTransactionError();
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#lost = true;
      if (number === null || !(await this.#wasCommitted(number))) throw error;
    }
  }

  /** Whatever ended the transaction is thrown by whom it met: that it cannot be rolled back tells nothing more. */
  async rollback(): Promise<void> {
    this.#ended();
    if (this.#lost) return;
    try {
      await this.#client.query('rollback');
    } catch {
      this.#lost = true;
    }
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#client.off('error', this.#onError);
    this.#client.release(this.#lost);
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const ask = (): Promise<QueryResult<Row>> => this.#ask<Row>(query);
    const repeatable = !this.#open && SelectQueryNode.is(query.query);
    return this.#inTurn(repeatable ? () => this.#patiently(ask) : ask);
  }

  async *streamQuery<Row>(
    { sql, parameters }: CompiledQuery,
    chunkSize: number,
  ): AsyncGenerator<QueryResult<Row>> {
    const cursor = this.#client.query(new Cursor<Row>(sql, parameters.map(storable)));
    try {
      for (;;) {
        const rows = await cursor.read(chunkSize);
        if (rows.length === 0) return;
        yield { rows };
      }
    } catch (error) {
      if (isLost(error)) this.#lost = true;
      throw error;
    } finally {
      // On a connection that is lost, nobody would answer.
      if (!this.#lost) await cursor.close();
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #ask<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    await this.#mend();
    try {
      const { command, rowCount, rows } = await this.#client.query(sql, parameters.map(storable));
      const counted = /^(?:INSERT|UPDATE|DELETE|MERGE)$/.test(command);
      return { rows, ...(counted ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
    } catch (error) {
      if (isLost(error)) this.#lost = true;
      throw error;
    }
  }

  async #send(text: string): Promise<unknown> {
    await this.#mend();
    try {
      return await this.#client.query(text);
    } catch (error) {
      if (isLost(error)) this.#lost = true;
      throw error;
    }
  }

  /** Another client in the place of one that is lost; inside a transaction there is none. */
  async #mend(): Promise<void> {
    if (!this.#lost || this.#open) return;
    // First: where all connections of the pool are lost at once, each would wait for another's place.
    this.release();
    this.#client = await this.#connect();
    this.#held = true;
    this.#lost = false;
    this.#client.on('error', this.#onError);
  }

  async #wasCommitted({ xid, server }: TransactionNumber): Promise<boolean> {
    for (let looks = 0; looks < 300; looks += 1) {
      const { rows } = await this.#patiently(async () => {
        await this.#mend();
        try {
          if ((await identityOf(this.#client)) !== server) return { rows: [] };
          return await this.#client.query<{ status: string | null }>(
            'select pg_xact_status($1::xid8) as status',
            [xid],
          );
        } catch (error) {
          if (isLost(error)) this.#lost = true;
          throw error;
        }
      });
      const status = rows[0]?.status;
      if (status === 'committed') return true;
      if (status === 'aborted') return false;
      if (status == null) break;
      // The server has not noticed yet that nobody is there any more.
      await sleep(MOMENT_MS);
    }
    throw new UncertainCommit('the database does not tell what became of a transaction');
  }

  #ended(): void {
    this.#open = false;
    this.#number = null;
  }
}

/** No text of PostgreSQL may hold U+0000, which a provider may send: it is replaced as half a character is. */
function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === 'string' && value.includes('\0')
    ? value.replaceAll('\0', '\uFFFD')
    : value;
}

interface TransactionNumber {
  readonly xid: string;
  readonly server: string;
}

/**
 * One life of a server. After a crash, and on a server that took another's
 * place, numbers of transactions that were lost are given to others. A
 * connection lives in one life, so that it is asked once.
 */
async function identityOf(client: pg.PoolClient): Promise<string> {
  const known = identities.get(client);
  if (known !== undefined) return known;
  // A crash restarts the workers of a server that itself goes on, and its statistics begin anew.
  const { rows } = await client.query<{ identity: string }>(
    `select concat(pg_postmaster_start_time(), ' ', (select stats_reset from pg_stat_bgwriter)) as identity`,
  );
  const identity = rows[0]?.identity ?? '';
  identities.set(client, identity);
  return identity;
}

const identities = new WeakMap<pg.PoolClient, string>();

const begunSchema = z
  .array(z.unknown())
  .transform((results) => results.at(-1))
  .pipe(z.object({ rows: z.tuple([z.object({ xid: z.string() })]) }));

function xidOf(results: unknown): string {
  return begunSchema.parse(results).rows[0].xid;
}
