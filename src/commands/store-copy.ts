import { type Content, wholeDigest } from '../store/copy/content.ts';
import { copyStore, type Phase } from '../store/copy/copy.ts';
import { checkTarget } from '../store/copy/target.ts';
import { compareStores } from '../store/copy/verify.ts';
import { heldAccounts } from '../store/leases.ts';
import { readStoreId } from '../store/meta.ts';
import { openStore, openStoreToRead, type Store } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import { formatDuration, SECOND } from '../time.ts';
import { barOf, showLine } from './progress.ts';
import type { GlobalOptions } from './session.ts';
import { type CopySides, copySides, type StoreCopyOptions } from './store-copy-sides.ts';
import { count, table } from './table.ts';

export type { StoreCopyOptions };

/** What `store copy --json` prints. */
interface CopyReport {
  readonly from: string;
  readonly to: string;
  /** `equal`: with `--verify-only`, which copied nothing. */
  readonly state: 'copied' | 'equal';
  /** Rows of each table, the same in both. */
  readonly tables: Readonly<Record<string, number>>;
  readonly days: number;
  readonly change_seq: number;
  /** Of all of it, the same in both. */
  readonly digest: string;
  /** Accounts of the source that some process worked on when it was read. */
  readonly held: readonly string[];
  readonly seconds: number;
}

/** Makes an empty store equal to another one, or compares two. Without one of the URLs it is the configuration's store. */
export async function storeCopyCommand(
  globals: GlobalOptions,
  options: StoreCopyOptions,
  signal: AbortSignal,
): Promise<number> {
  const sides = await copySides(globals, options);
  const started = performance.now();
  const source = await existing(sides.from);
  let held: readonly string[];
  let content: Content;
  try {
    held = await heldAccounts(source);
    for (const account of held) {
      sides.log.warn({ account }, 'a process works on this account: stop it before the copy');
    }
    content =
      options.verifyOnly === true
        ? await compare(source, sides, globals, signal)
        : await copy(source, sides, globals, signal);
  } finally {
    await source.close();
  }
  const report: CopyReport = {
    from: storeName(sides.from),
    to: storeName(sides.to),
    state: options.verifyOnly === true ? 'equal' : 'copied',
    tables: Object.fromEntries([...content.tables].map(([name, { rows }]) => [name, rows])),
    days: content.days.size,
    change_seq: content.changeSeq,
    digest: wholeDigest(content),
    held,
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
  process.stdout.write(globals.json ? `${JSON.stringify(report)}\n` : textOf(report));
  return 0;
}

async function existing(url: string): Promise<Store> {
  const store = await openStoreToRead(url, { extent: 'whole' });
  if (store === null) throw missing(storeName(url));
  return store;
}

async function compare(
  source: Store,
  { to }: CopySides,
  globals: GlobalOptions,
  signal: AbortSignal,
): Promise<Content> {
  const target = await existing(to);
  const progress = copyProgress(globals);
  try {
    const onProgress = progress.update('comparing');
    return await compareStores(source, target, { signal, onProgress });
  } finally {
    progress.stop();
    await target.close();
  }
}

async function copy(
  source: Store,
  { from, to, log }: CopySides,
  globals: GlobalOptions,
  signal: AbortSignal,
): Promise<Content> {
  const name = storeName(to);
  const mark = {
    ...{ source: await readStoreId(source), name: storeName(from) },
    ...{ begun_at: Date.now(), written: false },
  };
  // Before it is opened for writing, which makes what is not there and migrates what is of an older version.
  const before = await openStoreToRead(to, { unfinished: 'taken' });
  if (before !== null) {
    await checkTarget(before.db, { name, mark }).finally(() => before.close());
  }
  const store = await openStore({
    ...{ url: to, mustExist: false, unfinished: 'taken' },
    onEvent: ({ kind }) => {
      if (kind === 'created') log.info({ path: name }, 'a new store was created');
    },
  });
  const progress = copyProgress(globals);
  try {
    return await copyStore({
      ...{ source, target: { store, name, mark }, signal },
      onProgress: (phase, done, total) => progress.update(phase)(done, total),
    });
  } catch (thrown) {
    if (signal.aborted) {
      progress.stop();
      process.stderr.write('cdrsync: stopped; the same command completes it\n');
    }
    throw thrown;
  } finally {
    progress.stop();
    await store.close();
  }
}

/** Its rate and what is left are reckoned for each phase: they take different times. */
function copyProgress(globals: GlobalOptions) {
  let now: { phase: Phase | 'comparing'; done: number; total: number } | null = null;
  let began = { at: performance.now(), done: 0 };
  const stop = showLine(globals, () =>
    now === null ? null : copyLine(now, began.done, performance.now() - began.at),
  );
  return {
    stop,
    update: (phase: Phase | 'comparing') => (done: number, total: number) => {
      if (now?.phase !== phase) began = { at: performance.now(), done };
      now = { phase, done, total };
    },
  };
}

/** @param before how many were done when the phase began, so long ago. */
export function copyLine(
  { phase, done, total }: { readonly phase: string; readonly done: number; readonly total: number },
  before: number,
  elapsedMs: number,
): string {
  const rate = (done - before) / Math.max(elapsedMs / SECOND, 0.001);
  const left = rate > 0 ? `, ${formatDuration(((total - done) / rate) * SECOND)} left` : '';
  const bar = barOf(total === 0 ? 1 : done / total);
  const calls = `${count(done)}/${count(total)} calls`;
  return `store copy ${bar} ${phase} ${calls}, ${count(Math.round(rate))}/s${left}`;
}

function textOf({
  from,
  to,
  state,
  tables,
  days,
  change_seq,
  digest,
  seconds,
}: CopyReport): string {
  const rows = Object.entries(tables).filter(([, number]) => number > 0);
  const what = state === 'copied' ? 'copied and compared' : 'compared';
  return [
    `${from}\n→ ${to}\n`,
    table(
      ['table', 'rows'],
      rows.map(([name, number]) => [name, count(number)]),
    ),
    `${what}: all tables are equal, the calls day by day (${count(days)} days that have any)\n`,
    `up to change ${count(change_seq)}; sha256 ${digest}; ${formatDuration(seconds * SECOND)}\n`,
  ].join('');
}
