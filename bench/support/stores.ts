import { statSync } from 'node:fs';
import type { World } from '../server/world.ts';
import { fillStore } from './big-store.ts';
import type { Lab } from './lab.ts';
import { makePlace, type Place } from './place.ts';
import { daysAgo, shanghai } from './world.ts';

export const FEW = 100_000;
export const MANY = 10_000_000;
const DAYS = 200;

/** A store that is full, and the calls in it. */
export interface FullStore {
  readonly place: Place;
  readonly world: World;
  readonly bytes: number;
}

/** By lab, so that entries that need the same store share it; minutes go into the largest. */
const made = new WeakMap<Lab, Map<number, Promise<FullStore>>>();

/** A store of so many calls, over the 200 days that end before the last few. */
export function fullStore(lab: Lab, calls: number): Promise<FullStore> {
  const stores = made.get(lab) ?? new Map<number, Promise<FullStore>>();
  made.set(lab, stores);
  const known = stores.get(calls) ?? makeStore(lab, calls);
  stores.set(calls, known);
  return known;
}

async function makeStore(lab: Lab, wanted: number): Promise<FullStore> {
  const world = storeWorld(wanted * lab.scale, lab.rounds);
  const place = makePlace(await lab.folder(), []);
  lab.say(`filling a store with ${world.calls.toLocaleString('en-US')} calls`);
  const started = performance.now();
  await fillStore(place.store, world, { history: false, signal: lab.signal });
  const { size: bytes } = statSync(place.store);
  const seconds = Math.round((performance.now() - started) / 1000);
  lab.say(`filled in ${seconds} s: ${(bytes / 1e9).toFixed(2)} GB`);
  return { place, world, bytes };
}

/** Before the days that the rounds add. */
export function storeWorld(calls: number, rounds: number): World {
  const from = shanghai.startOfDay(daysAgo(DAYS + rounds));
  const perDay = Math.max(1, Math.round(calls / DAYS));
  return { provider: 'infin8linx', from, days: DAYS, calls: perDay * DAYS, first: 0 };
}
