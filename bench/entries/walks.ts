import { figure, spreadText } from '../result.ts';
import type { World } from '../server/world.ts';
import { spreadOf } from '../stats.ts';
import type { Walked } from '../support/sides.ts';

/** What two entries tell of a floor and cdrsync that walked the same list. */
export function comparison(
  { calls }: World,
  pairs: readonly (readonly [floor: Walked, cdrsync: Walked])[],
): { readonly values: readonly number[]; readonly details: readonly string[] } {
  const byCpu = spreadOf(pairs.map(([floor, cdrsync]) => floor.cpu / cdrsync.cpu));
  return {
    values: pairs.map(([floor, cdrsync]) => floor.ms / cdrsync.ms),
    details: [
      walkText(
        'floor',
        calls,
        pairs.map(([floor]) => floor),
      ),
      walkText(
        'cdrsync',
        calls,
        pairs.map(([, cdrsync]) => cdrsync),
      ),
      `by CPU time ${spreadText(byCpu)} × the floor, which a busy machine disturbs less`,
    ],
  };
}

/** Rows a second, and what of the time was the server's. */
export function walkText(name: string, calls: number, walks: readonly Walked[]): string {
  const rates = spreadOf(walks.map(({ ms }) => (calls / ms) * 1000));
  const seconds = spreadOf(walks.map(({ ms }) => ms / 1000));
  const cpu = spreadOf(walks.map((walk) => walk.cpu / 1000));
  const pages = spreadOf(walks.map(({ served }) => served.pages));
  const server = spreadOf(walks.map(({ ms, served }) => (served.cpu / ms) * 100));
  const text = `${name} ${spreadText(rates)} rows/s in ${figure(seconds.median)} s, CPU ${figure(cpu.median)} s`;
  return `${text}, ${spreadText(pages)} pages; the server's CPU ${figure(server.median)} % of that time`;
}
