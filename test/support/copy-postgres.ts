import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { onTestFinished } from 'vitest';

const SERVER = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A schema for one store, and past the code under test what is in it. */
export interface Place {
  /** As `store` in the configuration. */
  readonly url: string;
  /** Runs a statement in the schema, and gives its rows. */
  ask(text: string, ...values: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

/** Names a schema that is not there yet; whatever is made in it is gone when the test has ended. */
export async function newPlace(): Promise<Place> {
  const schema = `copy_${randomBytes(6).toString('hex')}`;
  const options = `-c search_path=${schema} -c timezone=UTC`;
  const client = new pg.Client({ connectionString: SERVER, options });
  await client.connect();
  onTestFinished(async () => {
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });
  const url = new URL(SERVER);
  url.searchParams.set('schema', schema);
  return {
    url: url.href,
    ask: async (text, ...values) => {
      const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
      return rows;
    },
  };
}
