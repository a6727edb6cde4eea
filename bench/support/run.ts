import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Finished {
  /** Wall milliseconds from the start of the process to its end. */
  readonly ms: number;
  readonly stdout: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Runs Node to the end of the program.
 *
 * @throws Error with what it said where it does not end with 0.
 */
export async function runNode(
  args: readonly string[],
  { cwd, environment = {}, signal }: RunOptions,
): Promise<Finished> {
  const started = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd,
    env: { ...ownEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  let ended = started;
  child.once('exit', () => {
    ended = performance.now();
  });
  await once(child, 'close', { signal });
  if (child.exitCode !== 0) {
    throw new Error(`node ${args.join(' ')} ended with ${child.exitCode}:\n${stderr}`);
  }
  return { ms: ended - started, stdout };
}

/** This machine's, in English, and without a proxy, which has no business here. */
function ownEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || /_proxy$|^NODE_OPTIONS$|^NODE_COMPILE_CACHE$/i.test(name)
      ? []
      : [[name, value]],
  );
  return { ...Object.fromEntries(own), CDRSYNC_LANG: 'en' };
}
