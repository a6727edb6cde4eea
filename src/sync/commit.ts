import { moveWatermark, updateAccount } from '../store/accounts.ts';
import { countQuarantined, countStored } from '../store/days.ts';
import { fillHoles, recordHole } from '../store/holes.ts';
import { fenced } from '../store/leases.ts';
import { addToRun, type Counts, sumCounts } from '../store/runs.ts';
import type { StoreTransaction } from '../store/store.ts';
import {
  addWindows,
  forgetWalk,
  type PendingWindow,
  rememberPage,
  removeWindow,
  updateWindow,
  type WindowChange,
} from '../store/windows.ts';
import { DAY, HOUR, SECOND, type Span } from '../time.ts';
import { believed, earlierNow, type RunContext } from './context.ts';
import { enterRead, enterTotal, type FinishedRead } from './ledger.ts';
import { packDigests, type WalkMemory } from './memory.ts';
import { noteNews, type ReadPage, type RowCounts, writePage } from './page.ts';
import { daysOf } from './windows.ts';

/** Where a window stands after a page. */
export type Step =
  | { readonly kind: 'continue'; readonly change: WindowChange }
  /** From its first page again, with an empty memory. */
  | { readonly kind: 'restart'; readonly change: WindowChange }
  | { readonly kind: 'split'; readonly halves: readonly Span[] }
  | { readonly kind: 'proven'; readonly read: FinishedRead }
  | { readonly kind: 'hole'; readonly read: FinishedRead; readonly reason: string };

/**
 * One transaction a page: its rows, the cursor after it, the walk's memory, and
 * the run's counts. Whenever the process dies, the store stands at a page's border.
 *
 * @param onBusy called when the database has work for a while.
 * @returns the step taken, which may prove more than the page alone does.
 */
export async function commitPage(
  context: RunContext,
  window: PendingWindow,
  page: ReadPage,
  memory: WalkMemory,
  step: Step,
  onBusy: () => void,
): Promise<Step> {
  const { store, lease, settings } = context;
  const skew = changedSkew(context);
  const { taken, written, added } = await fenced(store, lease, async (trx) => {
    const walk = { memory, proven: step.kind === 'proven', onBusy };
    const written = await writePage(trx, context, window, page, walk);
    const taken = (await confirmDay(trx, context, window, step, written.counts)) ?? step;
    await takeStep(trx, context, window, page, taken);
    const added = { ...written.counts, ...stepCounts(taken) };
    await addToRun(trx, context.runId, added);
    if (skew !== null) await updateAccount(trx, settings.id, { clock_skew: Math.round(skew) });
    return { taken, written, added };
  });
  // Only what was committed counts.
  if (skew !== null) context.skew = skew;
  noteNews(context, written);
  noteProof(context, taken);
  context.counts = sumCounts(context.counts, added);
  return taken;
}

/**
 * A closed day that polls have built needs no second walk where its first page
 * brings nothing new and states as many rows as the store lists under the day.
 */
async function confirmDay(
  trx: StoreTransaction,
  { settings, clock, connector }: RunContext,
  window: PendingWindow,
  step: Step,
  rows: RowCounts,
): Promise<Step | null> {
  if (step.kind !== 'continue' && step.kind !== 'split') return null;
  if (window.lane !== 'closing' || window.pages > 0) return null;
  if (connector.identity === 'derived' || rows.inserted > 0) return null;
  const { total, begun_at } = window;
  const span: Span = { from: window.from_at, to: window.to_at };
  const [day, ...others] = daysOf(span, clock);
  if (day === undefined || others.length > 0 || day.from !== span.from) return null;
  const stored = await countStored(trx, settings.id, day.day);
  const listed = stored + (await countQuarantined(trx, settings.id, day.day));
  if (total !== listed) return null;
  return {
    kind: 'proven',
    read: { span, proven: true, begunAt: begun_at ?? 0, total, listed, contradiction: false },
  };
}

async function takeStep(
  trx: StoreTransaction,
  context: RunContext,
  window: PendingWindow,
  page: ReadPage,
  step: Step,
): Promise<void> {
  const { id } = window;
  switch (step.kind) {
    case 'continue':
      await rememberPage(trx, id, window.pages, packDigests(page.rows.map(({ digest }) => digest)));
      return updateWindow(trx, id, step.change);
    case 'restart':
      await forgetWalk(trx, id);
      return updateWindow(trx, id, step.change);
    case 'split':
      await removeWindow(trx, id);
      await addWindows(trx, window.account_id, window.lane, step.halves);
      return enterTotal(trx, context, { from: window.from_at, to: window.to_at }, window.total);
    case 'proven':
      await fillHoles(trx, window.account_id, step.read.span);
      return finish(trx, context, window, step.read);
    case 'hole':
      await recordHole(trx, window.account_id, step.read.span, step.reason, Date.now(), nextTry);
      return finish(trx, context, window, step.read);
  }
}

/** Gives a window up without a page of it. */
export async function finishHole(
  context: RunContext,
  window: PendingWindow,
  reason: string,
): Promise<void> {
  const span: Span = { from: window.from_at, to: window.to_at };
  const begunAt = window.begun_at ?? earlierNow(context);
  const nothing = { total: null, listed: null, contradiction: false };
  const read = { span, proven: false, begunAt, ...nothing };
  await fenced(context.store, context.lease, async (trx) => {
    await recordHole(trx, window.account_id, span, reason, Date.now(), nextTry);
    await finish(trx, context, window, read);
    await addToRun(trx, context.runId, { windows: 1, holes: 1 });
  });
  context.counts = sumCounts(context.counts, { windows: 1, holes: 1 });
}

/** Ends a window: the watermark moves past it in the transaction that proves it or records its hole. */
async function finish(
  trx: StoreTransaction,
  context: RunContext,
  window: PendingWindow,
  read: FinishedRead,
): Promise<void> {
  await removeWindow(trx, window.id);
  await enterRead(trx, context, read);
  if (window.lane === 'live') await moveWatermark(trx, window.account_id, window.to_at);
}

/** A fresh hole is tried at the next poll, then after an hour, six hours, and daily. */
function nextTry(attempts: number): number {
  const waits = [0, HOUR, 6 * HOUR];
  return Date.now() + (waits[attempts] ?? DAY);
}

/** What an audit has proven so far. */
function noteProof({ audit }: RunContext, step: Step): void {
  if (audit === null || step.kind !== 'proven') return;
  const { span, contradiction } = step.read;
  audit.proven += span.to - span.from;
  audit.contradiction ||= contradiction;
}

function stepCounts({ kind }: Step): Partial<Counts> {
  if (kind === 'hole') return { windows: 1, holes: 1 };
  return kind === 'proven' ? { windows: 1 } : {};
}

/** The clocks' difference, where it has changed by more than the header's resolution; null where it has not. */
function changedSkew(context: RunContext): number | null {
  const skew = believed(context.client.skew());
  if (skew === null || context.skew === null) return skew;
  return Math.abs(skew - context.skew) < 2 * SECOND ? null : skew;
}
