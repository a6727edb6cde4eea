import { SECOND } from '../../src/time.ts';
import type { BackendKind } from './backends.ts';
import type { Leave, Life } from './crew.ts';
import type { Counts } from './messages.ts';
import { type Growth, growthOf, quantile } from './numbers.ts';
import type { Options } from './options.ts';
import { type Disturbance, type Gaps, gapsIn, type Overlaps, overlapsIn } from './polls.ts';
import type { Stage } from './stage.ts';
import { type Comparison, compare } from './truth.ts';
import { lastWords, troubleIn } from './worker-process.ts';

/** What a soak has left behind, to be judged. */
export interface Observed {
  readonly kind: BackendKind;
  readonly options: Options;
  readonly stage: Stage;
  readonly lives: readonly Life[];
  readonly leaves: readonly Leave[];
  readonly disturbances: readonly Disturbance[];
  readonly span: { readonly from: number; readonly to: number };
  readonly firstSync: { readonly ms: number; readonly calls: number };
  readonly bytes: { readonly before: number; readonly after: number; readonly queue: number };
  /** Share of all cores, by everything on the machine. */
  readonly machineBusy: number;
}

export interface Verdict {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}

export interface WorkerFigures {
  readonly name: string;
  readonly seconds: number;
  readonly rss: { readonly least: number; readonly median: number; readonly most: number };
  readonly growth: Growth;
  /** Share of one core. */
  readonly cpu: number;
}

export interface SoakResult {
  readonly queue: BackendKind;
  readonly accounts: number;
  readonly every: string;
  readonly minutes: number;
  readonly firstSync: Observed['firstSync'];
  readonly polls: number;
  /** Calls that came in after the first sync. */
  readonly newCalls: number;
  readonly runsByState: Readonly<Record<string, number>>;
  readonly requests: Counts;
  readonly workers: readonly WorkerFigures[];
  readonly bytes: Observed['bytes'];
  readonly machineBusy: number;
  readonly overlaps: Overlaps;
  readonly gaps: Gaps;
  readonly truth: Comparison;
  readonly leaves: readonly Leave[];
  readonly trouble: Readonly<Record<string, number>>;
  readonly verdicts: readonly Verdict[];
  readonly ok: boolean;
}

export async function judge(observed: Observed): Promise<SoakResult> {
  const { kind, options, stage, lives, leaves, disturbances, span, bytes } = observed;
  const runs = await stage.store.runs(0);
  const requests = await stage.providers.counts();
  const truth = await compareAtLast(observed);
  const overlaps = overlapsIn(runs, disturbances);
  const gaps = gapsIn(runs, span, options.everyMs, disturbances);
  const workers = lives.map(figuresOf);
  const newCalls = truth.stored - observed.firstSync.calls;
  const verdicts = [
    oneWalker(overlaps, requests, runs.length),
    punctual(gaps),
    complete(truth, newCalls),
    flat(workers),
    cleanStop(leaves),
  ];
  return {
    queue: kind,
    accounts: options.accounts,
    every: options.every,
    minutes: options.minutes,
    firstSync: observed.firstSync,
    polls: runs.filter(({ trigger, started }) => trigger === 'poll' && started >= span.from).length,
    newCalls,
    runsByState: countBy(runs.map(({ trigger, state }) => `${trigger} ${state ?? 'killed'}`)),
    requests,
    workers,
    bytes,
    machineBusy: observed.machineBusy,
    overlaps,
    gaps,
    truth,
    leaves,
    trouble: troubleIn(lives.map(({ process }) => process.log)),
    verdicts,
    ok: verdicts.every(({ ok }) => ok),
  };
}

/**
 * The workers are gone and the providers stand still; one sync then reads
 * everything that has settled. What is newer than the watermark is nobody's yet.
 */
async function compareAtLast({ stage }: Observed): Promise<Comparison> {
  await stage.providers.freeze();
  const sync = await stage.sync();
  const { code } = await sync.ended;
  if (code !== 0) throw new Error(`the last sync ended with ${code}:\n${lastWords(sync.log)}`);
  const rows = await stage.providers.rows();
  const accounts = stage.providers.accounts.map(({ id }) => id);
  const watermarks = await stage.store.watermarks();
  return compare(rows, await stage.store.raws(), watermarks, accounts);
}

function figuresOf({ name, samples }: Life): WorkerFigures {
  const rss = samples.map((sample) => sample.rss);
  const [first, last] = [samples[0], samples.at(-1)];
  const ms = first === undefined || last === undefined ? 0 : last.at - first.at;
  const cpu = first === undefined || last === undefined || ms === 0 ? 0 : last.cpu - first.cpu;
  return {
    name,
    seconds: ms / SECOND,
    rss: { least: quantile(rss, 0), median: quantile(rss, 0.5), most: quantile(rss, 1) },
    growth: growthOf(samples.map(({ at, rss: value }) => ({ at, value }))),
    cpu: ms === 0 ? 0 : cpu / ms,
  };
}

function oneWalker(overlaps: Overlaps, { requests, clashes }: Counts, runs: number): Verdict {
  const ok = overlaps.count === 0 && overlaps.unended === 0 && clashes === 0;
  const open = overlaps.unended === 0 ? '' : `, ${overlaps.unended} without an end`;
  const why = `${overlaps.count} overlaps in ${runs} runs${open}; ${clashes} of ${requests} requests beside one of another process`;
  return { name: 'one walker an account', ok, why };
}

function punctual(gaps: Gaps): Verdict {
  const why = `${gaps.late} of ${gaps.count} intervals too long: at most ${gaps.longestQuiet} ms (allowed ${gaps.allowedQuiet}), around disturbances ${gaps.longest} ms (allowed ${gaps.allowed}); median ${gaps.median} ms, p99 ${gaps.p99} ms`;
  return { name: 'no interval missed', ok: gaps.count > 0 && gaps.late === 0, why };
}

function complete(truth: Comparison, newCalls: number): Verdict {
  const why = `${truth.lacking} lacking, ${truth.surplus} too many of ${truth.listed} calls listed, ${newCalls} of them new`;
  // A soak in which nothing came in would prove nothing.
  return { name: 'store equal to the truth', ok: truth.wrong.length === 0 && newCalls > 0, why };
}

/**
 * By what the last minute takes at most against the second one, and not by the
 * slope: over minutes, one collection of garbage more or less in the last
 * samples turns a slope into hundreds of megabytes an hour, or into none.
 */
const GROWTH_ALLOWED = 1.15;

function flat(workers: readonly WorkerFigures[]): Verdict {
  const judged = workers.flatMap(({ name, growth }) =>
    growth.judged === null ? [] : [{ name, ...growth.judged }],
  );
  const parts = judged.map(({ name, ratio }) => `${name} ${((ratio - 1) * 100).toFixed(1)} %`);
  const why =
    parts.length === 0
      ? 'not judged: no process lived for three minutes'
      : `last minute against the second: ${parts.join(', ')} (allowed 15 %)`;
  return { name: 'flat memory', ok: judged.every(({ ratio }) => ratio <= GROWTH_ALLOWED), why };
}

const LEAVE_WITHIN = 5 * SECOND;

function cleanStop(leaves: readonly Leave[]): Verdict {
  const ok = leaves.length > 0 && leaves.every(({ code, ms }) => code === 143 && ms < LEAVE_WITHIN);
  const why = leaves
    .map(({ name, code, signal, ms }) => `${name} ${code ?? signal} after ${ms} ms`)
    .join(', ');
  return { name: 'clean stop', ok, why };
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(names, (name) => name);
  return Object.fromEntries([...groups].map(([name, all]) => [name, all.length]));
}
