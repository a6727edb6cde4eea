import { MINUTE, zoneClock } from '../time.ts';

/** Where the customers of these providers, and the machines of their installations, are. */
const ZONES = [
  'Asia/Shanghai',
  'UTC',
  'Asia/Tokyo',
  'Asia/Bangkok',
  'Asia/Yangon',
  'Asia/Dhaka',
  'Asia/Kolkata',
  'Asia/Karachi',
  'Asia/Dubai',
  'Europe/Moscow',
  'Africa/Cairo',
  'Europe/Berlin',
  'Europe/London',
  'Australia/Sydney',
  'Pacific/Auckland',
  'America/Sao_Paulo',
  'America/New_York',
  'America/Chicago',
  'America/Denver',
  'America/Los_Angeles',
  'Pacific/Honolulu',
];

/** A call this far ahead of the clock is a matter of the zone: no two zones are closer than 15 minutes. */
export const ZONE_DOUBT = 5 * MINUTE;

export interface Fit {
  readonly zone: string;
  /** How long ago (ms) the call was by that zone. */
  readonly age: number;
}

/**
 * The zones by which a call lies in the past: Asia/Shanghai, where the providers
 * are, if it is one of them, and the one by which the call is the newest.
 *
 * @param wall the call's time as the provider wrote it, `YYYY-MM-DD HH:mm:ss`.
 * @param now milliseconds since 1970, on the later of both clocks.
 */
export function fittingZones(wall: string, now: number): readonly Fit[] {
  const fits = ZONES.flatMap((zone): Fit[] => {
    const time = zoneClock(zone).parse(wall);
    const age = time === null ? Number.NEGATIVE_INFINITY : now - time.at;
    return age < -ZONE_DOUBT ? [] : [{ zone, age: Math.max(0, age) }];
  });
  const usual = fits.filter(({ zone }) => zone === 'Asia/Shanghai');
  const nearest = fits.sort((a, b) => a.age - b.age).slice(0, 1);
  return [...new Set([...usual, ...nearest])];
}
