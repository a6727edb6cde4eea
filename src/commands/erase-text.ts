import type { Language } from '../codes/entry.ts';
import { type Failure, failureText, reportError } from '../errors.ts';
import { type ErasureCounts, isUnfinished, type RegisteredErasure } from '../store/erasures.ts';
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
  /** Calls of which the number is the caller's, the callee's or the agent's. */
  readonly calls_as_party: number;
  /** Calls that have it nowhere but in the payload. */
  readonly calls_in_payload: number;
  /** The names of the fields in which these have it. */
  readonly payload_keys: readonly string[];
  /** Calls that stay as they are, and hold the digits inside longer ones or in an id. */
  readonly digits_inside: number;
  /** Some of these, by `call_id`. */
  readonly digits_inside_calls: readonly string[];
  /** `held`: another process kept the account for too long. */
  readonly state: 'erased' | 'counted' | 'held' | 'failed';
  readonly error: Failure | null;
}

export interface FilesReport {
  /**
   * - `clean`: the digits stood nowhere in the files. `rebuilt`: they did in
   *   unused space, so the store was written anew.
   * - `remains`: they do, and the store was not to be written anew.
   * - `busy`, `no_room`, `failed`: why that could not be done.
   */
  readonly state: 'clean' | 'rebuilt' | 'remains' | 'busy' | 'no_room' | 'failed' | 'not_searched';
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
  return `${masked}\n\n${table}${wrapLines([...accounts.map(placesText), ...errors, filesText(files), backupsText(backups)].join(''))}`;
}

/** What an operator has to look at: calls that are not of the number as a party, and what stays. */
function placesText(told: ErasedAccount): string {
  const { account, calls_in_payload, payload_keys, digits_inside, digits_inside_calls } = told;
  const inPayload =
    calls_in_payload === 0
      ? ''
      : `\n${account}: ${count(calls_in_payload)} of these calls have the number in the payload alone, in ${payload_keys.join(', ')}.\n`;
  const rest = digits_inside > digits_inside_calls.length ? ', …' : '';
  const inside =
    digits_inside === 0
      ? ''
      : `\n${account}: ${count(digits_inside)} calls that are not touched hold the digits inside longer ones or in an id: ${digits_inside_calls.join(', ')}${rest}. Where that is the number behind a prefix, erase it as it stands there, too.\n`;
  return inPayload + inside;
}

function filesText({ state, occurrences }: FilesReport): string {
  switch (state) {
    case 'clean':
      return '\nThe files of the store hold the number no more.\n';
    case 'rebuilt':
      if (occurrences === null)
        return '\nThe store was written anew: its unused space holds nothing of what was overwritten.\n';
      return occurrences === 0
        ? '\nThe store was written anew: unused space of its file held the number.\n'
        : `\nThe store was written anew. The digits still stand in it ${count(occurrences)} times: in ids, inside longer digits, in accounts that were not named, or in calls that began since.\n`;
    case 'remains':
      return '\nUnused space of the store still holds the number: repeat the command without --no-rebuild.\n';
    case 'busy':
    case 'no_room':
    case 'failed':
    case 'not_searched':
      return '';
  }
}

function backupsText(backups: readonly string[]): string {
  if (backups.length === 0) return '';
  const lines = backups.map((path) => `  ${path}\n`).join('');
  return `\nThese copies beside the store are not changed. Delete those that hold the number:\n${lines}`;
}

/** `finished`, or `unfinished` where the same command has to be repeated; a retention goes on for ever. */
function stateOf(erasure: RegisteredErasure): 'standing' | 'finished' | 'unfinished' {
  if (erasure.kind === 'retention') return 'standing';
  return isUnfinished(erasure) ? 'unfinished' : 'finished';
}

export function erasureListJson(erasures: readonly RegisteredErasure[]): string {
  const documents = erasures.map((erasure) => {
    const { id, kind, requested_at, requested_by, reason, accounts, erased_to, files_clean_at } =
      erasure;
    const named: readonly string[] | null = accounts === null ? null : JSON.parse(accounts);
    return {
      ...{ id, kind, state: stateOf(erasure), requested_at: isoMillis(requested_at), requested_by },
      ...{ reason, for_accounts: named, erased_to },
      files_clean_at: files_clean_at === null ? null : isoMillis(files_clean_at),
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

export function erasureListText(erasures: readonly RegisteredErasure[]): string {
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
      stateOf(erasure) === 'unfinished'
        ? '  → Repeat the same command: something is left to be done.\n'
        : '';
    return `${isoMillis(requested_at).slice(0, 19)}Z${by}, ${stateOf(erasure)}, ${id}\n  ${reason}\n${parts.join('')}${repeat}`;
  });
  return wrapLines(text.join('\n'));
}
