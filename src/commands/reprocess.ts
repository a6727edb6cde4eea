import { openStoreToRead, type Store } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import type { SyncAccount } from '../sync/account.ts';
import { storedNames } from '../sync/dimensions.ts';
import { type Erasing, NOTHING_ERASED } from '../sync/erasing.ts';
import type { AccountReport } from '../sync/report.ts';
import { type Reprocessed, reprocess } from '../sync/reprocess.ts';
import { runAccount } from '../sync/run.ts';
import { reportExitCode, reportJson, reportText } from './reports.ts';
import {
  chooseAccounts,
  type GlobalOptions,
  openSession,
  openSessionStore,
  type Session,
} from './session.ts';
import { count, table } from './table.ts';

export interface ReprocessOptions {
  readonly account: readonly string[];
  readonly dryRun?: boolean;
}

interface Outcome extends Reprocessed {
  readonly account: string;
}

/** Applies the current mapping to what is stored, or tells what that would change. Asks no provider. */
export async function reprocessCommand(
  globals: GlobalOptions,
  { account, dryRun }: ReprocessOptions,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(globals, signal);
  const accounts = chooseAccounts(session.config, account);
  return dryRun === true ? countChanges(session, accounts) : applyChanges(session, accounts);
}

async function countChanges(
  { config, globals }: Session,
  accounts: readonly SyncAccount[],
): Promise<number> {
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(storeName(config.store));
  const outcomes: Outcome[] = [];
  try {
    for (const account of accounts) {
      const accountId = account.settings.id;
      const mapper = await mapperOf(account, store, NOTHING_ERASED);
      outcomes.push({ account: accountId, ...(await reprocess(mapper, null)) });
    }
  } finally {
    await store.close();
  }
  process.stdout.write(
    globals.json ? `${JSON.stringify({ accounts: outcomes })}\n` : outcomeText(outcomes),
  );
  return 0;
}

async function applyChanges(session: Session, accounts: readonly SyncAccount[]): Promise<number> {
  const { globals } = session;
  const store = await openSessionStore(session, 'existing');
  const outcomes: Outcome[] = [];
  const reports: AccountReport[] = [];
  try {
    const around = { ...session, store, onProgress: () => undefined };
    for (const account of accounts) {
      const report = await runAccount(account, around, 'reprocess', async (context) => {
        const mapper = await mapperOf(account, store, context.erasing);
        outcomes.push({ account: account.settings.id, ...(await reprocess(mapper, context)) });
      });
      reports.push(report);
    }
  } finally {
    await store.close();
  }
  if (globals.json) process.stdout.write(reportJson(reports));
  else {
    const failed = reportExitCode(reports) === 0 ? '' : reportText(reports, globals.language);
    process.stdout.write(outcomeText(outcomes) + failed);
  }
  return reportExitCode(reports);
}

async function mapperOf(
  { settings, connector, rules }: SyncAccount,
  store: Store,
  erasing: Erasing,
) {
  const accountId = settings.id;
  const names = await storedNames(store, accountId, connector);
  return { store, accountId, connector, clock: rules.clock, names, erasing };
}

function outcomeText(outcomes: readonly Outcome[]): string {
  const head = ['account', 'calls', 'changed', 'rejected', 'quarantined', 'released', 'columns'];
  const rows = outcomes.map((outcome) => [
    outcome.account,
    ...[
      outcome.calls,
      outcome.changed,
      outcome.rejected,
      outcome.quarantined,
      outcome.released,
    ].map(count),
    Object.entries(outcome.columns)
      .map(([name, number]) => `${name} ${count(number)}`)
      .join(', '),
  ]);
  return table(head, rows);
}
