import { isObject, parseJson } from '../json.ts';
import type { Written } from '../store/call-writes.ts';
import { writeCalls } from '../store/calls.ts';
import type { ListedCall, WriteContext } from '../store/listed-call.ts';
import { sortRows, writeOccurrences } from '../store/occurrences.ts';
import { quarantineRows } from '../store/quarantine.ts';
import type { Counts } from '../store/runs.ts';
import type { StoreTransaction } from '../store/store.ts';
import { holdRows, type PendingWindow, recallRows } from '../store/windows.ts';
import { isoMillis, SECOND } from '../time.ts';
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
  /** The calls that the walk had listed before, on this page or an earlier one. */
  readonly repeated: ReadonlySet<ListedCall>;
}

export function readPage(
  { connector }: RunContext,
  rows: readonly ReadRow[],
  memory: WalkMemory,
): ReadPage {
  // A derived identity cannot tell a repeat from a second call.
  if (connector.identity === 'derived') return { rows, repeated: new Set() };
  const onPage = new Set<string>();
  const repeated = new Set<ListedCall>();
  for (const row of rows) {
    const known = memory.counts.has(row.digest) || onPage.has(row.digest);
    if (known && row.kind === 'call') repeated.add(row.listed);
    onPage.add(row.digest);
  }
  return { rows, repeated };
}

export interface WrittenPage {
  readonly counts: RowCounts;
  readonly calls: readonly Written[];
}

export interface PageWalk {
  readonly memory: WalkMemory;
  readonly proven: boolean;
  /** Called when the database has work for a while. */
  readonly onBusy: () => void;
}

/** Writes the rows of one page, inside the transaction that moves the cursor past it. */
export async function writePage(
  trx: StoreTransaction,
  context: RunContext,
  window: PendingWindow,
  page: ReadPage,
  walk: PageWalk,
): Promise<WrittenPage> {
  const rejected = page.rows.flatMap((row) => (row.kind === 'rejected' ? [row.row] : []));
  await quarantineRows(trx, context.settings.id, rejected, Date.now());
  const counts = { ...noRows(), fetched: rejected.length, quarantined: rejected.length };
  const written =
    context.connector.identity === 'derived'
      ? await writeDerived(trx, context, window, page, walk)
      : await writeCalls(trx, { ...writeContext(context), onBusy: walk.onBusy }, callsOf(page));
  for (const { outcome, listed } of written) {
    const repeat = outcome === 'unchanged' && page.repeated.has(listed);
    counts[repeat ? 'duplicates' : outcome] += 1;
    counts.fetched += 1;
  }
  return { counts, calls: written };
}

function callsOf({ rows }: ReadPage): readonly ListedCall[] {
  return rows.flatMap((row) => (row.kind === 'call' ? [row.listed] : []));
}

/** Notes what a committed page brought, by day, and for an audit which calls were listed. */
export function noteNews({ days, audit }: RunContext, { calls, counts }: WrittenPage): void {
  if (audit !== null) {
    audit.duplicates += counts.duplicates;
    audit.rejected += counts.quarantined;
  }
  for (const { outcome, listed, callId } of calls) {
    audit?.listed.add(callId);
    if (outcome === 'unchanged') continue;
    const news = days.get(listed.listedOn) ?? { new: 0, changed: 0 };
    news[outcome === 'inserted' ? 'new' : 'changed'] += 1;
    days.set(listed.listedOn, news);
    if (audit === null) continue;
    audit[outcome === 'inserted' ? 'new' : 'changed'] += 1;
    if (outcome === 'inserted') audit.latest = Math.max(audit.latest ?? 0, secondsLate(listed));
  }
}

/** How long ago a call ended that is listed for the first time only now. */
function secondsLate({ call }: ListedCall): number {
  return Math.max(
    0,
    Math.round((Date.now() - Date.parse(call.ended_at ?? call.started_at)) / SECOND),
  );
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
  { memory, proven }: PageWalk,
): Promise<readonly Written[]> {
  const calls = callsOf(page);
  const onPage = countIds(calls);
  const before = (id: string): number =>
    (memory.counts.get(digestOf(id)) ?? 0) - (onPage.get(id) ?? 0);
  if (!proven) {
    const { sure, held } = await sortRows(trx, context.settings.id, calls, before);
    const raws = held.map(heldText);
    // The memory counts this page already, and its rows have their places from where it began.
    await holdRows(trx, window.id, memory.listed - page.rows.length, raws);
    return writeOccurrences(trx, writeContext(context), sure, () => false);
  }
  const held = (await recallRows(trx, window.id)).flatMap((raw) => heldCall(context, window, raw));
  const waiting = countIds(held);
  const settled = (id: string): boolean => before(id) > (waiting.get(id) ?? 0);
  return writeOccurrences(trx, writeContext(context), [...held, ...calls], settled);
}

function countIds(calls: readonly ListedCall[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { call } of calls) counts.set(call.call_id, (counts.get(call.call_id) ?? 0) + 1);
  return counts;
}

/** A row that waits, as received; an erased one, which cannot be read again, as what is left of it, in a list. */
function heldText(listed: ListedCall): string {
  return listed.erasureId === null ? listed.raw : JSON.stringify([listed]);
}

function erasedHeld(text: string): readonly ListedCall[] {
  const listed: readonly ListedCall[] = JSON.parse(text);
  return listed;
}

function heldCall(
  context: RunContext,
  { from_at, to_at }: PendingWindow,
  raw: string,
): readonly ListedCall[] {
  const json = parseJson(raw);
  if (Array.isArray(json)) return erasedHeld(raw);
  const row = readRow(context, { from: from_at, to: to_at }, isObject(json) ? json : null);
  return row.kind === 'call' ? [row.listed] : [];
}
