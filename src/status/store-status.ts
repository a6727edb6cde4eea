import { formatBytes } from '../bytes.ts';
import type { Config } from '../config/config.ts';
import { freeBytes, storeBytes } from '../store/disk.ts';
import { type Growth, readGrowth } from '../store/growth.ts';
import type { Store } from '../store/store.ts';
import { storeName } from '../store-url.ts';
import { alarm, plural } from './alarm.ts';
import type { Alarm, StoreStatus } from './document.ts';
import { erasureAlarms } from './erasure-alarms.ts';

/** Sooner than in so many days somebody has to make room. */
const DISK_NEAR = 14;

/** Tells how much room the store takes and has, and what was begun in it and not finished. */
export async function readStoreStatus(
  config: Pick<Config, 'store' | 'diskReserve'>,
  store: Store | null,
  now: number,
): Promise<StoreStatus> {
  const room = { free: await freeBytes(config.store), reserve: config.diskReserve };
  const disk = diskStatus(room, store === null ? null : await readGrowth(store, now));
  return {
    path: storeName(config.store),
    bytes: await storeBytes(config.store, store),
    disk,
    alarms: [...diskAlarms(disk), ...(store === null ? [] : await erasureAlarms(store, now))],
  };
}

interface Room {
  readonly free: number | null;
  readonly reserve: number;
}

/** How long the room lasts. */
export function diskStatus({ free, reserve }: Room, growth: Growth | null): StoreStatus['disk'] {
  const pace = growth?.bytesPerDay ?? null;
  const known = free !== null && pace !== null && pace > 0;
  return {
    free_bytes: free,
    reserve_bytes: reserve,
    growth_bytes_per_day: pace,
    days_left: known ? Math.max(0, Math.floor((free - reserve) / pace)) : null,
  };
}

/** That of the store, where somebody has to make room now or within days. */
export function diskAlarms(disk: StoreStatus['disk']): Alarm[] {
  const { free_bytes: free, reserve_bytes: reserve, days_left: days } = disk;
  const soon = days !== null && days < DISK_NEAR;
  if (free === null || (!soon && free >= 2 * reserve)) return [];
  const has = `the store's disk has ${formatBytes(free)} free`;
  const message =
    free < reserve
      ? `${has}, less than the reserve of ${formatBytes(reserve)}: nothing is fetched any more`
      : soon
        ? `${has}, and at the present growth nothing is fetched any more in ${plural(days, 'day')}`
        : `${has}; with less than the reserve of ${formatBytes(reserve)} nothing is fetched`;
  return [
    alarm('disk', {
      message,
      account: null,
      // Nobody noted when it was filled.
      since: null,
    }),
  ];
}
