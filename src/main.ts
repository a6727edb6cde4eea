import { type Command, CommanderError } from 'commander';
import { languageOf } from './codes/language.ts';
import { exitCodeOf, type GlobalOptions } from './commands/session.ts';
import { CdrError, failureOf, failureText, fault, reportError } from './errors.ts';
import type { LogLevel } from './log.ts';
import { buildProgram } from './program/program.ts';
import { mendStdout } from './stdout.ts';

/**
 * Runs the command line and returns the exit code. Each command loads its own
 * code, so that the short ones start quickly.
 *
 * @param exit ends the process at once: for the second signal.
 */
export async function main(argv: readonly string[], exit: (code: number) => void): Promise<number> {
  const stop = stopOnSignals(exit);
  mendStdout();
  outliveReaders(exit);
  let owesDocument = false;
  failUnfinished(() => owesDocument);
  let code = 0;
  const program = buildProgram((run) => async () => {
    const globals = readGlobals(program);
    owesDocument = globals.json;
    code = await run(globals, stop.signal);
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    // What a signal interrupts has not failed.
    if (stop.code() === null) code = await fail(error, owesDocument);
  } finally {
    stop.release();
    owesDocument = false;
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
    language: languageOf(process.env),
    ...(logLevel === undefined ? {} : { logLevel }),
  };
}

/** Says what went wrong and returns the exit code. */
async function fail(thrown: unknown, json: boolean): Promise<number> {
  // Commander has printed its own message; help and version are no failures.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const { toStoreError } = await import('./store/trouble.ts');
  const error = asCdrError(toStoreError(thrown));
  tell(error, json);
  return exitCodeOf(error);
}

function tell(error: CdrError, json: boolean): void {
  const failure = failureOf(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ accounts: [], error: reportError(failure) })}\n`);
  }
  // Beside a document stands the text that it holds.
  const language = json ? 'en' : languageOf(process.env);
  process.stderr.write(`cdrsync: ${failureText(failure, language)}`);
}

/** What should not happen, without its stack and its words, which may quote anything. */
function asCdrError(error: unknown): CdrError {
  if (error instanceof CdrError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new CdrError(fault('internal', `an error that should not happen (${name})`));
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
    const code = 'code' in error ? String(error.code) : error.name;
    if (code === 'EPIPE') return;
    process.stderr.write(`cdrsync: the output cannot be written (${code})\n`);
    exit(1);
  });
}

/** What Node ends a program with that waits for what nothing will bring about any more. */
const UNSETTLED = 13;

/** Such an end is a mistake of ours, and Node's own code for it none that is documented. */
function failUnfinished(owesDocument: () => boolean): void {
  process.on('exit', (code) => {
    if (code !== UNSETTLED) return;
    process.exitCode = 1;
    tell(new CdrError(fault('internal', 'it ended with work left to do')), owesDocument());
  });
}

function flush(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}
