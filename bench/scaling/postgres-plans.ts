import type pg from 'pg';
import { z } from 'zod';
import { connect } from '../support/big-postgres.ts';
import type { FullScan } from '../support/plans.ts';
import type { Statement } from '../support/statements.ts';
import { BIG_TABLES } from './side.ts';

/** A step of a plan, as far as it matters here. */
interface Step {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string | undefined;
  readonly 'Index Name'?: string | undefined;
  readonly 'Index Cond'?: string | undefined;
  readonly 'Actual Loops'?: number | undefined;
  readonly Plans?: readonly Step[] | undefined;
}

const Step: z.ZodType<Step> = z.lazy(() =>
  z.looseObject({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Name': z.string().optional(),
    'Index Cond': z.string().optional(),
    'Actual Loops': z.number().optional(),
    Plans: z.array(Step).optional(),
  }),
);

const Explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: Step })]) })]);

/** Below this many rows to read a whole table is what a planner does rightly. */
const SMALL = 5000;

/**
 * The statements whose plan goes through a whole table, itself or by a whole
 * index. A plan depends on the values here, so it is asked for with those that
 * the binary sent.
 */
export async function postgresScans(
  url: string,
  statements: readonly Statement[],
  signal: AbortSignal,
): Promise<readonly FullScan[]> {
  const client = await connect(url, signal);
  try {
    const large = await largeTables(client);
    const scans: FullScan[] = [];
    for (const { text, values } of statements) {
      if (!/^\s*(select|with)\b/i.test(text)) continue;
      const planned = await explain(client, 'format json', text, values);
      if (wholeTable(planned, large).next().done === true) continue;
      // A branch that no row needs is planned, and not gone through.
      await client.query('begin');
      const done = await explain(client, 'analyze, timing off, format json', text, values);
      await client.query('rollback');
      for (const step of wholeTable(done, large)) scans.push({ step, text });
    }
    return scans;
  } finally {
    await client.end();
  }
}

async function explain(
  client: pg.Client,
  how: string,
  text: string,
  values: readonly unknown[],
): Promise<Step> {
  const { rows } = await client.query(`explain (${how}) ${text}`, [...values]);
  const [{ 'QUERY PLAN': plans }] = Explained.parse(rows);
  const [{ Plan: plan }] = plans;
  return plan;
}

const Names = z.array(z.object({ relname: z.string() }));

async function largeTables(client: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await client.query(
    `select relname from pg_class
     where oid = any($1::text[]::regclass[]) and (reltuples < 0 or reltuples > $2)`,
    [BIG_TABLES, SMALL],
  );
  return new Set(Names.parse(rows).map(({ relname }) => relname));
}

function* wholeTable(step: Step, large: ReadonlySet<string>): Generator<string> {
  const { 'Node Type': kind, 'Relation Name': table, 'Index Name': index } = step;
  const bounded = step['Index Cond'] !== undefined;
  if (step['Actual Loops'] === 0) return;
  if (table !== undefined && large.has(table)) {
    if (kind === 'Seq Scan' || kind === 'Sample Scan') yield `${kind} of ${table}`;
    if (/^Index.* Scan$/.test(kind) && !bounded) yield `${kind} of all of ${index ?? table}`;
  }
  for (const inner of step.Plans ?? []) yield* wholeTable(inner, large);
}
