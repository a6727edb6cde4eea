import { type Command, CommanderError } from 'commander';
import { exitCodeOf, type GlobalOptions } from './commands/session.ts';
import { CdrError, describeError, reportError } from './errors.ts';
import type { LogLevel } from './log.ts';
import { buildProgram } from './program/program.ts';

/**
 * Runs the command line and returns the exit code. Each command loads its own
 * code, so that the short ones start quickly.
 *
 * @param exit ends the process at once: for the second signal.
 */
export async function main(argv: readonly string[], exit: (code: number) => void): Promise<number> {
  const stop = stopOnSignals(exit);
  outliveReaders(exit);
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
    if (stop.code() === null) code = await fail(error, json);
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
async function fail(thrown: unknown, json: boolean): Promise<number> {
  // Commander has printed its own message; help and version are no failures.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const { toStoreError } = await import('./store/trouble.ts');
  const error = asCdrError(toStoreError(thrown));
  if (json) {
    process.stdout.write(`${JSON.stringify({ accounts: [], error: reportError(error) })}\n`);
  }
  process.stderr.write(`cdrsync: ${describeError(error)}\n  → ${error.fault.hint}\n`);
  return exitCodeOf(error);
}

/** What should not happen, without its stack and its words, which may quote anything. */
function asCdrError(error: unknown): CdrError {
  if (error instanceof CdrError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new CdrError({
    class: 'contract',
    code: 'internal',
    message: `an error that should not happen (${name})`,
    hint: 'Please report it with the command line and the version; the store stands at the last whole page.',
  });
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

/**
 * A reader that closes early, or a log collector that restarts, ends no work:
 * what the command does goes on, and its exit code says how that went.
 */
function outliveReaders(exit: (code: number) => void): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') return;
    process.stderr.write('cdrsync: the output cannot be written\n');
    exit(1);
  });
}

function flush(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}
