import type { Surroundings, SyncAccount } from './account.ts';
import type { RunContext } from './context.ts';
import { syncDimensions } from './dimensions.ts';
import { walkClosing, walkEarlier, walkHoles, walkLive } from './lanes.ts';
import type { AccountReport } from './report.ts';
import { applyRetention, eraseOldRows } from './retention.ts';
import { runAccount } from './run.ts';

/**
 * Catches one account up: what is new first, then the holes that are due, the
 * days that are over, and at last whatever a moved start has opened. Once the
 * provider's clock is heard, it overwrites what lies beyond the account's
 * retention.
 */
export function pollAccount(
  account: SyncAccount,
  around: Surroundings,
  trigger: 'sync' | 'poll',
): Promise<AccountReport> {
  return runAccount(account, around, trigger, async (context) => {
    try {
      await pollWork(context);
    } finally {
      await eraseOldRows(context);
    }
  });
}

export async function pollWork(context: RunContext): Promise<void> {
  try {
    await syncDimensions(context);
    await walkLive(context);
  } finally {
    // A provider that answers, if only to refuse, keeps no number in clear.
    await applyRetention(context);
  }
  await walkHoles(context);
  await walkClosing(context);
  await walkEarlier(context);
}
