import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Cleanup } from './cleanup.ts';

/** The real binary, from source. */
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CliProcess {
  readonly pid: number;
  readonly startedAt: number;
  readonly log: string;
  readonly ended: Promise<Ended>;
  alive(): boolean;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** Starts a command of the binary; what it logs goes to a file. */
export async function startCli(
  args: readonly string[],
  log: string,
  cleanup: Cleanup,
): Promise<CliProcess> {
  const file = openSync(log, 'a');
  const child = spawn(process.execPath, [CLI, ...args], {
    env: environment(),
    stdio: ['ignore', 'ignore', file],
  });
  closeSync(file);
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  const ended = once(child, 'exit').then(
    (): Ended => ({ code: child.exitCode, signal: child.signalCode }),
  );
  const kill = async (signal: NodeJS.Signals): Promise<Ended> => {
    if (alive()) child.kill(signal);
    return ended;
  };
  cleanup.defer(() => kill('SIGKILL'));
  await once(child, 'spawn');
  return { pid: child.pid ?? 0, startedAt: Date.now(), log, ended, alive, kill };
}

/** Without a proxy, which has no business between processes of one machine. */
function environment(): Record<string, string> {
  const own = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || /_proxy$/i.test(name) ? [] : [[name, value]],
  );
  // The simulated providers listen on IPv4; a second name of theirs may mean IPv6 first.
  const options = [process.env['NODE_OPTIONS'] ?? '', '--dns-result-order=ipv4first'].join(' ');
  return { ...Object.fromEntries(own), NODE_OPTIONS: options.trim() };
}

/** The end of a log, for whoever has to find out why its process ended. */
export function lastWords(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
}

const Line = z.looseObject({ level: z.int(), msg: z.string() });

/** The warnings and errors in logs, and how often each came. */
export function troubleIn(logs: Iterable<string>): Readonly<Record<string, number>> {
  const found = new Map<string, number>();
  for (const log of logs) {
    for (const text of readFileSync(log, 'utf8').split('\n')) {
      const line = lineIn(text);
      if (line === null || line.level < 40) continue;
      const { code } = line;
      // Names and numbers differ from line to line.
      const words = line.msg.replaceAll(/\S*[\d/]\S*/g, '…');
      const name = typeof code === 'string' ? `${code}: ${words}` : words;
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  return Object.fromEntries(found);
}

function lineIn(text: string): z.infer<typeof Line> | null {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    // The last line of a process that was killed, and what Node itself says.
    return text.trim() === '' ? null : { level: 50, msg: text };
  }
}
