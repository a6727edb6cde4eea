import type { Language } from '../codes/entry.ts';
import { type Failure, failureText, reportError } from '../errors.ts';
import type { Erasure, ErasureCounts, ErasureInAccount } from '../store/erasures.ts';
import { isoMillis } from '../time.ts';
import { count, narrowTable } from './table.ts';
import { wrapLines } from './wrap.ts';

/** What an erasure did, as a document and for people. No number is in either. */

export interface EraseReport {
  /** Its id in the register; null for a dry run. */
  readonly erasure: string | null;
  readonly masked: string;
  readonly reason: string;
  readonly accounts: readonly ErasedAccount[];
  readonly files: FilesReport;
  /** Databases beside the store, which may hold the number still. */
  readonly backups: readonly string[];
}

export interface ErasedAccount extends ErasureCounts {
  readonly account: string;
  /** `held`: another process kept the account for too long. */
  readonly state: 'erased' | 'counted' | 'held' | 'failed';
  readonly error: Failure | null;
}

export interface FilesReport {
  /**
   * - `clean`: the digits stood nowhere in the files. `rebuilt`: they did in
   *   unused space, so the store was written anew.
   * - `remains`: they do, and the store was not to be written anew.
   * - `busy`, `no_room`: why that could not be done.
   */
  readonly state: 'clean' | 'rebuilt' | 'remains' | 'busy' | 'no_room' | 'not_searched';
  /** How often the digits stand in the files now; null where that was not looked for, or tells nothing. */
  readonly occurrences: number | null;
  readonly error: Failure | null;
}

export function eraseJson({ masked, accounts, files, ...rest }: EraseReport): string {
  const document = {
    number_masked: masked,
    ...rest,
    accounts: accounts.map((account) => ({ ...account, error: errorJson(account.error) })),
    files: { ...files, error: errorJson(files.error) },
  };
  return `${JSON.stringify(document)}\n`;
}

function errorJson(error: Failure | null) {
  return error === null ? null : reportError(error);
}

export function eraseText(report: EraseReport, language: Language): string {
  const { accounts, files, backups, masked } = report;
  const head = ['account', 'state', 'calls', 'versions', 'quarantined', 'held'];
  const rows = accounts.map(({ account, state, calls, versions, quarantined, held }) => [
    account,
    state,
    ...[calls, versions, quarantined, held].map(count),
  ]);
  const errors = [...accounts, files].flatMap(({ error }) =>
    error === null ? [] : [`\n${failureText(error, language)}`],
  );
  const table =
    accounts.length === 0 ? 'The store has no such account yet.\n' : narrowTable(head, rows);
  return `${masked}\n\n${table}${wrapLines([...errors, filesText(files), backupsText(backups)].join(''))}`;
}

function filesText({ state, occurrences }: FilesReport): string {
  switch (state) {
    case 'clean':
      return '\nThe files of the store hold the number no more.\n';
    case 'rebuilt':
      return occurrences === null || occurrences === 0
        ? '\nThe store was written anew: unused space of its file held the number.\n'
        : `\nThe store was written anew. The digits still stand in it ${count(occurrences)} times: in ids that the provider builds of numbers, in accounts that were not named, or in calls that began since.\n`;
    case 'remains':
      return '\nUnused space of the store still holds the number: repeat the command without --no-rebuild.\n';
    case 'busy':
    case 'no_room':
    case 'not_searched':
      return '';
  }
}

function backupsText(backups: readonly string[]): string {
  if (backups.length === 0) return '';
  const lines = backups.map((path) => `  ${path}\n`).join('');
  return `\nThese copies beside the store are not changed. Delete those that hold the number:\n${lines}`;
}

type Listed = Erasure & { readonly inAccounts: readonly ErasureInAccount[] };

/** `finished`, or `unfinished` where the same command has to be repeated; a retention goes on for ever. */
function stateOf({ kind, inAccounts }: Listed): 'standing' | 'finished' | 'unfinished' {
  if (kind === 'retention') return 'standing';
  return inAccounts.every(({ finished_at }) => finished_at !== null) ? 'finished' : 'unfinished';
}

export function erasureListJson(erasures: readonly Listed[]): string {
  const documents = erasures.map((erasure) => {
    const { id, kind, requested_at, requested_by, reason, accounts, erased_to } = erasure;
    const named: readonly string[] | null = accounts === null ? null : JSON.parse(accounts);
    return {
      ...{ id, kind, state: stateOf(erasure), requested_at: isoMillis(requested_at), requested_by },
      ...{ reason, for_accounts: named, erased_to },
      accounts: erasure.inAccounts.map(
        ({ account_id, calls, versions, quarantined, held, finished_at }) => ({
          ...{ account: account_id, calls, versions, quarantined, held },
          finished_at: finished_at === null ? null : isoMillis(finished_at),
        }),
      ),
    };
  });
  return `${JSON.stringify({ erasures: documents })}\n`;
}

export function erasureListText(erasures: readonly Listed[]): string {
  if (erasures.length === 0) return 'Nothing was ever erased.\n';
  const text = erasures.map((erasure) => {
    const { id, requested_at, requested_by, reason, inAccounts } = erasure;
    const by = requested_by === null ? '' : ` by ${requested_by}`;
    const parts = inAccounts.map(
      ({ account_id, calls, versions, quarantined, held, finished_at }) =>
        `  ${account_id}: ${count(calls)} calls, ${count(versions)} versions, ${count(quarantined)} quarantined, ${count(held)} held${
          finished_at === null && erasure.kind === 'request' ? ', not finished' : ''
        }\n`,
    );
    const repeat =
      stateOf(erasure) === 'unfinished' ? '  → Repeat the same command: it was interrupted.\n' : '';
    return `${isoMillis(requested_at).slice(0, 19)}Z${by}, ${stateOf(erasure)}, ${id}\n  ${reason}\n${parts.join('')}${repeat}`;
  });
  return wrapLines(text.join('\n'));
}
