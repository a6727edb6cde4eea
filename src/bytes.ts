/**
 * Amounts of bytes as text. Units are powers of 1024, as `df -h`, `du -h` and
 * PostgreSQL's settings reckon.
 */

const UNITS: readonly string[] = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Bytes of `0B`, `512KB`, `256MB`, `1GB`, `2TB`; null for anything else. */
export function parseBytes(text: string): number | null {
  const [, digits, unit = ''] = /^(\d{1,9})(B|KB|MB|GB|TB)$/.exec(text) ?? [];
  const power = UNITS.indexOf(unit);
  return digits === undefined || power < 0 ? null : Number(digits) * 1024 ** power;
}

/** `900 B`, `1.2 GB`, `79 GB`: two digits, or as many as stand before the point; for people. */
export function formatBytes(bytes: number): string {
  const largest = UNITS.length - 1;
  const fitting = bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(1024));
  let power = Math.min(largest, fitting);
  // 1023.7 MB is 1.0 GB when it is rounded.
  if (power < largest && Math.round(bytes / 1024 ** power) >= 1024) power += 1;
  const value = bytes / 1024 ** power;
  const digits = power > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[power] ?? 'B'}`;
}
