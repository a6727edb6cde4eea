import { pollAccount } from '../sync/poll.ts';
import type { AccountReport } from '../sync/report.ts';
import { showProgress } from './progress.ts';
import { reportExitCode, reportJson, reportText } from './reports.ts';
import { chooseAccounts, type GlobalOptions, openSession, openSessionStore } from './session.ts';

export interface SyncOptions {
  readonly account: readonly string[];
  /** Milliseconds after which the run stops at its next page. */
  readonly maxTime?: number;
}

/** Catches the accounts up to now, all at once, and tells what came of each. */
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
    reports = await Promise.all(accounts.map((one) => pollAccount(one, around, 'sync')));
  } finally {
    progress.stop();
    await store.close();
  }
  process.stdout.write(globals.json ? reportJson(reports) : reportText(reports));
  return reportExitCode(reports);
}
