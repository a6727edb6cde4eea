import { z } from 'zod';
import { query } from './workbench.ts';

const Values = z.array(z.union([z.string(), z.number()]));

/** How SQLite would run a query of the code under test, one step a line. */
export function planOf(
  path: string,
  { sql, parameters }: { readonly sql: string; readonly parameters: readonly unknown[] },
): string {
  const Step = z.looseObject({ detail: z.string() });
  const steps = query(path, Step, `explain query plan ${sql}`, ...Values.parse(parameters));
  return steps.map(({ detail }) => detail).join('\n');
}
