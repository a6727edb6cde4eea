import type { Driver, TransactionSettings } from 'kysely';
import type pg from 'pg';
import { StoreConnection } from './connection.ts';
import { patiently } from './patience.ts';

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
    const attempt = patiently(this.#patience);
    await this.#place();
    try {
      return new StoreConnection(connect, await attempt(connect), attempt);
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
