import { z } from 'zod';
import { NOTICE } from '../../src/sync/retention-notice.ts';
import { addDays } from '../../src/time.ts';
import { tamper } from './test-store.ts';
import { type Finished, query, shanghai } from './workbench.ts';

export { tamper } from './test-store.ts';

// What tests do to a store behind the back of the code under test, and what they ask of it.

/** As if the retentions that are announced had been announced for long enough. */
export function endNotice(path: string): void {
  tamper(path, 'update retentions set announced_at = announced_at - ?', NOTICE);
}

/** Some local days before today. */
export function ago(days: number): string {
  return addDays(shanghai.dayOf(Date.now()), -days);
}

/** A time of day, some local days before today. */
export function at(days: number, time: string): number {
  const found = shanghai.parse(`${ago(days)} ${time}`)?.at;
  if (found === undefined) throw new Error(`${time} is no time of day.`);
  return found;
}

const Day = z.object({ account_id: z.string(), day: z.string(), state: z.string() });

/** The states of an account's days, by day. */
export function dayStates(store: string, account: string): Record<string, string> {
  const sql = 'select account_id, day, state from days where account_id = ? order by day';
  return Object.fromEntries(query(store, Day, sql, account).map(({ day, state }) => [day, state]));
}

const Status = z.object({
  accounts: z.array(
    z.looseObject({
      account: z.string(),
      pending_windows: z.int(),
      days: z.record(z.string(), z.int()),
      holes: z.array(z.looseObject({ reason: z.string(), attempts: z.int() })),
      accepted: z.array(z.object({ day: z.string(), reason: z.string() })),
      lateness: z.object({ calls: z.int(), latest_seconds: z.int().nullable() }),
      alarms: z.array(z.looseObject({ code: z.string(), message: z.string() })),
    }),
  ),
});
export type AccountStatus = z.infer<typeof Status>['accounts'][number];

/** What `status --json` says of each account. */
export function statusOf({ json }: Finished): AccountStatus[] {
  return Status.parse(json).accounts;
}

/** What `status --json` says of the one account. */
export function oneStatus(result: Finished): AccountStatus {
  const [only, ...others] = statusOf(result);
  if (only === undefined || others.length > 0) throw new Error('One account was expected.');
  return only;
}
