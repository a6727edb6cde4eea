import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import pg from 'pg';
import { z } from 'zod';
import { connect, fillPostgres, fillPostgresVersions } from '../support/big-postgres.ts';
import type { Lab } from '../support/lab.ts';
import { postgresScans } from './postgres-plans.ts';
import { BIG_TABLES, type ScaledStore, type Side } from './side.ts';

interface Server {
  /** Of a user that may make databases. */
  readonly url: string;
  readonly keep: boolean;
}

/** Each store in a database of its own. */
export function postgresSide(lab: Lab, { url: server, keep }: Server): Side {
  return {
    kind: 'postgres',
    free: () => freeOn(server),
    make: async () => {
      const name = `cdrsync_scaling_${randomBytes(4).toString('hex')}`;
      const url = new URL(server);
      url.pathname = `/${name}`;
      await onServer(server, (client) => client.query(`create database ${name}`));
      if (keep) lab.say(`the database ${name} is kept`);
      else {
        lab.defer(() =>
          onServer(server, (client) => client.query(`drop database ${name} with (force)`)),
        );
      }
      return postgresStore(url.href, lab.signal);
    },
  };
}

async function onServer<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The disk of a server on this machine; of another one the server does not tell. */
async function freeOn(server: string): Promise<number | null> {
  try {
    const { rows } = await onServer(server, (client) => client.query('show data_directory'));
    const Folder = z.tuple([z.object({ data_directory: z.string() })]);
    const [{ data_directory: folder }] = Folder.parse(rows);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

const Sizes = z.array(z.object({ name: z.string(), bytes: z.coerce.number() }));
const Numbers = z.array(z.object({ value: z.coerce.number() }));

function postgresStore(url: string, signal: AbortSignal): ScaledStore {
  const ask = async <Row>(
    schema: z.ZodType<readonly Row[]>,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> => {
    const client = await connect(url, signal);
    try {
      return schema.parse((await client.query(text, [...values])).rows);
    } finally {
      await client.end();
    }
  };
  const number = async (text: string): Promise<number> => (await ask(Numbers, text))[0]?.value ?? 0;
  return {
    kind: 'postgres',
    url,
    fill: (world) => fillPostgres(url, world, signal),
    fillVersions: (world) => fillPostgresVersions(url, world, signal),
    // With what is stored outside of the row, and the maps of free room.
    sizes: () =>
      ask(
        Sizes,
        `select relname as name, pg_table_size(oid) as bytes from pg_class
         where oid = any($1::text[]::regclass[])
         union all
         select c.relname, pg_relation_size(c.oid) from pg_index i
           join pg_class c on c.oid = i.indexrelid
         where i.indrelid = any($1::text[]::regclass[])`,
        [BIG_TABLES],
      ),
    countCalls: () => number('select count(*) as value from calls'),
    lastChange: () => number('select max(change_seq) as value from calls'),
    fullScans: (statements) => postgresScans(url, statements, signal),
    settle: async () => {
      await ask(z.array(z.unknown()), 'vacuum analyze calls');
      await ask(z.array(z.unknown()), 'checkpoint');
    },
  };
}
