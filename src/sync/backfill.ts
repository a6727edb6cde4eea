import { backfillLane, countWindows } from '../store/windows.ts';
import type { Span } from '../time.ts';
import type { Surroundings, SyncAccount } from './account.ts';
import { believed, type RunContext } from './context.ts';
import { syncDimensions } from './dimensions.ts';
import { duePolls } from './due-polls.ts';
import { planHeard } from './hear-clock.ts';
import { pend, walkLane } from './lanes.ts';
import type { AccountReport } from './report.ts';
import { runAccount } from './run.ts';
import { planSpan, settledNow } from './windows.ts';

export interface BackfillRange extends Span {
  /** Windows that are walked at the same time. */
  readonly concurrency: number;
}

/**
 * Walks a past range of one account. Its windows are durable: the same command
 * goes on where a killed one stood, and walks again once all of them are done.
 * The watermark stays where it is.
 */
export function backfillAccount(
  account: SyncAccount,
  around: Surroundings,
  range: BackfillRange,
): Promise<AccountReport> {
  return runAccount(account, around, 'backfill', (context) => backfillWork(context, range));
}

async function backfillWork(
  context: RunContext,
  { concurrency, ...range }: BackfillRange,
): Promise<void> {
  await syncDimensions(context);
  const lane = backfillLane(range);
  const { store, settings, log } = context;
  const left = await countWindows(store, settings.id, lane);
  if (left > 0)
    log.info({ account: settings.id, windows: left }, 'goes on with the backfill that was stopped');
  else {
    const settled = settledNow(Date.now(), believed(context.client.skew()), settings.settle);
    const span = { from: range.from, to: Math.min(range.to, settled) };
    const plan = await planHeard(context, (at) => planSpan(span, at, context.rules));
    await pend(context, lane, plan.windows, plan.unreachable);
  }
  await walkLane(context, lane, { walkers: concurrency, between: await duePolls(context) });
}
