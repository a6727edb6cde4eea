import { CdrError, type Fault } from '../errors.ts';
import { fenced } from '../store/leases.ts';
import { addWindows, type PendingWindow, removeWindow } from '../store/windows.ts';
import { DAY, SECOND, type Span } from '../time.ts';
import { askPage, spanText } from './ask-page.ts';
import { finishHole } from './commit.ts';
import { earlierNow, type RunContext } from './context.ts';
import { halve, settledNow } from './windows.ts';

/**
 * A span that the provider fails on again and again, while it answers for
 * others, must not hold up all that comes after it: it is narrowed down, and
 * what is left of it becomes a hole. Where nothing answers it is an outage, and
 * the run ends as it is.
 *
 * @returns whether the window was dealt with.
 */
export async function isolate(
  context: RunContext,
  window: PendingWindow,
  fault: Fault,
): Promise<boolean> {
  if (fault.class !== 'transient' && fault.class !== 'contract') return false;
  // Whatever is asked for, the answer is the same.
  if (fault.code === 'http.redirect' || fault.code === 'provider.clock') return false;
  const span: Span = { from: window.from_at, to: window.to_at };
  const halves = halve(span, context.rules);
  // A second that the provider fails on may be the border of both halves.
  const probes = [...(halves ?? []), ...neighbours(span, context)];
  if (!(await someAnswers(context, probes))) return false;
  const { store, lease, settings, log } = context;
  const fields = { account: settings.id, window: spanText(span), code: fault.code };
  if (halves === null) {
    log.warn(fields, `hole: ${fault.message}`);
    await finishHole(context, window, `${fault.message} [${fault.code}]`);
    return true;
  }
  log.info(fields, `split: ${fault.message}`);
  await fenced(store, lease, async (trx) => {
    await removeWindow(trx, window.id);
    await addWindows(trx, settings.id, window.lane, halves);
  });
  return true;
}

/** A span of the same length before, else one after; neither touches it, because ranges may include their ends. */
function neighbours({ from, to }: Span, context: RunContext): readonly Span[] {
  const { rules, clock, settings } = context;
  const length = rules.reach.wholeDays ? DAY : to - from;
  const before = { from: from - SECOND - length, to: from - SECOND };
  const after = { from: to + SECOND, to: to + SECOND + length };
  const horizon = rules.reach.horizon(earlierNow(context)) ?? 0;
  const settled = settledNow(Date.now(), null, settings.settle);
  const fit = [before, after].filter((span) => span.from >= horizon && span.to <= settled);
  return fit.slice(0, 1).map((span) => ({ from: clock.snap(span.from), to: span.to }));
}

/** One attempt each: a probe that fails proves nothing, and an outage should cost little. */
async function someAnswers(context: RunContext, spans: readonly Span[]): Promise<boolean> {
  for (const { from, to } of spans) {
    try {
      await askPage(context, { from_at: from, to_at: to, cursor: null }, { attempts: 1 });
      return true;
    } catch (error) {
      if (!(error instanceof CdrError)) throw error;
    }
  }
  return false;
}
