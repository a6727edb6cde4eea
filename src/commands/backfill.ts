import { configError } from '../errors.ts';
import { requestBackfill } from '../store/backfills.ts';
import type { SyncAccount } from '../sync/account.ts';
import { type BackfillRange, backfillAccount } from '../sync/backfill.ts';
import { planSpan, settledNow } from '../sync/windows.ts';
import { isoSeconds, type Span } from '../time.ts';
import { showProgress } from './progress.ts';
import { readInstant } from './ranges.ts';
import { reportExitCode, reportJson, reportText } from './reports.ts';
import {
  chooseAccounts,
  type GlobalOptions,
  openSession,
  openSessionStore,
  type Session,
} from './session.ts';
import { wrapLines } from './wrap.ts';

export interface BackfillOptions {
  readonly account: string;
  readonly from: string;
  readonly to: string;
  readonly concurrency: number;
  readonly dryRun?: boolean;
  /** Hands it to the workers instead of walking here. */
  readonly queue?: boolean;
}

/** Walks a past range of one account, or tells what that would ask for. */
export async function backfillCommand(
  globals: GlobalOptions,
  options: BackfillOptions,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(globals, signal);
  const [account] = chooseAccounts(session.config, [options.account]);
  if (account === undefined) throw new TypeError('an account that was found is missing');
  const { clock } = account.rules;
  const range: BackfillRange = {
    from: readInstant('--from', options.from, clock),
    to: readInstant('--to', options.to, clock),
    concurrency: options.concurrency,
  };
  if (range.from >= range.to) {
    throw configError('usage.range', '--from is not before --to');
  }
  if (range.from > Date.now()) {
    throw configError('usage.future', 'the range has not come yet');
  }
  if (options.dryRun === true) {
    const plan = dryRun(account, range);
    process.stdout.write(globals.json ? `${JSON.stringify(plan)}\n` : planText(plan));
    return 0;
  }
  if (options.queue === true) return handOver(session, account, range);
  const store = await openSessionStore(session);
  const progress = showProgress('backfill', globals);
  try {
    const around = { ...session, store, onProgress: progress.update };
    const reports = [await backfillAccount(account, around, range)];
    progress.stop();
    const { json, language } = globals;
    process.stdout.write(json ? reportJson(reports) : reportText(reports, language));
    return reportExitCode(reports);
  } finally {
    progress.stop();
    await store.close();
  }
}

/** What `--queue` prints with `--json`. */
interface HandedOver {
  readonly account: string;
  readonly provider: string;
  readonly from: string;
  readonly to: string;
  readonly requested_at: string;
  readonly windows: number;
}

async function handOver(
  session: Session,
  account: SyncAccount,
  { concurrency, from, to }: BackfillRange,
): Promise<number> {
  const { settings, connector } = account;
  const store = await openSessionStore(session);
  try {
    const backfill = await requestBackfill(store, {
      account_id: settings.id,
      from_at: from,
      to_at: to,
      concurrency,
      windows: dryRun(account, { from, to }).windows.length,
    });
    const handed: HandedOver = {
      account: settings.id,
      provider: connector.provider,
      ...textSpan({ from, to }),
      requested_at: isoSeconds(backfill.requested_at),
      windows: backfill.windows,
    };
    const text = `${settings.id}: ${handed.windows} windows wait for a worker; \`cdrsync status\` tells how far it is\n`;
    process.stdout.write(session.globals.json ? `${JSON.stringify(handed)}\n` : wrapLines(text));
    return 0;
  } finally {
    await store.close();
  }
}

interface TextSpan {
  readonly from: string;
  readonly to: string;
}

/** What `--dry-run` prints with `--json`. */
interface DryRun {
  readonly account: string;
  readonly provider: string;
  readonly windows: readonly TextSpan[];
  /** At the least: a window of many calls takes a request for each page. */
  readonly requests: number;
  readonly out_of_reach: TextSpan | null;
  readonly not_settled: TextSpan | null;
}

function dryRun({ settings, connector, rules }: SyncAccount, { from, to }: Span): DryRun {
  const now = Date.now();
  const settled = Math.max(from, Math.min(to, settledNow(now, null, settings.settle)));
  const { windows, unreachable } = planSpan({ from, to: settled }, now, rules);
  return {
    account: settings.id,
    provider: connector.provider,
    windows: windows.map(textSpan),
    requests: windows.length,
    out_of_reach: unreachable === null ? null : textSpan(unreachable),
    not_settled: settled < to ? textSpan({ from: settled, to }) : null,
  };
}

function textSpan({ from, to }: Span): TextSpan {
  return { from: isoSeconds(from), to: isoSeconds(to) };
}

function planText({ account, windows, requests, out_of_reach, not_settled }: DryRun): string {
  const lines = windows.map(({ from, to }) => `  ${from}  ${to}`);
  const reach =
    out_of_reach === null
      ? []
      : [`Out of the provider's reach: ${out_of_reach.from} to ${out_of_reach.to}`];
  const open =
    not_settled === null ? [] : [`Not settled yet: ${not_settled.from} to ${not_settled.to}`];
  const total = `${account}: ${windows.length} windows, at least ${requests} requests; more where a window fills several pages`;
  return wrapLines(`${[...lines, ...reach, ...open, total].join('\n')}\n`);
}
