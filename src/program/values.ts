import { InvalidArgumentError } from 'commander';
import type { GlobalOptions } from '../commands/session.ts';
import { type Listen, parseListen } from '../config/listen.ts';
import { DAY, parseDuration } from '../time.ts';

/** What a command does; returns the exit code. */
export type Action = (globals: GlobalOptions, signal: AbortSignal) => Promise<number>;

/** Makes of an action what the command line calls. */
export type Wrap = (run: Action) => () => Promise<void>;

// The values of options, read from the command line, and the examples under each help.

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}

export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function duration(text: string): number {
  const value = parseDuration(text);
  if (value === null)
    throw new InvalidArgumentError('Give a duration such as 500ms, 90s, 5m, 2h or 1d.');
  if (value > 24 * DAY) throw new InvalidArgumentError('Give at most 24d.');
  return value;
}

export function atLeastOne(text: string): number {
  return upTo(64)(text);
}

export function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}

export function changeSeq(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Give the change_seq of a record, or 0 for all.');
}

export function listen(text: string): Listen {
  const value = parseListen(text);
  if (value !== null) return value;
  throw new InvalidArgumentError('Give HOST:PORT such as 127.0.0.1:8787; port 0 takes a free one.');
}

export function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value;
  throw new InvalidArgumentError('Give a port from 0 to 65535.');
}

export function share(text: string): number {
  const value = Number(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to below 1.');
}
