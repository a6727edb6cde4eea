import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Where a preloaded module leaves what it saw; null in threads, and where nobody asks. */
export const NOTE = 'CDRSYNC_BENCH_NOTE';

export function noteAtExit(note: () => unknown): void {
  const path = process.env[NOTE];
  if (path === undefined || !isMainThread) return;
  process.on('exit', () => writeFileSync(path, JSON.stringify(note())));
}
