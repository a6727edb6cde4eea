import { type Command, CommanderError } from 'commander';
import { exitCodeOf, type GlobalOptions } from './commands/session.ts';
import { CdrError, describeError, reportError } from './errors.ts';
import type { LogLevel } from './log.ts';
import { buildProgram } from './program.ts';

/**
 * Runs the command line and returns the exit code. Each command loads its own
 * code, so that the short ones start quickly.
 *
 * @param exit ends the process at once: for the second signal.
 */
export async function main(argv: readonly string[], exit: (code: number) => void): Promise<number> {
  const stop = stopOnSignals(exit);
  quietWhenReaderCloses(exit);
  let json = false;
  let code = 0;
  const program = buildProgram((run) => async () => {
    const globals = readGlobals(program);
    json = globals.json;
    code = await run(globals, stop.signal);
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    // What a signal interrupts has not failed.
    if (stop.code() === null) code = fail(error, json);
  } finally {
    stop.release();
  }
  await flush();
  return stop.code() ?? code;
}

function readGlobals(program: Command): GlobalOptions {
  const { config, json, quiet, logLevel, requireStore } = program.opts<{
    config: string;
    json?: boolean;
    quiet?: boolean;
    logLevel?: LogLevel;
    requireStore?: boolean;
  }>();
  return {
    config,
    json: json === true,
    quiet: quiet === true,
    requireStore: requireStore === true || process.env['CDRSYNC_REQUIRE_STORE'] === '1',
    ...(logLevel === undefined ? {} : { logLevel }),
  };
}

/** Says what went wrong and returns the exit code. */
function fail(error: unknown, json: boolean): number {
  // Commander has printed its own message; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof CdrError)) throw error;
  if (json)
    process.stdout.write(`${JSON.stringify({ accounts: [], error: reportError(error) })}\n`);
  process.stderr.write(`cdrsync: ${describeError(error)}\n  → ${error.fault.hint}\n`);
  return exitCodeOf(error);
}

interface Stop {
  readonly signal: AbortSignal;
  /** The exit code of the signal that came; null where none did. */
  readonly code: () => number | null;
  readonly release: () => void;
}

/** The first SIGINT or SIGTERM stops at the next page, the second at once. */
function stopOnSignals(exit: (code: number) => void): Stop {
  const controller = new AbortController();
  let code: number | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    const own = name === 'SIGINT' ? 130 : 143;
    if (code !== null) exit(own);
    code = own;
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    code: () => code,
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** `cdrsync export | head` ends without a word. */
function quietWhenReaderCloses(exit: (code: number) => void): void {
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') exit(0);
    else throw error;
  });
}

function flush(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}
