import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
  SelectQueryNode,
  type TransactionSettings,
} from 'kysely';
import type pg from 'pg';
import Cursor from 'pg-cursor';
import { MOMENT_MS, type Patiently } from './patience.ts';
import { NUMBER, numberOf, statusOf, type TransactionNumber } from './transaction-number.ts';
import { isLost, UncertainCommit } from './trouble.ts';

/** One connection, or several one after another where they are lost; what that may cost is said at the driver. */
export class StoreConnection implements DatabaseConnection {
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
      const results = await this.#patiently(() =>
        this.#send(`start transaction${mode}; ${NUMBER}`),
      );
      this.#number = await numberOf(this.#client, results);
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

  #ask<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#heard(async (client) => {
      const { command, rowCount, rows } = await client.query(sql, parameters.map(storable));
      const counted = /^(?:INSERT|UPDATE|DELETE|MERGE)$/.test(command);
      return { rows, ...(counted ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
    });
  }

  #send(text: string): Promise<unknown> {
    return this.#heard((client) => client.query(text));
  }

  /** Asks by another client where this one is lost, and notes where it is lost meanwhile. */
  async #heard<Result>(ask: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    await this.#mend();
    try {
      return await ask(this.#client);
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

  async #wasCommitted(number: TransactionNumber): Promise<boolean> {
    for (let looks = 0; looks < 300; looks += 1) {
      const status = await this.#patiently(() => this.#heard((client) => statusOf(client, number)));
      if (status === 'committed') return true;
      if (status === 'aborted') return false;
      if (status === null) break;
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
