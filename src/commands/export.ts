import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, realpathSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AccountConfig, Config } from '../config/config.ts';
import { configError } from '../errors.ts';
import { historyJson, type RecordRange, recordJson, streamRecords } from '../store/records.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { isoSeconds } from '../time.ts';
import { describeGaps } from './completeness.ts';
import { readInstant } from './ranges.ts';
import { chooseAccounts, type GlobalOptions, openSession } from './session.ts';

export interface ExportOptions {
  readonly account: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly output?: string;
  /** Also what each call was before it changed. */
  readonly history?: boolean;
}

/** Writes the unified records, one JSON object a line. Neither creates nor changes a store. */
export async function exportCommand(
  globals: GlobalOptions,
  options: ExportOptions,
  signal: AbortSignal,
): Promise<number> {
  const { config } = await openSession(globals, signal);
  chooseAccounts(config, options.account);
  const chosen = config.accounts.filter(
    ({ id }) => options.account.length === 0 || options.account.includes(id),
  );
  const ranges = chosen.map((account) => rangeOf(account, options));
  if (options.output !== undefined) checkTarget(options.output, config);
  // A connection of its own: the other one is busy as long as the records stream.
  const history = options.history === true ? await openStoreToRead(config.store) : null;
  const wish = { ranges, history };
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(config.store);
  try {
    if (options.output === undefined) await writeOut(store, wish, signal);
    else await writeFile(store, wish, options.output, signal);
    if (!globals.quiet) await remarkGaps(store, chosen, ranges);
  } finally {
    await store.close();
    await history?.close();
  }
  return 0;
}

/** An export says nothing of what is not in it: who bills by it has to hear of the gaps. */
async function remarkGaps(
  store: Store,
  accounts: readonly AccountConfig[],
  ranges: readonly RecordRange[],
): Promise<void> {
  for (const [index, account] of accounts.entries()) {
    const range = ranges[index];
    const gaps = range === undefined ? null : await describeGaps(store, account, range, Date.now());
    if (gaps !== null) process.stderr.write(`cdrsync: ${gaps}; see cdrsync status\n`);
  }
}

function rangeOf({ id, clock }: AccountConfig, { from, to }: ExportOptions): RecordRange {
  const begin = from === undefined ? null : readInstant('--from', from, clock);
  const end = to === undefined ? null : readInstant('--to', to, clock);
  if (begin !== null && end !== null && begin >= end) {
    throw configError(
      'usage.range',
      '--from is not before --to',
      'Ranges are half-open: --to is the day after the last one wanted.',
    );
  }
  const text = (at: number | null): string | null => (at === null ? null : isoSeconds(at));
  return { accountId: id, from: text(begin), to: text(end) };
}

interface Wish {
  readonly ranges: readonly RecordRange[];
  /** Where the versions are read; null where they are not wanted. */
  readonly history: Store | null;
}

/** Gathered to this size before they are written. */
const CHUNK = 64 * 1024;

async function writeRecords(
  store: Store,
  { ranges, history }: Wish,
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  let lines = '';
  const write = async (): Promise<void> => {
    const ready = out.write(lines);
    lines = '';
    if (!ready) await once(out, 'drain', { signal });
  };
  for await (const record of streamRecords(store, ranges)) {
    signal.throwIfAborted();
    const before = history === null ? [] : await historyJson(history, record);
    for (const line of [...before, recordJson(record)]) lines += `${line}\n`;
    if (lines.length >= CHUNK) await write();
  }
  await write();
}

/** To stdout; a reader that has seen enough (`| head`) ends the export, and nothing has failed. */
async function writeOut(store: Store, wish: Wish, signal: AbortSignal): Promise<void> {
  const closed = new AbortController();
  const onError = (): void => closed.abort();
  process.stdout.once('error', onError);
  try {
    await writeRecords(store, wish, process.stdout, AbortSignal.any([signal, closed.signal]));
  } catch (error) {
    // The stream's own error may come first, before its event.
    if (signal.aborted || !(closed.signal.aborted || isPipeError(error))) throw error;
  } finally {
    process.stdout.off('error', onError);
  }
}

function isPipeError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Under another name until it is whole, so that nobody takes half an export for one. */
async function writeFile(
  store: Store,
  wish: Wish,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.partial`;
  try {
    // `wx`: never into a file or a link that somebody else put there.
    const out = createWriteStream(partial, { mode: 0o600, flags: 'wx' });
    const done = finished(out);
    done.catch(() => undefined);
    try {
      await once(out, 'open', { signal });
      await writeRecords(store, wish, out, signal);
      out.end();
      await done;
      await rename(partial, path);
    } catch (error) {
      out.destroy();
      await rm(partial, { force: true });
      throw error;
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const code = 'code' in error ? String(error.code) : error.name;
    throw configError(
      'usage.output',
      `cannot write ${path} (${code})`,
      'Check the path given to --output, and the room on its disk.',
    );
  }
}

/** An export replaces an older one, and nothing else. */
function checkTarget(path: string, config: Config): void {
  const store = config.store.slice('sqlite:'.length);
  const target = real(path);
  const taken = [config.path, store, `${store}-wal`, `${store}-shm`].map(real);
  const regular = !existsSync(path) || statSync(path).isFile();
  if (regular && !taken.includes(target)) return;
  const what = regular ? 'the store or the configuration' : 'no regular file';
  throw configError(
    'usage.output',
    `--output ${path} names ${what}`,
    'Give the export a file of its own.',
  );
}

function real(path: string): string {
  const whole = resolve(path);
  return existsSync(whole) ? realpathSync(whole) : whole;
}
