import { CdrError, failureOf, fault } from '../errors.ts';
import { rebuildTables } from '../store/postgres/remains.ts';
import {
  copiesBeside,
  countInFiles,
  emptyJournal,
  rebuildFile,
  type Unbuilt,
} from '../store/sqlite/remains.ts';
import type { Store } from '../store/store.ts';
import { toStoreError } from '../store/trouble.ts';
import { type PostgresAddress, storeAddress } from '../store-url.ts';
import type { FilesReport } from './erase-text.ts';
import type { EraseOptions, EraseWish } from './erase-wish.ts';

/** The end of an erasure: what the files of the store still hold. Whatever fails here, what was erased is told. */

type Options = Pick<EraseOptions, 'short' | 'rebuild' | 'maxWait'>;

export const NOT_SEARCHED: FilesReport = { state: 'not_searched', occurrences: null, error: null };

/** Whether nothing is left that the same command could do. */
export function isDone({ state }: FilesReport): boolean {
  return state === 'clean' || state === 'rebuilt';
}

/** The databases beside the store's file; on a server, whoever runs it knows of them. */
export async function copiesOf(url: string): Promise<readonly string[]> {
  return storeAddress(url).kind === 'sqlite' ? copiesBeside(url) : [];
}

/** Moves the journal into the store; null where that could be done, or there is none. */
export function settleJournal(
  url: string,
  store: Store,
  { maxWait }: Options,
  signal: AbortSignal,
): Promise<FilesReport | null> {
  return told(signal, async () => {
    if (storeAddress(url).kind === 'postgres') return null;
    const emptied = await emptyJournal(store, { patience: maxWait, signal });
    return emptied ? null : troubled({ state: 'busy' });
  });
}

/**
 * Sees to it that nothing of what was overwritten is left where the closed store
 * keeps its data.
 *
 * @param touched whether this erasure has overwritten anything, now or before.
 */
export function cleanFiles(
  url: string,
  wish: EraseWish,
  touched: boolean,
  options: Options,
  signal: AbortSignal,
): Promise<FilesReport> {
  const address = storeAddress(url);
  return address.kind === 'sqlite'
    ? cleanOwnFiles(url, wish, touched, options, signal)
    : cleanTables(address, touched, options, signal);
}

/** The files of a server are not ours to search: where anything was overwritten, its tables are written anew. */
function cleanTables(
  address: PostgresAddress,
  touched: boolean,
  { rebuild, maxWait }: Options,
  signal: AbortSignal,
): Promise<FilesReport> {
  return told(signal, async () => {
    if (!touched) return { state: 'clean', occurrences: null, error: null };
    if (!rebuild) return { state: 'remains', occurrences: null, error: null };
    const built = await rebuildTables(address, { patience: maxWait, signal });
    if (built !== 'rebuilt') return troubled({ state: built });
    return { state: 'rebuilt', occurrences: null, error: null };
  });
}

/** Searches the files of SQLite, and writes the store anew where unused space holds the number. */
function cleanOwnFiles(
  url: string,
  { digits }: EraseWish,
  touched: boolean,
  { short, rebuild, maxWait }: Options,
  signal: AbortSignal,
): Promise<FilesReport> {
  return told(signal, async () => {
    // So few digits stand everywhere: what matters is whether something was overwritten.
    const telling = short !== true;
    const before = telling ? await countInFiles(url, digits, signal) : null;
    const clean = before === 0 || (!telling && !touched);
    if (clean) return { state: 'clean', occurrences: before, error: null };
    if (!rebuild) return { state: 'remains', occurrences: before, error: null };
    const built = await rebuildFile(url, { patience: maxWait, signal });
    if (built.state !== 'rebuilt') return troubled(built);
    const occurrences = telling ? await countInFiles(url, digits, signal) : null;
    return { state: 'rebuilt', occurrences, error: null };
  });
}

/** @throws what is no failure of the store. */
export async function told<Report>(
  signal: AbortSignal,
  work: () => Promise<Report>,
): Promise<Report | FilesReport> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const error = toStoreError(thrown);
    if (!(error instanceof CdrError)) throw thrown;
    return { state: 'failed', occurrences: null, error: failureOf(error) };
  }
}

function troubled(unbuilt: Unbuilt): FilesReport {
  const { state } = unbuilt;
  const why =
    unbuilt.state === 'busy'
      ? fault('erase.busy', 'another process keeps the files of the store in use')
      : fault('erase.room', `${unbuilt.folder} has no room to write the store anew`);
  return { state, occurrences: null, error: failureOf(new CdrError(why)) };
}
