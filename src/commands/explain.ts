import { configError } from '../errors.ts';
import { balanceDay, type DayBalance } from '../status/day-balance.ts';
import type { CallSums } from '../store/audits.ts';
import { type DayNumbers, readDayNumbers } from '../store/day-numbers.ts';
import { openStoreToRead, readSnapshot } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import { addDays, isDay, isoMillis, isoSeconds } from '../time.ts';
import { auditReport } from './audits.ts';
import { type ExplainedDay, explainText } from './explain-text.ts';
import { chooseAccounts, type GlobalOptions, openSession } from './session.ts';

export interface ExplainOptions {
  readonly day: string;
  /** One of the configured ones, or none where there is but one. */
  readonly account: readonly string[];
  /** False where other options of verify were given, which do not go with it. */
  readonly alone: boolean;
}

/**
 * Tells from the store alone why our number of a day may differ from the one in
 * the provider's console. Asks no provider; neither creates nor changes a store.
 *
 * @returns 0 where the numbers add up, 1 where a difference is left or the
 * provider's number is not known.
 */
export async function explainCommand(
  globals: GlobalOptions,
  { day, account, alone }: ExplainOptions,
  signal: AbortSignal,
): Promise<number> {
  const { config } = await openSession(globals, signal);
  const [chosen, ...others] = chooseAccounts(config, account);
  if (!isDay(day) || chosen === undefined || others.length > 0 || !alone) {
    throw configError(
      'usage.explain',
      '--explain takes one day of one account, and no other option of verify',
    );
  }
  const { settings, connector, rules } = chosen;
  const { clock } = rules;
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(storeName(config.store));
  const bounds = { from: clock.startOfDay(day), to: clock.startOfDay(addDays(day, 1)) };
  const numbers = await readSnapshot(store, (now) =>
    readDayNumbers(now, settings.id, day, bounds),
  ).finally(() => store.close());
  const balance = balanceDay(numbers);
  const explained = {
    ...{ account: settings.id, provider: connector.provider, day, clock },
    ...{ numbers, balance },
  };
  process.stdout.write(globals.json ? explainJson(explained) : explainText(explained));
  return balance.provider !== null && balance.unexplained === 0 ? 0 : 1;
}

function explainJson({ account, provider, day, clock, numbers, balance }: ExplainedDay): string {
  const { ledger, holes, audits } = numbers;
  const document = {
    account,
    provider,
    day,
    time_zone: clock.zone,
    state: ledger?.state ?? null,
    accepted_reason: ledger?.accepted_reason ?? null,
    provider_total: ledger?.provider_total ?? null,
    ...countsReport(numbers),
    holes: holes.map(({ from_at, to_at, reason }) => ({
      from: isoSeconds(from_at),
      to: isoSeconds(to_at),
      reason,
    })),
    audits: audits.map(auditReport),
    balance: balanceReport(balance),
  };
  return `${JSON.stringify(document)}\n`;
}

function countsReport(numbers: DayNumbers) {
  return {
    listed: sumsReport(numbers.listed),
    fees: sumsReport(numbers.fees),
    started: sumsReport(numbers.started),
    started_before: numbers.startedBefore,
    started_after: numbers.startedAfter,
    listed_before: numbers.listedBefore,
    listed_after: numbers.listedAfter,
    identity_conflicts: numbers.conflicts,
    identity_conflicts_beyond_first: numbers.conflictsBeyond,
    equal_rows_beyond_first: numbers.equalBeyond,
    day_guessed: numbers.guessed,
    missing: numbers.missing,
    quarantined: numbers.quarantined,
  };
}

function sumsReport({ calls, talkSeconds, cost }: CallSums) {
  return { calls, talk_seconds: talkSeconds, cost };
}

function balanceReport({ provider, terms, unexplained }: DayBalance) {
  if (provider === null) return null;
  return {
    provider: provider.rows,
    kind: provider.kind,
    source: provider.source,
    at: isoMillis(provider.at),
    terms,
    unexplained,
  };
}
