import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { type Options, readOptions, USAGE } from './options.ts';
import { splitText } from './profile/split.ts';
import { circumstancesText, resultJson, resultLines, table } from './report.ts';
import type { Result } from './result.ts';
import { openLab } from './support/lab.ts';

/** Measures cdrsync against a floor, entry by entry, and holds it against the targets. */
async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'unusable'}\n${USAGE}`);
    return 2;
  }
  const stop = new AbortController();
  let code: number | null = null;
  for (const [name, number] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.on(name, () => {
      code = number;
      stop.abort();
    });
  }
  try {
    return await bench(options, stop.signal);
  } catch (error) {
    // What a signal interrupts has not failed.
    if (code === null) throw error;
    return code;
  }
}

async function bench(options: Options, signal: AbortSignal): Promise<number> {
  const { rounds, scale, profile, json } = options;
  const say = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const load = loadavg();
  const results: Result[] = [];
  const lab = await openLab({ ...options, signal, say });
  try {
    for (const entry of options.entries) {
      signal.throwIfAborted();
      say(`${entry.name}: ${entry.says}`);
      const measured = await entry.measure(lab);
      for (const result of measured) process.stderr.write(resultLines(result));
      results.push(...measured);
    }
    if (profile !== null) process.stdout.write(await splitText(profile));
  } finally {
    await lab.close();
  }
  const circumstances = { rounds, scale, profiled: profile !== null, load };
  process.stdout.write(table(results));
  process.stdout.write(circumstancesText(circumstances));
  if (json !== null) await writeFile(json, resultJson(circumstances, results));
  const judged = scale === 1 && profile === null;
  return judged && results.some(({ met }) => met === false) ? 1 : 0;
}

process.exit(await main());
