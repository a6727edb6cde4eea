const OFFSET = 8 * 3_600_000;

/** Milliseconds since 1970 as Beijing's wall clock shows it: `2026-10-01 00:00:00`. */
export function wall(at: number): string {
  return new Date(at + OFFSET).toISOString().slice(0, 19).replace('T', ' ');
}

export function dayOf(at: number): string {
  return new Date(at + OFFSET).toISOString().slice(0, 10);
}

export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
