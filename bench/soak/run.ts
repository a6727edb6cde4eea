import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '../../src/time.ts';
import type { BackendKind } from './backends.ts';
import type { Cleanup } from './cleanup.ts';
import { type Crew, makeCrew } from './crew.ts';
import { judge, type SoakResult } from './judge.ts';
import { lengthOf, type Options } from './options.ts';
import type { Disturbance } from './polls.ts';
import { machineTimes } from './proc.ts';
import { openStage, type Stage } from './stage.ts';

const SAMPLE_EVERY = 5 * SECOND;
const SAY_EVERY = 15 * SECOND;
const SERVER_AWAY = 3 * SECOND;
const WORKER_AWAY = 20 * SECOND;
/** A first sync that takes longer than this has failed. */
const LONGEST_FIRST_SYNC = 5 * MINUTE;

export interface Surroundings {
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** One soak over one backend. */
export async function soak(
  kind: BackendKind,
  options: Options,
  { cleanup, signal, say }: Surroundings,
): Promise<SoakResult> {
  const stage = await openStage(kind, options, cleanup);
  const crew = makeCrew(stage);
  const started = Date.now();
  // Two processes cannot share the embedded queue.
  for (let count = kind === 'embedded' ? 1 : 2; count > 0; count -= 1) await crew.hire();
  await firstSync(stage, crew, options.accounts, signal);

  const from = Date.now();
  const times = machineTimes();
  const store = { bytes: stage.storeBytes(), calls: await stage.store.calls() };
  say(
    `${kind}: ${options.accounts} accounts synced in ${((from - started) / SECOND).toFixed(1)} s`,
  );
  const disturbances: Disturbance[] = [];
  const to = from + lengthOf(options);
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const watching = watch(stage, crew, from, until, (line) => say(`${kind}: ${line}`));
  try {
    const acting = disturb(stage, crew, from, lengthOf(options), disturbances, until);
    // A worker that ends by itself, or a server that does not come back, ends the soak at once.
    await Promise.race([
      sleepUntil(to, until),
      watching.then(() => never()),
      acting.then(() => never()),
    ]);
    await acting;
  } finally {
    over.abort();
    await watching.catch(() => undefined);
  }
  signal.throwIfAborted();
  const after = machineTimes();
  const queueBytes = stage.queueBytes();
  const bytes = stage.storeBytes();
  const leaves = await crew.dismiss();
  return judge({
    kind,
    options,
    stage,
    lives: crew.lives,
    leaves,
    disturbances,
    span: { from, to: Math.min(to, Date.now()) },
    firstSync: { ms: from - started, calls: store.calls },
    bytes: { before: store.bytes, after: bytes, queue: queueBytes },
    machineBusy: (after.busy - times.busy) / (after.all - times.all),
  });
}

async function firstSync(
  stage: Stage,
  crew: Crew,
  accounts: number,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = Date.now() + LONGEST_FIRST_SYNC;
  while ((await stage.store.synced()) < accounts) {
    crew.check();
    if (Date.now() > giveUp) throw new Error('the first sync takes too long');
    await sleep(SECOND / 4, undefined, { signal });
  }
}

/** What is done to the workers, to their queue and to their store; leaves before the end of the soak. */
async function disturb(
  { backend, database }: Stage,
  crew: Crew,
  from: number,
  length: number,
  disturbances: Disturbance[],
  signal: AbortSignal,
): Promise<void> {
  if (database !== null) {
    await sleepUntil(from + length / 6, signal);
    disturbances.push({ what: 'store killed, away 3 s', at: Date.now(), kill: false });
    await database.kill();
    await sleep(SERVER_AWAY, undefined, { signal });
    await database.start();
  }
  await sleepUntil(from + length / 3, signal);
  if (backend.kind === 'embedded') {
    // Queue and worker are one process: what ends one ends the other.
    disturbances.push({ what: 'worker killed, started at once', at: Date.now(), kill: true });
    await crew.kill();
    await crew.hire();
    return;
  }
  disturbances.push({ what: `${backend.kind} killed, away 3 s`, at: Date.now(), kill: false });
  await backend.kill();
  await sleep(SERVER_AWAY, undefined, { signal });
  await backend.start();
  await sleepUntil(from + (2 * length) / 3, signal);
  // In a short soak it comes back in time to be seen at work.
  const away = Math.min(WORKER_AWAY, length / 6);
  const what = `one worker killed, away ${Math.round(away / SECOND)} s`;
  disturbances.push({ what, at: Date.now(), kill: true });
  await crew.kill();
  await sleep(away, undefined, { signal });
  await crew.hire();
}

/** Samples until it is aborted, and says from time to time how it goes. */
async function watch(
  stage: Stage,
  crew: Crew,
  from: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let said = from;
  for (;;) {
    const now = Date.now();
    crew.sample(now);
    crew.check();
    if (now - said >= SAY_EVERY) {
      said += SAY_EVERY;
      const polls = await stage.store.polls();
      const calls = await stage.store.calls();
      const memory = crew.lives
        .filter(({ process }) => process.alive())
        .map(({ samples }) => `${Math.round((samples.at(-1)?.rss ?? 0) / 2 ** 20)}`);
      const at = Math.round((now - from) / SECOND);
      say(`${at} s: ${polls} polls, ${calls} calls, ${memory.join(' + ')} MB`);
    }
    await sleepUntil(now + SAMPLE_EVERY, signal);
  }
}

async function sleepUntil(at: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, at - Date.now()), undefined, { signal });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
