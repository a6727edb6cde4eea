import { alarmHint } from '../codes/catalogue.ts';
import type { ErrorReport, Failure } from '../errors.ts';
import { type Pause, readPause } from '../store/pauses.ts';
import { lastErrorOf, noCounts } from '../store/runs.ts';
import type { Surroundings, SyncAccount } from './account.ts';
import { isPaused } from './pause.ts';
import type { AccountReport } from './report.ts';

/**
 * What a command that names no account reports of those that are paused: it may
 * be a cron job that would have a login refused every five minutes. They failed
 * with what their last refusal said. Nothing is asked and no run is recorded, so
 * that the last run stays the one that did ask.
 *
 * @returns reports by account; one that is to be asked has none.
 * @throws what the database throws, as it came.
 */
export async function leftAlone(
  accounts: readonly SyncAccount[],
  { store, log }: Pick<Surroundings, 'store' | 'log'>,
): Promise<ReadonlyMap<string, AccountReport>> {
  const reports = new Map<string, AccountReport>();
  for (const { settings, connector, rules, login } of accounts) {
    const { id: account } = settings;
    const pause = await readPause(store.db, account);
    if (pause === null || !(await isPaused(pause, login, Date.now()))) continue;
    const stored = await lastErrorOf(store, account, 'auth');
    const error = notAsked(pause, rules.clock.formatWithOffset(pause.until), stored);
    log.warn({ account, code: error.code, hint: error.hint.en }, error.message);
    const { provider } = connector;
    const blank = { account, provider, ...noCounts(), held_by: null, days: [] };
    reports.set(account, { ...blank, state: 'failed', error });
  }
  return reports;
}

/** @param stored JSON of the error of the last run that was refused. */
function notAsked(
  { account_id: account, refusals }: Pause,
  until: string,
  stored: string | null,
): Failure {
  const last: ErrorReport | null = stored === null ? null : JSON.parse(stored);
  const failure = last ?? { code: 'auth.rejected' };
  const times = `${refusals} time${refusals === 1 ? '' : 's'}`;
  const told = last === null ? '' : `; the last time: ${last.message}`;
  return {
    code: failure.code,
    class: 'auth',
    message: `${account}: not asked: the login was refused ${times}, left alone until ${until}${told}`,
    // Who names the account has it asked at once: that is what the alarm of a refusal says, too.
    hint: alarmHint('auth', { ID: account }, failure),
  };
}
