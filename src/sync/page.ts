import { isObject, type Json, parseJson } from '../json.ts';
import type { ListedCall, WriteContext } from '../store/call-writes.ts';
import { type WriteOutcome, writeCalls } from '../store/calls.ts';
import { sortRows, writeOccurrences } from '../store/occurrences.ts';
import { quarantineRows } from '../store/quarantine.ts';
import type { Counts } from '../store/runs.ts';
import type { StoreTransaction } from '../store/store.ts';
import { holdRows, type PendingWindow, recallRows } from '../store/windows.ts';
import { isoMillis, type Span } from '../time.ts';
import type { RunContext } from './context.ts';
import { digestOf, type WalkMemory } from './memory.ts';
import { type ReadRow, readRow } from './rows.ts';

/** How many rows of each outcome: what a page adds to the run's counts. */
export type RowCounts = Pick<
  Counts,
  'fetched' | 'inserted' | 'changed' | 'unchanged' | 'duplicates' | 'quarantined'
>;

export function noRows(): RowCounts {
  return { fetched: 0, inserted: 0, changed: 0, unchanged: 0, duplicates: 0, quarantined: 0 };
}

export interface ReadPage {
  readonly rows: readonly ReadRow[];
  /** Whether the walk had listed the identity of each row before, on this page or an earlier one. */
  readonly repeated: readonly boolean[];
}

export function readPage(
  context: RunContext,
  window: Span,
  rows: readonly Json[],
  memory: WalkMemory,
): ReadPage {
  const read = rows.map((row) => readRow(context, window, row));
  const onPage = new Set<string>();
  const repeated = read.map(({ digest }) => {
    const known = memory.counts.has(digest) || onPage.has(digest);
    onPage.add(digest);
    return known;
  });
  return { rows: read, repeated };
}

/** Writes the rows of one page, inside the transaction that moves the cursor past it. */
export async function writePage(
  trx: StoreTransaction,
  context: RunContext,
  window: PendingWindow,
  page: ReadPage,
  walk: { readonly memory: WalkMemory; readonly proven: boolean },
): Promise<RowCounts> {
  const rejected = page.rows.flatMap((row) => (row.kind === 'rejected' ? [row.row] : []));
  await quarantineRows(trx, context.settings.id, rejected, Date.now());
  const counts = { ...noRows(), fetched: rejected.length, quarantined: rejected.length };
  if (context.connector.identity === 'derived') {
    const { calls, outcomes } = await writeDerived(trx, context, window, page, walk);
    noteNews(context, calls, outcomes);
    return countOutcomes(counts, outcomes, () => false);
  }
  const calls: ListedCall[] = [];
  const repeated: boolean[] = [];
  for (const [index, row] of page.rows.entries()) {
    if (row.kind !== 'call') continue;
    calls.push(row.listed);
    repeated.push(page.repeated[index] === true);
  }
  const outcomes = await writeCalls(trx, writeContext(context), calls);
  noteNews(context, calls, outcomes);
  return countOutcomes(counts, outcomes, (index) => repeated[index] === true);
}

function noteNews(
  { days }: RunContext,
  calls: readonly ListedCall[],
  outcomes: readonly WriteOutcome[],
): void {
  for (const [index, { listedOn }] of calls.entries()) {
    const outcome = outcomes[index];
    if (outcome === 'unchanged') continue;
    const news = days.get(listedOn) ?? { new: 0, changed: 0 };
    if (outcome === 'inserted') news.new += 1;
    if (outcome === 'changed') news.changed += 1;
    days.set(listedOn, news);
  }
}

function countOutcomes(
  counts: RowCounts,
  outcomes: readonly WriteOutcome[],
  isRepeat: (index: number) => boolean,
): RowCounts {
  for (const [index, outcome] of outcomes.entries()) {
    counts.fetched += 1;
    counts[outcome === 'unchanged' && isRepeat(index) ? 'duplicates' : outcome] += 1;
  }
  return counts;
}

export function writeContext({ settings, connector }: RunContext): WriteContext {
  return {
    accountId: settings.id,
    provider: connector.provider,
    source: 'pull',
    mappingVersion: connector.mappingVersion,
    now: isoMillis(Date.now()),
  };
}

/** Rows without an id of their own: those in doubt wait in the store for the proof of the walk. */
async function writeDerived(
  trx: StoreTransaction,
  context: RunContext,
  window: PendingWindow,
  page: ReadPage,
  { memory, proven }: { readonly memory: WalkMemory; readonly proven: boolean },
): Promise<{ readonly calls: readonly ListedCall[]; readonly outcomes: readonly WriteOutcome[] }> {
  const calls = page.rows.flatMap((row) => (row.kind === 'call' ? [row.listed] : []));
  const onPage = countIds(calls);
  const before = (id: string): number =>
    (memory.counts.get(digestOf(id)) ?? 0) - (onPage.get(id) ?? 0);
  if (!proven) {
    const { sure, held } = await sortRows(trx, context.settings.id, calls, before);
    const raws = held.map(({ raw }) => raw);
    await holdRows(trx, window.id, memory.listed, raws);
    const outcomes = await writeOccurrences(trx, writeContext(context), sure, () => false);
    return { calls: sure, outcomes };
  }
  const held = (await recallRows(trx, window.id)).flatMap((raw) => heldCall(context, window, raw));
  const waiting = countIds(held);
  const settled = (id: string): boolean => before(id) > (waiting.get(id) ?? 0);
  const all = [...held, ...calls];
  return { calls: all, outcomes: await writeOccurrences(trx, writeContext(context), all, settled) };
}

function countIds(calls: readonly ListedCall[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { call } of calls) counts.set(call.call_id, (counts.get(call.call_id) ?? 0) + 1);
  return counts;
}

function heldCall(
  context: RunContext,
  { from_at, to_at }: PendingWindow,
  raw: string,
): readonly ListedCall[] {
  const json = parseJson(raw);
  const row = readRow(context, { from: from_at, to: to_at }, isObject(json) ? json : null);
  return row.kind === 'call' ? [row.listed] : [];
}
