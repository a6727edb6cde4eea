import { MINUTE } from '../../src/time.ts';

/** The value below which this share of the values lies; 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export interface Point {
  readonly at: number;
  readonly value: number;
}

/** Least squares, in units of value per millisecond of time. */
export function slopeOf(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / Math.max(1, points.length);
  const at = mean((point) => point.at);
  const value = mean((point) => point.value);
  const spread = points.reduce((sum, point) => sum + (point.at - at) ** 2, 0);
  const together = points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0);
  return spread === 0 ? 0 : together / spread;
}

/** How a process's memory went, its first minute left out. */
export interface Growth {
  /** Largest of its second minute, of its last, and their ratio; null for one that lived below three minutes. */
  readonly judged: { readonly early: number; readonly late: number; readonly ratio: number } | null;
  /** Bytes an hour. */
  readonly slope: number;
}

export function growthOf(points: readonly Point[]): Growth {
  const first = points[0]?.at ?? 0;
  const last = points.at(-1)?.at ?? 0;
  const most = (from: number, to: number): number =>
    Math.max(0, ...points.filter(({ at }) => at >= from && at <= to).map(({ value }) => value));
  const warm = points.filter(({ at }) => at >= first + MINUTE);
  const slope = slopeOf(warm) * 60 * MINUTE;
  // A little less than three minutes, since samples do not come by the millisecond.
  if (last - first < 2.9 * MINUTE) return { judged: null, slope };
  const early = most(first + MINUTE, first + 2 * MINUTE);
  const late = most(last - MINUTE, last);
  return { judged: { early, late, ratio: late / early }, slope };
}
