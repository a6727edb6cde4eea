import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { openStore, type Store, type StoreEvent } from '../../src/store/store.ts';
import { POSTGRES } from './servers.ts';

/** A schema of one test's own, on the server that the environment names or this machine's. */

export const SERVER = new URL(POSTGRES);

export interface OwnSchema {
  /** As `store` in the configuration; by another port where a relay stands in between. */
  url(port?: number): string;
  /** Opens the store, until the test has ended. */
  open(port?: number): Promise<Store>;
  /** What the openings told. */
  readonly events: readonly StoreEvent[];
  /** One statement, past the code under test. */
  ask(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export async function ownSchema(): Promise<OwnSchema> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: SERVER.href, options: '-c timezone=UTC' });
  await client.connect();
  onTestFinished(async () => {
    await client.query(`drop schema if exists ${name} cascade`);
    await client.end();
  });
  await client.query(`set search_path = ${name}`);
  const events: StoreEvent[] = [];
  const url = (port?: number): string => {
    const own = new URL(SERVER);
    own.searchParams.set('schema', name);
    own.searchParams.set('pool', '4');
    if (port !== undefined) own.host = `127.0.0.1:${port}`;
    return own.href;
  };
  return {
    url,
    events,
    open: async (port) => {
      const onEvent = (event: StoreEvent): void => {
        events.push(event);
      };
      const store = await openStore({ url: url(port), mustExist: false, onEvent });
      onTestFinished(() => store.close());
      return store;
    },
    ask: async (text, values = []) => {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
      return rows;
    },
  };
}
