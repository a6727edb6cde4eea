import { cpus, loadavg, totalmem } from 'node:os';
import { figure, type Result, spreadText, type Target } from './result.ts';

/** What the figures were taken on: without it nobody could judge them. */
export interface Circumstances {
  readonly rounds: number;
  readonly scale: number;
  readonly profiled: boolean;
  /** Load averages of the machine when the bench began. */
  readonly load: readonly number[];
}

export function circumstancesText({ rounds, scale, profiled, load }: Circumstances): string {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}`;
  const notes = [
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'} at scale ${scale}`,
    `load ${load.map((value) => value.toFixed(1)).join(', ')} before, ${loadavg()
      .map((value) => value.toFixed(1))
      .join(', ')} after`,
    ...(scale < 1 ? ['below scale 1 the targets are not judged by the exit code'] : []),
    ...(profiled ? ['with the profiler on, which slows JavaScript more than SQLite'] : []),
  ];
  return `${machine}; ${notes.join('; ')}\n`;
}

export function resultJson(circumstances: Circumstances, results: readonly Result[]): string {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? null, memory: totalmem() };
  const node = process.versions.node;
  const run = { at: new Date().toISOString(), ...circumstances, machine, node };
  return `${JSON.stringify({ ...run, results }, null, 2)}\n`;
}

export function resultLines(result: Result): string {
  const details = result.details.map((line) => `    ${line}`);
  return `${[lineOf(result).join('  '), ...details].join('\n')}\n`;
}

const HEAD = ['entry', 'work', 'median (least to most)', 'target', ''];

export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(lineOf)];
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

function lineOf({ entry, work, value, unit, target, met }: Result): readonly string[] {
  const verdict = met === null ? '' : met ? 'met' : 'MISSED';
  return [entry, work, `${spreadText(value)} ${unit}`, targetText(target), verdict];
}

function targetText(target: Target | null): string {
  if (target === null) return '';
  return `${target.kind === 'at least' ? '≥' : '≤'} ${figure(target.bound)}`;
}
