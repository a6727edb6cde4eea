import { configError } from '../errors.ts';
import { FORMATS, type Format } from '../export/format.ts';
import { checkTarget, type Pieces, writeFile, writeStdout } from '../export/output.ts';
import { exportPieces } from '../export/pieces.ts';
import type { Tally } from '../export/rows.ts';
import {
  type ChangeRange,
  callsChanged,
  durableChangeSeq,
  lastChangeSeq,
} from '../store/changes.ts';
import { type CallsQuery, callsBetween, type RecordRange } from '../store/records.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { isoSeconds, type ZoneClock } from '../time.ts';
import { describeGaps } from './completeness.ts';
import { type KnownAccount, knownAccounts, withoutStore } from './known-accounts.ts';
import { refuseProtected } from './protected-files.ts';
import { readInstant } from './ranges.ts';
import { type GlobalOptions, openSession } from './session.ts';

export interface ExportOptions {
  readonly account: readonly string[];
  readonly from?: string;
  readonly to?: string;
  /** Only what was written after this `change_seq`, in its order. */
  readonly changedSince?: number;
  readonly format: Format;
  readonly bom?: boolean;
  readonly mask?: boolean;
  readonly output?: string;
  /** Also what each call was before it changed. */
  readonly history?: boolean;
}

/** Writes the unified records. Neither creates nor changes a store. */
export async function exportCommand(
  globals: GlobalOptions,
  options: ExportOptions,
  signal: AbortSignal,
): Promise<number> {
  const { config, log } = await openSession(globals, signal);
  checkOptions(options, process.stdout.isTTY === true);
  if (options.output !== undefined) {
    checkTarget(options.output);
    refuseProtected(config, '--output', options.output);
    const named = formatNamed(options.output);
    if (named !== null && named !== options.format) {
      const words = `the file is named .${named} and gets ${options.format}: --format ${named} writes the other`;
      log.warn({ path: options.output }, words);
    }
  }
  // A connection of its own: the other one is busy as long as the records stream.
  const versions = options.history === true ? await openStoreToRead(config.store) : null;
  const store = await openStoreToRead(config.store);
  if (store === null) throw withoutStore(config, options.account);
  try {
    const tally: Tally = { records: 0 };
    const durable = await durableChangeSeq(store);
    // What a follower has seen before stays seen, however far others have come by now.
    const upTo = durable === null ? null : Math.max(durable, options.changedSince ?? 0);
    const chosen = await knownAccounts(store, config, options.account);
    const ranges = chosen.map((account) => rangeOf(account, options));
    // Before the records are read: what becomes proven meanwhile may not be among them.
    const gaps = options.changedSince === undefined ? await findGaps(store, chosen, ranges) : null;
    const calls = await wantedCalls(store, options, ranges, upTo);
    const pieces = await exportPieces(
      store,
      calls,
      {
        format: options.format,
        versions,
        mask: options.mask === true,
        bom: options.bom === true,
        clockOf: (accountId) => clockOf(chosen, accountId),
      },
      tally,
    );
    const whole = await write(pieces, options.output, signal);
    if (globals.json) report(tally, whole ? upTo : null, gaps);
    else if (!globals.quiet) remark(gaps ?? []);
  } finally {
    await store.close();
    await versions?.close();
  }
  return 0;
}

/**
 * @throws CdrError of class `config` for options that contradict each other, or the terminal.
 */
function checkOptions(options: ExportOptions, terminal: boolean): void {
  const { from, to, history, changedSince, format, bom, output } = options;
  const ranged = from !== undefined || to !== undefined;
  if (changedSince !== undefined && (ranged || history === true)) {
    throw configError(
      'usage.changed_since',
      '--changed-since goes with neither --from, --to nor --history',
    );
  }
  if (bom === true && format !== 'csv') {
    throw configError('usage.bom', `--bom does not go with ${format}`);
  }
  if (format === 'xlsx' && output === undefined && terminal) {
    throw configError('usage.terminal', 'a workbook is not written to a terminal');
  }
}

/** The format that the name of a file promises. */
function formatNamed(output: string): Format | null {
  return FORMATS.find((format) => output.toLowerCase().endsWith(`.${format}`)) ?? null;
}

function rangeOf({ id, clock }: KnownAccount, { from, to }: ExportOptions): RecordRange {
  const begin = from === undefined ? null : readInstant('--from', from, clock);
  const end = to === undefined ? null : readInstant('--to', to, clock);
  if (begin !== null && end !== null && begin >= end) {
    throw configError('usage.range', '--from is not before --to');
  }
  const text = (at: number | null): string | null => (at === null ? null : isoSeconds(at));
  return { accountId: id, from: text(begin), to: text(end) };
}

function clockOf(accounts: readonly KnownAccount[], accountId: string): ZoneClock {
  const account = accounts.find(({ id }) => id === accountId);
  if (account === undefined) throw new Error(`An account that was not asked for: ${accountId}`);
  return account.clock;
}

async function wantedCalls(
  store: Store,
  { changedSince }: ExportOptions,
  ranges: readonly RecordRange[],
  upTo: number | null,
): Promise<CallsQuery> {
  if (changedSince === undefined) return callsBetween(store, ranges);
  const accountIds = ranges.map(({ accountId }) => accountId);
  return callsChanged(store, { ...(await followed(store, changedSince, upTo)), accountIds });
}

/** From where to where a follower is to be told. */
async function followed(
  store: Store,
  since: number,
  upTo: number | null,
): Promise<Pick<ChangeRange, 'since' | 'upTo'>> {
  if (upTo === null) {
    throw configError('usage.changed_since', '--changed-since needs the primary, not a standby', {
      en: 'Name the primary server in "store": a standby does not know what writers still have open.',
      zh: '请让 `store` 指向主库：备库不知道还有哪些写入尚未提交。',
    });
  }
  const last = await lastChangeSeq(store);
  if (since > last) throw ahead(since, last);
  return { since, upTo };
}

function ahead(since: number, last: number): Error {
  return configError(
    'usage.change_seq',
    `--changed-since ${since} is beyond the last change of this store, ${last}`,
  );
}

async function write(
  pieces: Pieces,
  output: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (output === undefined) return writeStdout(pieces, signal);
  await writeFile(pieces, output, signal);
  return true;
}

/** An export says nothing of what is not in it: who bills by it has to hear of the gaps. */
async function findGaps(
  store: Store,
  accounts: readonly KnownAccount[],
  ranges: readonly RecordRange[],
): Promise<readonly string[]> {
  const gaps: string[] = [];
  for (const [index, account] of accounts.entries()) {
    const range = ranges[index];
    const found =
      range === undefined ? null : await describeGaps(store, account, range, Date.now());
    if (found !== null) gaps.push(found);
  }
  return gaps;
}

function remark(gaps: readonly string[]): void {
  for (const gap of gaps) process.stderr.write(`cdrsync: ${gap}; see cdrsync status\n`);
}

/**
 * On stderr: stdout is the records'.
 *
 * @param upTo all that belongs to the export and was written up to here is in it; null where the reader left.
 */
function report({ records }: Tally, upTo: number | null, gaps: readonly string[] | null): void {
  process.stderr.write(`${JSON.stringify({ records, change_seq: upTo, gaps })}\n`);
}
