import type { IdleResult } from './idle.ts';
import type { SoakResult, WorkerFigures } from './judge.ts';

/** The results for people. */

export function soakText(result: SoakResult): string {
  const { queue, accounts, every, minutes, firstSync, bytes, gaps, verdicts } = result;
  const states = Object.entries(result.runsByState).map(([name, count]) => `${count} ${name}`);
  const trouble = Object.entries(result.trouble).map(([what, count]) => `  ${count} × ${what}`);
  const queueSize = bytes.queue === 0 ? '' : `, queue ${mega(bytes.queue)} MB`;
  return [
    '',
    `Soak over ${queue}: ${accounts} accounts every ${every}, ${minutes} minutes`,
    `  first sync ${(firstSync.ms / 1000).toFixed(1)} s, ${firstSync.calls} calls; then ${result.polls} polls, ${result.newCalls} new calls`,
    `  ${result.requests.requests} requests in all; runs: ${states.join(', ')}`,
    ...result.workers.map(workerText),
    `  store ${mega(bytes.before)} → ${mega(bytes.after)} MB${queueSize}; the machine's CPUs ${percent(result.machineBusy)} busy`,
    ...gaps.around.map(({ what, longest }) => `  ${what}: no poll for ${longest} ms at most`),
    ...(trouble.length === 0
      ? []
      : ['  logged above info:', ...trouble.map((line) => `  ${line}`)]),
    ...verdicts.map(({ name, ok, why }) => `  ${ok ? 'ok  ' : 'FAIL'} ${name}: ${why}`),
    ...[...result.overlaps.examples, ...result.requests.examples, ...gaps.examples].map(
      (example) => `       ${example}`,
    ),
    ...result.truth.wrong.slice(0, 5).map((account) => `       ${account} differs`),
    '',
  ].join('\n');
}

function workerText({ name, seconds, rss, growth, cpu }: WorkerFigures): string {
  const slope = (growth.slope / 2 ** 20).toFixed(0);
  const trend = growth.judged === null ? '' : `, slope ${slope} MB/h`;
  return `  ${name}: ${Math.round(seconds)} s, ${mega(rss.least)} / ${mega(rss.median)} / ${mega(rss.most)} MB resident (least, median, most)${trend}, ${percent(cpu)} of a core`;
}

export function idleText({ queue, accounts, every, seconds, rss, cpu, polls }: IdleResult): string {
  return `Idle over ${queue}: ${accounts} accounts every ${every}, ${seconds} s: ${mega(rss)} MB resident, ${percent(cpu)} of a core, ${polls} polls came due\n`;
}

function mega(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
