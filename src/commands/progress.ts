import type { Progress } from '../sync/context.ts';
import { formatDuration, SECOND } from '../time.ts';
import { count } from './table.ts';

/** Shows how far long work is: a bar on a terminal, elsewhere a line every 30 seconds. */
export interface ProgressDisplay {
  readonly update: (progress: Progress) => void;
  readonly stop: () => void;
}

const PLAIN_INTERVAL = 30 * SECOND;
const BAR_INTERVAL = SECOND / 5;
const BAR_WIDTH = 24;

export function showProgress(title: string, options: { readonly quiet: boolean }): ProgressDisplay {
  const latest = new Map<string, Progress>();
  const started = performance.now();
  const stop = showLine(options, () =>
    latest.size === 0
      ? null
      : progressLine(title, [...latest.values()], performance.now() - started),
  );
  return {
    update: (progress) => {
      latest.set(progress.account, progress);
    },
    stop,
  };
}

/**
 * Shows a line that is asked for whenever it is to be seen; null for none yet.
 *
 * @returns what ends it.
 */
export function showLine(
  { quiet }: { readonly quiet: boolean },
  lineNow: () => string | null,
): () => void {
  if (quiet) return () => undefined;
  const terminal = process.stderr.isTTY === true;
  const draw = (): void => {
    const line = lineNow();
    if (line === null) return;
    const columns = process.stderr.columns ?? 80;
    process.stderr.write(terminal ? `\r\u001b[K${line.slice(0, columns - 1)}` : `${line}\n`);
  };
  const timer = setInterval(draw, terminal ? BAR_INTERVAL : PLAIN_INTERVAL);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (terminal) process.stderr.write('\r\u001b[K');
  };
}

/** A bar of which a share is full. */
export function barOf(share: number): string {
  const filled = Math.round(share * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
}

/** One line over all accounts; the time left is reckoned by windows. */
export function progressLine(title: string, all: readonly Progress[], elapsedMs: number): string {
  const done = sum(all, ({ counts }) => counts.windows);
  const pending = sum(all, (progress) => progress.pending);
  const rows = sum(all, ({ counts }) => counts.fetched);
  const share = done + pending === 0 ? 1 : done / (done + pending);
  const bar = barOf(share);
  const rate = Math.round(rows / Math.max(elapsedMs / SECOND, 0.001));
  const left = done === 0 ? '' : `, ${formatDuration((elapsedMs / done) * pending)} left`;
  const windows = `${count(done)}/${count(done + pending)} windows`;
  return `${title} ${bar} ${windows}, ${count(rows)} rows, ${count(rate)}/s${left}`;
}

function sum(all: readonly Progress[], of: (progress: Progress) => number): number {
  return all.reduce((total, progress) => total + of(progress), 0);
}
