import { CdrError } from '../errors.ts';
import type { Span } from '../time.ts';
import { askPage } from './ask-page.ts';
import { earlierNow, type RunContext } from './context.ts';
import type { Plan } from './windows.ts';
import { noClock } from './wrong-clock.ts';

/**
 * The provider's clock minus ours, as this run heard it; what no answer told so
 * far is asked for with one page of yesterday.
 *
 * @returns null where the provider answers without telling its time.
 * @throws CdrError where it does not answer, or refuses the login.
 */
export async function hearClock(context: RunContext): Promise<number | null> {
  const { client, clock } = context;
  if (client.skew() !== null) return client.skew();
  const to = clock.startOfDay(clock.dayOf(earlierNow(context)));
  const yesterday: Span = { from: clock.startOfDay(clock.dayOf(to - 1)), to };
  try {
    await askPage(context, { from_at: yesterday.from, to_at: yesterday.to, cursor: null });
  } catch (error) {
    // A refusal tells the time too; that of the login must not be passed over.
    const told = error instanceof CdrError && error.fault.class !== 'auth';
    if (!told || client.skew() === null) throw error;
  }
  return client.skew();
}

/**
 * Plans so that nothing is given up as out of the provider's reach by this
 * machine's clock alone: one that is months ahead would give up all that is to
 * come. What counts is the earlier of both clocks, as this run heard it.
 *
 * @throws CdrError where something is out of reach and the provider tells no time.
 */
export async function planHeard(context: RunContext, plan: (now: number) => Plan): Promise<Plan> {
  const first = plan(earlierNow(context));
  if (first.unreachable === null) return first;
  if ((await hearClock(context)) !== null) return plan(earlierNow(context));
  throw new CdrError(noClock(), { account: context.settings.id });
}
