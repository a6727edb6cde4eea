import { pollAccount } from '../sync/poll.ts';
import type { AccountReport } from '../sync/report.ts';
import { leftAlone } from '../sync/unattended.ts';
import { showProgress } from './progress.ts';
import { reportExitCode, reportJson, reportText } from './reports.ts';
import { chooseAccounts, type GlobalOptions, openSession, openSessionStore } from './session.ts';

export interface SyncOptions {
  readonly account: readonly string[];
  /** Milliseconds after which the run stops at its next page. */
  readonly maxTime?: number;
}

/** Catches the accounts up to now, all at once, and tells what came of each. Without names it keeps to their pauses. */
export async function syncCommand(
  globals: GlobalOptions,
  { account, maxTime }: SyncOptions,
  interrupted: AbortSignal,
): Promise<number> {
  const limits = maxTime === undefined ? [] : [AbortSignal.timeout(maxTime)];
  const session = await openSession(globals, AbortSignal.any([interrupted, ...limits]));
  const accounts = chooseAccounts(session.config, account);
  const store = await openSessionStore(session);
  const progress = showProgress('sync', globals);
  let reports: readonly AccountReport[];
  try {
    const around = { ...session, store, onProgress: progress.update };
    const paused = account.length === 0 ? await leftAlone(accounts, around) : null;
    reports = await Promise.all(
      accounts.map((one) => paused?.get(one.settings.id) ?? pollAccount(one, around, 'sync')),
    );
  } finally {
    progress.stop();
    await store.close();
  }
  const { json, language } = globals;
  process.stdout.write(json ? reportJson(reports) : reportText(reports, language));
  return reportExitCode(reports);
}
