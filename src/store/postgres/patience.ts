import { setTimeout as sleep } from 'node:timers/promises';
import { isLost } from './trouble.ts';

/** Attempts what only a lost connection can fail until there is one again, as long as there is patience for it. */
export type Patiently = <Result>(attempt: () => Promise<Result>) => Promise<Result>;

/** How long to wait before asking again. */
export const MOMENT_MS = 100;

/** @param patience in milliseconds. */
export function patiently(patience: number): Patiently {
  return async (attempt) => {
    const deadline = performance.now() + patience;
    for (let wait = MOMENT_MS; ; wait = Math.min(2 * wait, 1000)) {
      try {
        return await attempt();
      } catch (error) {
        if (!isLost(error) || performance.now() + wait > deadline) throw error;
        await sleep(wait * (0.5 + Math.random() / 2));
      }
    }
  };
}
