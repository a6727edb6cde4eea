import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AccountConfig } from '../config/config.ts';
import { configError } from '../errors.ts';
import { historyJson, type RecordRange, recordJson, streamRecords } from '../store/records.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { isoSeconds } from '../time.ts';
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
  const wish = { ranges, history: options.history === true };
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(config.store);
  try {
    if (options.output === undefined) await writeRecords(store, wish, process.stdout, signal);
    else await writeFile(store, wish, options.output, signal);
  } finally {
    await store.close();
  }
  return 0;
}

function rangeOf({ id, clock }: AccountConfig, { from, to }: ExportOptions): RecordRange {
  return {
    accountId: id,
    from: from === undefined ? null : isoSeconds(readInstant('--from', from, clock)),
    to: to === undefined ? null : isoSeconds(readInstant('--to', to, clock)),
  };
}

interface Wish {
  readonly ranges: readonly RecordRange[];
  readonly history: boolean;
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
    if (!out.write(lines)) await new Promise((resolve) => out.once('drain', resolve));
    lines = '';
  };
  for await (const record of streamRecords(store, ranges)) {
    signal.throwIfAborted();
    const before = history ? await historyJson(store, record) : [];
    for (const line of [...before, recordJson(record)]) lines += `${line}\n`;
    if (lines.length >= CHUNK) await write();
  }
  await write();
}

/** Under another name until it is whole, so that nobody takes half an export for one. */
async function writeFile(
  store: Store,
  wish: Wish,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${path}.partial`;
  const out = createWriteStream(partial, { mode: 0o600 });
  const done = finished(out);
  try {
    await writeRecords(store, wish, out, signal);
    out.end();
    await done;
    await rename(partial, path);
  } catch (error) {
    out.destroy();
    await done.catch(() => undefined);
    await rm(partial, { force: true });
    if (error instanceof Error && 'syscall' in error) {
      throw configError(
        'usage.output',
        `cannot write ${path}: ${error.message}`,
        'Check the path given to --output.',
      );
    }
    throw error;
  }
}
