import { type Spread, spreadOf } from './stats.ts';

/** One figure that was measured, and what it is held against. */
export interface Result {
  readonly entry: string;
  /** What was done, with its size. */
  readonly work: string;
  /** What the figure is, such as `× floor`. */
  readonly unit: string;
  /** Of the rounds: one value each. */
  readonly value: Spread;
  /** Null where the figure is there to explain another one. */
  readonly target: Target | null;
  readonly met: boolean | null;
  /** What the figure was made of, for people. */
  readonly details: readonly string[];
}

export type Target =
  | { readonly kind: 'at least'; readonly bound: number }
  | { readonly kind: 'at most'; readonly bound: number };

export interface Measured {
  readonly entry: string;
  readonly work: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly target: Target | null;
  readonly details?: readonly string[];
}

/** The median decides. */
export function resultOf({ values, details = [], ...measured }: Measured): Result {
  const value = spreadOf(values);
  const { target } = measured;
  return { ...measured, value, met: target === null ? null : meets(value.median, target), details };
}

function meets(value: number, { kind, bound }: Target): boolean {
  return kind === 'at least' ? value >= bound : value <= bound;
}

/** A figure with about three digits. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `1.23 (1.20 to 1.31)`. */
export function spreadText({ median, least, most }: Spread): string {
  const ends = least === most ? '' : ` (${figure(least)} to ${figure(most)})`;
  return `${figure(median)}${ends}`;
}
