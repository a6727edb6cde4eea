import { QUESTIONABLE } from '../day-state.ts';
import { type Failure, reportError } from '../errors.ts';
import { countQuarantined, countStored, readDay } from '../store/days.ts';
import { type Counts, endRun, noCounts } from '../store/runs.ts';
import { readSnapshot, transact } from '../store/store.ts';
import { isoMillis } from '../time.ts';
import type { Surroundings, SyncAccount } from './account.ts';
import type { RunContext } from './context.ts';
import { pauseAfter } from './pause.ts';
import type { AccountReport, DayReport } from './report.ts';

/** How a run came to its end. */
export interface Ending {
  readonly trigger: string;
  readonly error: Failure | null;
  readonly stopped: boolean;
}

/** Enters the end of a run into the store, and reports it. */
export async function conclude(
  account: SyncAccount,
  { log }: Surroundings,
  context: RunContext | null,
  { trigger, error, stopped }: Ending,
): Promise<AccountReport> {
  const { settings, connector } = account;
  const counts =
    context === null ? noCounts() : { ...context.counts, requests: context.client.requests() };
  const days = context === null ? [] : await dayReports(context).catch(onlyAfter(error));
  const unproven = days.some(({ state }) => QUESTIONABLE.includes(state));
  const partial = stopped || unproven || counts.quarantined > 0 || counts.holes > 0;
  const state = error !== null ? 'failed' : partial ? 'incomplete' : 'ok';
  if (context !== null) {
    const end = { state: stopped ? 'stopped' : state, error, counts, stopped };
    // A store that fails now has failed before: its first failure is what the report tells.
    await enterEnd(account, context, end).catch((thrown: unknown) => {
      if (error === null) throw thrown;
    });
  }
  const report = {
    account: settings.id,
    provider: connector.provider,
    state,
    ...counts,
    error,
    held_by: null,
    days,
  } as const;
  const { days: _days, error: _error, held_by: _heldBy, ...told } = report;
  const line = { trigger, ...told };
  if (error === null) log.info(line, stopped ? 'stopped' : 'done');
  else log.error({ ...line, code: error.code, hint: error.hint.en }, error.message);
  return report;
}

interface End {
  readonly state: string;
  readonly error: Failure | null;
  readonly counts: Counts;
  readonly stopped: boolean;
}

async function enterEnd(
  { settings, login }: SyncAccount,
  { store, runId }: RunContext,
  { state, error, counts, stopped }: End,
): Promise<void> {
  const gotThrough = error === null && !stopped && counts.requests > 0;
  const pause = await pauseAfter(store, { id: settings.id, login }, { error, gotThrough });
  const text = error === null ? null : JSON.stringify(reportError(error));
  await transact(store, async (trx) => {
    await endRun(trx, runId, { state, error: text, counts, now: Date.now() });
    await pause(trx);
  });
}

/** After a failure a further one tells nothing new; without one it must not pass for success. */
function onlyAfter(error: Failure | null): (thrown: unknown) => readonly DayReport[] {
  return (thrown) => {
    if (error === null) throw thrown;
    return [];
  };
}

async function dayReports({
  store,
  settings,
  days,
  audits,
}: RunContext): Promise<readonly DayReport[]> {
  return readSnapshot(store, async ({ db }) => {
    const reports: DayReport[] = [];
    for (const [day, news] of [...days].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const row = await readDay(db, settings.id, day);
      const audit = audits.get(day);
      reports.push({
        day,
        state: row?.state ?? 'open',
        provider_total: row?.provider_total ?? null,
        listed: audit?.listed ?? row?.listed ?? null,
        stored: await countStored(db, settings.id, day),
        ...news,
        missing: audit?.missing ?? 0,
        quarantined: await countQuarantined(db, settings.id, day),
        audited_at: audit === undefined ? null : isoMillis(audit.audited_at),
      });
    }
    return reports;
  });
}
