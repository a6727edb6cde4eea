import { onTestFinished } from 'vitest';
import { chooseAccounts } from '../../src/commands/session.ts';
import { loadConfig } from '../../src/config/config.ts';
import { numberKeys } from '../../src/number-match.ts';
import { numberForms, sharedDigits } from '../../src/phone-number.ts';
import { redactor } from '../../src/redact.ts';
import { overwriteDeleted } from '../../src/store/erase-calls.ts';
import { type ErasureCounts, registerRequest } from '../../src/store/erasures.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import type { SyncAccount } from '../../src/sync/account.ts';
import { backfillAccount } from '../../src/sync/backfill.ts';
import { type EraseProgress, eraseInAccount } from '../../src/sync/erase.ts';
import { pollAccount } from '../../src/sync/poll.ts';
import type { AccountReport } from '../../src/sync/report.ts';
import { type Reprocessed, reprocess } from '../../src/sync/reprocess.ts';
import { runAccount } from '../../src/sync/run.ts';
import { verifyAccount } from '../../src/sync/verify.ts';
import type { Span } from '../../src/time.ts';
import { shanghai, type Workbench } from './workbench.ts';

/**
 * The engine on a workbench's configuration and store, in this process: what
 * the commands call, without the second that each start of the binary takes.
 */
export interface Engine {
  readonly store: Store;
  readonly accounts: readonly SyncAccount[];
  /** What was logged, as text. */
  log(): string;
  sync(account?: string): Promise<readonly AccountReport[]>;
  verify(day: string, account?: string): Promise<readonly AccountReport[]>;
  backfill(span: Span, account?: string): Promise<readonly AccountReport[]>;
  reprocess(account?: string): Promise<readonly Reprocessed[]>;
  /** What `erase` does to the store, but for its files. */
  erase(number: string, options?: EraseOptions): Promise<readonly ErasureCounts[]>;
}

interface EraseOptions {
  readonly accounts?: readonly string[];
  readonly requestedAt?: number;
  readonly inPayload?: boolean;
  readonly onProgress?: (progress: EraseProgress) => void;
}

export async function openEngine(bench: Workbench): Promise<Engine> {
  const config = loadConfig(bench.config, {});
  const url = config.store;
  const store = await openStore({ url, mustExist: false, onEvent: () => undefined });
  onTestFinished(() => store.close());
  const accounts = chooseAccounts(config, []);
  const lines: string[] = [];
  const write = (fields: object, message: string): void => {
    lines.push(`${JSON.stringify(fields)} ${message}`);
  };
  const log = { debug: write, info: write, warn: write, error: write };
  const around = {
    store,
    log,
    redact: redactor(config.secrets),
    room: async () => undefined,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
  const each = <Result>(
    account: string | undefined,
    work: (account: SyncAccount) => Promise<Result>,
  ): Promise<Result[]> =>
    Promise.all(
      accounts.filter(({ settings }) => account === undefined || settings.id === account).map(work),
    );
  return {
    store,
    accounts,
    log: () => lines.join('\n'),
    sync: (account) => each(account, (one) => pollAccount(one, around, 'sync')),
    verify: (day, account) => {
      const from = shanghai.startOfDay(day);
      const span = { from, to: from + 1 };
      return each(account, (one) => verifyAccount(one, around, { kind: 'range', span }));
    },
    backfill: (span, account) =>
      each(account, (one) => backfillAccount(one, around, { ...span, concurrency: 1 })),
    reprocess: (account) =>
      each(account, async (one) => {
        const results: Reprocessed[] = [];
        await runAccount(one, around, 'reprocess', async (context) => {
          const accountId = one.settings.id;
          results.push(await reprocess({ ...context, accountId }, context));
        });
        const [result] = results;
        if (result === undefined) throw new Error(`Nothing was reprocessed: ${lines.join('\n')}`);
        return result;
      }),
    erase: async (number, options = {}) => {
      const { accounts: named = null, requestedAt = Date.now(), inPayload = false } = options;
      await overwriteDeleted(store);
      const forms = numberForms(number);
      const keys = numberKeys(forms, inPayload);
      const request = { keys, reason: 'a request', requestedBy: 'test', requestedAt };
      const { id: erasureId, present } = await registerRequest(store, {
        ...request,
        accounts: named,
      });
      const counts: ErasureCounts[] = [];
      for (const accountId of present) {
        const digits = sharedDigits(forms);
        const sought = { accountId, keys: new Set(keys), digits, before: requestedAt };
        const erased = await eraseInAccount({
          ...{ store, erasureId, sought, maxWait: 0, signal: around.signal },
          ...{ onWait: () => undefined, onProgress: options.onProgress ?? (() => undefined) },
        });
        counts.push(erased.counts);
      }
      return counts;
    },
  };
}
