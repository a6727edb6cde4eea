import { readFile, writeFile } from 'node:fs/promises';
import { type Lab, openLab } from '../support/lab.ts';
import { storeWorld } from '../support/stores.ts';
import { type Figure, loadText, Measured, machineText, markdown, valueText } from './figures.ts';
import { type Options, readWish, USAGE, type Wish } from './options.ts';
import type { FullStore } from './phase.ts';
import { postgresSide } from './postgres-side.ts';
import { ROOM, type Side } from './side.ts';
import { sqliteSide } from './sqlite-side.ts';

/** Measures how cost grows with calls, accounts and history, on either store. */
async function main(): Promise<number> {
  let wish: Wish;
  try {
    wish = readWish(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'unusable'}\n${USAGE}`);
    return 2;
  }
  if (wish.kind === 'tables') {
    const texts = await Promise.all(wish.files.map((file) => readFile(file, 'utf8')));
    process.stdout.write(markdown(texts.map((text) => Measured.parse(JSON.parse(text)))));
    return 0;
  }
  const stop = new AbortController();
  let code: number | null = null;
  for (const [name, number] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.on(name, () => {
      code = number;
      stop.abort();
    });
  }
  try {
    await scale(wish.options, stop.signal);
    return 0;
  } catch (error) {
    // What a signal interrupts has not failed.
    if (code === null) throw error;
    return code;
  }
}

async function scale(options: Options, signal: AbortSignal): Promise<void> {
  const { store, calls, news, rounds, phases, json, folder, keep, server } = options;
  const say = (line: string): void => {
    process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${line}\n`);
  };
  const before = loadText();
  const figures: Figure[] = [];
  let result: Measured | null = null;
  const lab = await openLab({ rounds, scale: 1, profile: null, folder, signal, say });
  try {
    const side =
      store === 'sqlite'
        ? sqliteSide(lab, { folder, keep })
        : postgresSide(lab, { url: server, keep });
    await checkRoom(side, options);
    let made: Promise<FullStore> | null = null;
    const full = (): Promise<FullStore> => {
      made ??= makeFull(lab, side, options);
      return made;
    };
    for (const phase of phases) {
      signal.throwIfAborted();
      say(`${phase.name}: ${phase.says}`);
      const measured = await phase.measure({ lab, side, calls, news, full });
      for (const figure of measured) process.stderr.write(lineOf(figure));
      figures.push(...measured);
      result = {
        ...{ at: new Date().toISOString(), store, calls, rounds, machine: machineText() },
        ...{ load: `${before} before, ${loadText()} after`, figures },
      };
      // After each phase: a later one may fail, and the earlier took hours.
      if (json !== null) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
    }
  } finally {
    await lab.close();
  }
  if (result === null) throw new Error('there is nothing to measure');
  process.stdout.write(markdown([result]));
  process.stdout.write(`\n${result.machine}; ${rounds} rounds; load ${result.load}\n`);
}

/** The partitions are a second table. */
async function checkRoom(side: Side, { calls, phases }: Options): Promise<void> {
  const tables = phases.some(({ name }) => name === 'partition') ? 2 : 1;
  const needed = ROOM[side.kind] * calls * tables;
  const free = await side.free();
  if (free === null || free > needed * 1.1) return;
  const [have, want] = [free, needed].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new Error(`${have} GB are free, and some ${want} GB are needed`);
}

async function makeFull(lab: Lab, side: Side, { calls, rounds }: Options): Promise<FullStore> {
  const world = storeWorld(calls, rounds);
  lab.say(`filling a store with ${world.calls.toLocaleString('en-US')} calls`);
  const started = performance.now();
  const store = await side.make();
  await store.fill(world);
  const stored = await store.countCalls();
  if (stored !== world.calls) throw new Error(`${stored} of ${world.calls} calls are stored`);
  lab.say(`filled in ${Math.round((performance.now() - started) / 1000)} s`);
  return { store, world };
}

function lineOf({ what, unit, value, details }: Figure): string {
  return `  ${what}: ${valueText(value)} ${unit}\n${details.map((line) => `      ${line}\n`).join('')}`;
}

process.exit(await main());
