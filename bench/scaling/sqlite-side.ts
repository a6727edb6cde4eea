import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import SQLite from 'better-sqlite3';
import { z } from 'zod';
import { fillStore, fillVersions } from '../support/big-store.ts';
import type { Lab } from '../support/lab.ts';
import { fullScans } from '../support/plans.ts';
import { BIG_TABLES, type ScaledStore, type Side } from './side.ts';

interface Where {
  readonly folder: string | null;
  readonly keep: boolean;
}

export function sqliteSide(lab: Lab, { folder, keep }: Where): Side {
  const root = resolve(folder ?? tmpdir());
  return {
    kind: 'sqlite',
    free: async () => {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
    make: async () => {
      // What is kept lies outside of the lab's folder, which goes at the end.
      const own = keep ? await mkdtemp(join(root, 'cdrsync-scaling-')) : await lab.folder();
      const path = join(own, 'store.db');
      if (keep) lab.say(`${path} is kept`);
      return sqliteStore(path, lab.signal);
    },
  };
}

const Size = z.object({ name: z.string(), bytes: z.int() });
const Numbers = z.object({ value: z.int().nullable() });

function sqliteStore(path: string, signal: AbortSignal): ScaledStore {
  const ask = <Row>(schema: z.ZodType<Row>, text: string): readonly Row[] => {
    const database = new SQLite(path, { readonly: true });
    try {
      return z.array(schema).parse(database.prepare(text).all());
    } finally {
      database.close();
    }
  };
  const number = (text: string): number => ask(Numbers, text)[0]?.value ?? 0;
  const tables = BIG_TABLES.map((table) => `'${table}'`).join(', ');
  return {
    kind: 'sqlite',
    url: `sqlite:${path}`,
    fill: (world) => fillStore(path, world, { history: true, signal }),
    fillVersions: (world) => fillVersions(path, world, signal),
    sizes: async () =>
      ask(
        Size,
        `select d.name, sum(d.pgsize) as bytes from dbstat d join sqlite_master m on m.name = d.name
         where d.aggregate = 1 and m.tbl_name in (${tables}) group by d.name`,
      ),
    countCalls: async () => number('select count(*) as value from calls'),
    lastChange: async () => number('select max(change_seq) as value from calls'),
    fullScans: async (statements) =>
      fullScans(
        path,
        statements.map(({ text }) => text),
        BIG_TABLES,
      ),
    settle: async () => {
      const database = new SQLite(path);
      database.pragma('wal_checkpoint(truncate)');
      database.close();
    },
  };
}
