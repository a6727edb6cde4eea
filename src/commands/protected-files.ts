import type { Config } from '../config/config.ts';
import { configError } from '../errors.ts';
import { realPath } from '../real-path.ts';
import { fileOf } from '../store/disk.ts';

/** What SQLite keeps beside a store: a file of one of these names belongs to it, there or not. */
const BESIDE_STORE = ['', '-wal', '-shm', '-journal'] as const;

/**
 * Lets a command write no file that is the store's or the configuration's: the
 * next run would take it for its own, or have lost it.
 *
 * @throws CdrError of class `config`, with the code that the option has for its file.
 */
export function refuseProtected(
  { store, path, files }: Pick<Config, 'store' | 'path' | 'files'>,
  option: '--output' | '--to',
  target: string,
): void {
  const database = fileOf(store);
  const taken = [
    ...(database === null ? [] : BESIDE_STORE.map((suffix) => database + suffix)),
    ...[path, ...files].map(realPath),
  ];
  if (!taken.includes(realPath(target))) return;
  throw configError(
    option === '--output' ? 'usage.output' : 'backup.target',
    `${option} ${target} names a file of the store or the configuration`,
  );
}
