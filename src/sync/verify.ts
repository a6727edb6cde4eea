import { QUESTIONABLE } from '../day-state.ts';
import { configError } from '../errors.ts';
import { readDay, saveDay } from '../store/days.ts';
import { fillHoles } from '../store/holes.ts';
import { fenced } from '../store/leases.ts';
import type { Store } from '../store/store.ts';
import { addDays, type Span } from '../time.ts';
import type { Surroundings, SyncAccount } from './account.ts';
import { auditDay } from './audit.ts';
import { daysToAudit } from './audit-days.ts';
import { earlierNow, type RunContext } from './context.ts';
import { syncDimensions } from './dimensions.ts';
import { duePolls } from './due-polls.ts';
import { newDay, touch } from './ledger.ts';
import type { AccountReport } from './report.ts';
import { runAccount } from './run.ts';
import { daysOf } from './windows.ts';

/** Which days are to be audited: those that are due, or those of a range. */
export type AuditWish =
  | { readonly kind: 'due'; readonly ages: readonly number[] }
  | { readonly kind: 'range'; readonly span: Span };

/** Audits days of one account. */
export function verifyAccount(
  account: SyncAccount,
  around: Surroundings,
  wish: AuditWish,
  trigger: 'verify' | 'audit' = 'verify',
): Promise<AccountReport> {
  return runAccount(account, around, trigger, async (context) => {
    await syncDimensions(context);
    const days = await wishedDays(context, wish);
    const pollIfDue = await duePolls(context);
    for (const [index, day] of days.entries()) {
      context.signal.throwIfAborted();
      await auditDay(context, day);
      const pending = days.length - index - 1;
      context.onProgress({ account: context.settings.id, pending, counts: context.counts });
      await pollIfDue();
    }
  });
}

async function wishedDays(context: RunContext, wish: AuditWish): Promise<readonly string[]> {
  const { store, settings, clock } = context;
  if (wish.kind === 'due') {
    const account = { id: settings.id, clock, lookback: settings.lookback, ages: wish.ages };
    return daysToAudit(store, account, earlierNow(context));
  }
  return daysOf(wish.span, clock).map(({ day }) => day);
}

/**
 * Before a day is accepted: only one that is in question can be.
 *
 * @throws CdrError of class `config` otherwise.
 */
export async function checkAcceptable(store: Store, accountId: string, day: string): Promise<void> {
  const ledger = await readDay(store.db, accountId, day);
  if (ledger !== null && QUESTIONABLE.includes(ledger.state)) return;
  const state = ledger === null ? 'was never read' : `is ${ledger.state}`;
  throw configError('usage.accept', `${accountId}: ${day} ${state}`, {
    en: `Only a day that is ${QUESTIONABLE.join(', ')} can be accepted.`,
    zh: `只有状态为 ${QUESTIONABLE.map((one) => `\`${one}\``).join('、')} 的日期才能确认。`,
  });
}

/** Closes a day as it is, for a stated reason; what could not be had of it is no longer asked for. */
export function acceptDay(
  account: SyncAccount,
  around: Surroundings,
  { day, reason }: { readonly day: string; readonly reason: string },
): Promise<AccountReport> {
  return runAccount(account, around, 'accept', async (context) => {
    const { store, lease, settings, clock } = context;
    await checkAcceptable(store, settings.id, day);
    const bounds: Span = { from: clock.startOfDay(day), to: clock.startOfDay(addDays(day, 1)) };
    await fenced(store, lease, async (trx) => {
      const ledger = (await readDay(trx, settings.id, day)) ?? newDay(context, { day, ...bounds });
      const accepted = {
        state: 'accepted',
        accepted_reason: reason,
        updated_at: Date.now(),
      } as const;
      await fillHoles(trx, settings.id, bounds);
      await saveDay(trx, { ...ledger, ...accepted });
      touch(context, day);
    });
  });
}
