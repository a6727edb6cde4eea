import { z } from 'zod';
import { figure } from '../result.ts';
import { median } from '../stats.ts';
import { readNote } from './lab.ts';

/** A statement that a binary prepared, and how long the database was at work for it. */
const Statement = z.object({
  text: z.string(),
  runs: z.int(),
  ms: z.number(),
  /** With which it ran first, where that was noted. */
  values: z.array(z.unknown()).default([]),
});
export type Statement = z.infer<typeof Statement>;

/** What a preloaded module noted of statements. */
export async function readStatements(note: string): Promise<readonly Statement[]> {
  return z.array(Statement).parse(await readNote(note));
}

/** Milliseconds by what the statements do: their first word. */
export function timesByVerb(statements: readonly Statement[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { text, ms } of statements) {
    const verb = /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? '';
    times.set(verb, (times.get(verb) ?? 0) + ms);
  }
  return times;
}

/** `commit 40, insert 30, …`: the medians of several runs, the dearest first, what is below a hundredth left out. */
export function verbsText(runs: readonly ReadonlyMap<string, number>[]): string {
  const verbs = new Set(runs.flatMap((times) => [...times.keys()]));
  const medians = [...verbs].map(
    (verb) => [verb, median(runs.map((times) => times.get(verb) ?? 0))] as const,
  );
  const sum = medians.reduce((total, [, value]) => total + value, 0);
  return medians
    .filter(([, value]) => value > sum / 100)
    .sort(([, a], [, b]) => b - a)
    .map(([verb, value]) => `${verb} ${figure(value)}`)
    .join(', ');
}

/** The statements that took longest, all their runs together. */
export function dearestOf(statements: readonly Statement[], count: number): readonly string[] {
  return [...statements]
    .sort((one, other) => other.ms - one.ms)
    .slice(0, count)
    .map(({ text, runs, ms }) => {
      const words = text.replaceAll(/\s+/g, ' ').slice(0, 160);
      return `${figure(ms)} ms in ${runs} runs: ${words}`;
    });
}
