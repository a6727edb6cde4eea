import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Cleanup } from './cleanup.ts';
import { type Ask, Counts, type Entry, Frozen, Row, Tell } from './messages.ts';

/** The simulated providers, in their own process. */
export interface Providers {
  readonly pid: number;
  readonly accounts: readonly Entry[];
  counts(): Promise<Counts>;
  /** Stops their clock, and says at which instant. */
  freeze(): Promise<number>;
  /** The truth: every row they list now. */
  rows(): Promise<readonly Row[]>;
}

const CHILD = fileURLToPath(new URL('./providers-process.ts', import.meta.url));

/** @param faultRate share of the answers that fail. */
export async function startProviders(
  worlds: number,
  faultRate: number,
  cleanup: Cleanup,
): Promise<Providers> {
  const child = fork(CHILD, [String(worlds), String(faultRate)]);
  cleanup.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  const waiting = new Map<number, (answer: unknown) => void>();
  const ready = new Promise<readonly Entry[]>((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the providers ended with ${code}`)));
    child.on('message', (message) => {
      const told = Tell.parse(message);
      if (told.kind === 'ready') resolve(told.accounts);
      else waiting.get(told.id)?.(told.answer);
    });
  });
  let asked = 0;
  const ask = async (kind: Ask['kind']): Promise<unknown> => {
    asked += 1;
    const id = asked;
    const answer = new Promise((resolve) => waiting.set(id, resolve));
    child.send({ id, kind });
    return answer.finally(() => waiting.delete(id));
  };
  const accounts = await ready;
  return {
    pid: child.pid ?? 0,
    accounts,
    counts: async () => Counts.parse(await ask('counts')),
    freeze: async () => Frozen.parse(await ask('freeze')).at,
    rows: async () => z.array(Row).parse(await ask('rows')),
  };
}
