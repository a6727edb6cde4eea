import SQLite from 'better-sqlite3';
import { z } from 'zod';

const Plan = z.array(z.object({ detail: z.string() }));

/** A statement that reads a whole table, with the step of its plan that says so. */
export interface FullScan {
  readonly step: string;
  readonly text: string;
}

/**
 * The statements whose plan goes through a whole table, itself or by a whole
 * index. One that stops early by its `limit` counts, too: the plan does not say
 * how soon.
 */
export function fullScans(
  store: string,
  statements: readonly string[],
  tables: readonly string[] = ['calls'],
): readonly FullScan[] {
  const database = new SQLite(store, { readonly: true });
  try {
    return statements.flatMap((text) => {
      if (!/^\s*(select|with)\b/i.test(text)) return [];
      const names = new Set(tables.flatMap((table) => namesOf(table, text)));
      return Plan.parse(explain(database, text)).flatMap(({ detail: step }) => {
        const scanned = /^SCAN (\w+)/.exec(step)?.[1];
        return scanned !== undefined && names.has(scanned) ? [{ step, text }] : [];
      });
    });
  } finally {
    database.close();
  }
}

/** A plan names a table as its statement does. */
function namesOf(table: string, text: string): readonly string[] {
  const aliases = text.matchAll(new RegExp(`\\b${table}"?\\s+as\\s+"?(\\w+)`, 'gi'));
  return [table, ...[...aliases].flatMap(([, alias = '']) => [alias])];
}

/** Parameters may stay unbound: the plan does not depend on their values. */
function explain(database: SQLite.Database, text: string): unknown {
  const statement = database.prepare(`explain query plan ${text}`);
  const nulls = (text.match(/\?/g) ?? []).map(() => null);
  return statement.all(...nulls);
}
