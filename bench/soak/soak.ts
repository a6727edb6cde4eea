import type { BackendKind } from './backends.ts';
import { makeCleanup } from './cleanup.ts';
import { type IdleResult, idle } from './idle.ts';
import type { SoakResult } from './judge.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { idleText, soakText } from './report.ts';
import { type Surroundings, soak } from './run.ts';

/**
 * Workers under load for minutes, their queue and one of them killed meanwhile;
 * at the end what happened is held against what is promised.
 */
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
  const say = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const outcomes: Outcome[] = [];
  for (const kind of options.backends) {
    const cleanup = makeCleanup();
    try {
      const outcome = await tryOut(kind, options, { cleanup, signal: stop.signal, say });
      if (!options.json) process.stdout.write(outcome.text);
      outcomes.push(outcome);
    } catch (error) {
      // What a signal interrupts has not failed.
      if (code === null) throw error;
    } finally {
      await cleanup.run();
    }
    if (code !== null) return code;
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify(outcomes.map(({ result }) => result))}\n`);
  return outcomes.every(({ ok }) => ok) ? 0 : 1;
}

interface Outcome {
  readonly ok: boolean;
  readonly result: SoakResult | IdleResult;
  readonly text: string;
}

async function tryOut(kind: BackendKind, options: Options, around: Surroundings): Promise<Outcome> {
  if (options.idle) {
    const result = await idle(kind, around);
    return { ok: true, result, text: idleText(result) };
  }
  const result = await soak(kind, options, around);
  return { ok: result.ok, result, text: soakText(result) };
}

process.exit(await main());
