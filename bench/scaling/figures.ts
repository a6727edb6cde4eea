import { cpus, loadavg, totalmem } from 'node:os';
import { z } from 'zod';
import { figure } from '../result.ts';
import { spreadOf } from '../stats.ts';
import { KINDS } from './side.ts';

const Spread = z.object({ median: z.number(), least: z.number(), most: z.number() });

/** One row of a table: what was asked, and the answer. */
const Figure = z.object({
  /** The table that it stands in. */
  question: z.string(),
  /** The same for each size and store, so that they stand side by side. */
  what: z.string(),
  unit: z.string(),
  value: Spread,
  details: z.array(z.string()),
});
export type Figure = z.infer<typeof Figure>;

/** What a run of the program leaves. */
export const Measured = z.object({
  at: z.string(),
  store: z.enum(KINDS),
  calls: z.int(),
  rounds: z.int(),
  machine: z.string(),
  load: z.string(),
  figures: z.array(Figure),
});
export type Measured = z.infer<typeof Measured>;

export interface Taken {
  readonly question: string;
  readonly what: string;
  readonly unit: string;
  /** Of the rounds: one value each. */
  readonly values: readonly number[];
  readonly details?: readonly string[];
}

export function figureOf({ values, details = [], ...taken }: Taken): Figure {
  return { ...taken, value: spreadOf(values), details: [...details] };
}

export function machineText(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}`;
}

export function loadText(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(', ');
}

export function valueText({ median, least, most }: Figure['value']): string {
  const [middle, low, high] = [median, least, most].map(figure);
  return low === high ? `${middle}` : `${middle} (${low} to ${high})`;
}

/** In Markdown: a table for each question, a column for each store and size. */
export function markdown(measured: readonly Measured[]): string {
  const runs = merged(measured);
  const figures = runs.flatMap((run) => run.figures);
  const questions = [...new Set(figures.map(({ question }) => question))];
  return questions
    .map((question) => {
      const asked = runs.filter((run) => run.figures.some((one) => one.question === question));
      return tableOf(question, asked);
    })
    .join('\n');
}

/** Phases of one store and size may have run one by one: of those that ran twice the later one counts. */
function merged(measured: readonly Measured[]): readonly Measured[] {
  const runs = new Map<string, Measured>();
  for (const run of measured) {
    const key = `${run.store} ${run.calls}`;
    const anew = new Set(run.figures.map(({ question }) => question));
    const kept = (runs.get(key)?.figures ?? []).filter(({ question }) => !anew.has(question));
    runs.set(key, { ...run, figures: [...kept, ...run.figures] });
  }
  return [...runs.values()];
}

function tableOf(question: string, runs: readonly Measured[]): string {
  const rows = new Map<string, string[]>();
  for (const [column, { figures }] of runs.entries()) {
    for (const one of figures) {
      if (one.question !== question) continue;
      const name = `${one.what}, ${one.unit}`;
      const cells = rows.get(name) ?? runs.map(() => '');
      cells[column] = valueText(one.value);
      rows.set(name, cells);
    }
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const heads = runs.map(({ store, calls }) => `${store}, ${calls.toLocaleString('en-US')}`);
  return [
    `### ${question}\n\n`,
    line(['', ...heads]),
    `|${'---|'.repeat(heads.length + 1)}\n`,
    ...[...rows].map(([name, cells]) => line([name, ...cells])),
  ].join('');
}
