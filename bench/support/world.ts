import { addDays, zoneClock } from '../../src/time.ts';
import type { World } from '../server/world.ts';

/** The zone that both providers' clocks show. */
export const shanghai = zoneClock('Asia/Shanghai');

export interface WorldSize {
  readonly provider: World['provider'];
  readonly days: number;
  /** At full scale; each day has the same number. */
  readonly calls: number;
  readonly scale: number;
}

/** Whole days that end with yesterday. */
export function makeWorld({ provider, days, calls, scale }: WorldSize): World {
  const perDay = Math.max(1, Math.round((calls * scale) / days));
  const from = shanghai.startOfDay(daysAgo(days));
  return { provider, from, days, calls: perDay * days, first: 0 };
}

/** The calendar day (Asia/Shanghai) so many days before today. */
export function daysAgo(days: number): string {
  return addDays(shanghai.dayOf(Date.now()), -days);
}

export const PAGE: Readonly<Record<World['provider'], number>> = {
  infin8linx: 1000,
  itniotech: 100,
};

/** The fewest pages that list a world day by day. */
export function leastPages({ provider, days, calls }: World): number {
  return days * Math.ceil(calls / days / PAGE[provider]);
}

export function sizeText({ provider, days, calls }: World): string {
  return `${provider}, ${calls.toLocaleString('en-US')} calls over ${days} days, ${PAGE[provider]} a page`;
}
