import { CdrError, configError, type Failure, failureOf, fault } from '../errors.ts';
import { readAccounts } from '../store/accounts.ts';
import {
  type ErasureCounts,
  noErasureCounts,
  readErasures,
  registerRequest,
} from '../store/erasures.ts';
import {
  copiesBeside,
  countInFiles,
  emptyJournal,
  overwriteDeleted,
  rebuildFile,
} from '../store/remains.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { missing, toStoreError } from '../store/trouble.ts';
import { countErasable, eraseInAccount } from '../sync/erase.ts';
import { SECOND } from '../time.ts';
import { eraseProgress } from './erase-progress.ts';
import {
  type ErasedAccount,
  type EraseReport,
  eraseJson,
  eraseText,
  erasureListJson,
  erasureListText,
  type FilesReport,
} from './erase-text.ts';
import { type EraseOptions, type EraseWish, eraseWish } from './erase-wish.ts';
import { type GlobalOptions, openSession, openSessionStore, type Session } from './session.ts';

/**
 * Overwrites what the store holds of a number, on a person's request, and keeps
 * that it was asked for, so that nothing of it comes back in clear.
 *
 * @returns 1 where something is left to be done by the same command.
 */
export async function eraseCommand(
  globals: GlobalOptions,
  options: EraseOptions,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(globals, signal);
  if (options.list === true) return list(session, options);
  const wish = eraseWish(options, session.redact);
  const report =
    options.dryRun === true
      ? await count(session, wish, options)
      : await erase(session, wish, options);
  process.stdout.write(globals.json ? eraseJson(report) : eraseText(report, globals.language));
  const done = report.accounts.every(({ state }) => state === 'erased' || state === 'counted');
  return done && report.files.error === null ? 0 : 1;
}

async function list(
  { config, globals }: Session,
  { number, reason }: EraseOptions,
): Promise<number> {
  if (number !== undefined || reason !== undefined) {
    throw configError('usage.erase', '--list goes without --number and --reason');
  }
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(config.store);
  const erasures = await readErasures(store).finally(() => store.close());
  process.stdout.write(globals.json ? erasureListJson(erasures) : erasureListText(erasures));
  return 0;
}

async function count(
  { config }: Session,
  { forms, masked, reason }: EraseWish,
  options: EraseOptions,
): Promise<EraseReport> {
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(config.store);
  const accounts: ErasedAccount[] = [];
  try {
    for (const account of await chosenAccounts(store, config.accounts, options)) {
      const sought = { accountId: account, forms, before: Date.now() };
      const counts = await countErasable(store, sought);
      accounts.push({ account, ...counts, state: 'counted', error: null });
    }
  } finally {
    await store.close();
  }
  const files: FilesReport = { state: 'not_searched', occurrences: null, error: null };
  const backups = await copiesBeside(config.store);
  return { erasure: null, masked, reason, accounts, files, backups };
}

async function erase(
  session: Session,
  wish: EraseWish,
  options: EraseOptions,
): Promise<EraseReport> {
  const { config, globals, signal } = session;
  const store = await openSessionStore(session, 'existing');
  const progress = eraseProgress(globals);
  const accounts: ErasedAccount[] = [];
  let erasure: string;
  let emptied: boolean;
  try {
    await overwriteDeleted(store);
    await chosenAccounts(store, config.accounts, options);
    // By the end of this second: a call that started within it was there before the request.
    const before = Math.ceil(Date.now() / SECOND) * SECOND;
    const { forms, reason, requestedBy } = wish;
    const named = options.account.length === 0 ? null : [...options.account].sort();
    const request = { forms, reason, requestedBy, requestedAt: before, accounts: named };
    const { id, present } = await registerRequest(store, request);
    erasure = id;
    for (const account of present) {
      const sought = { accountId: account, forms, before };
      const { maxWait } = options;
      const work = { store, erasureId: erasure, sought, maxWait, signal, ...progress(account) };
      accounts.push(await eraseAccount(account, () => eraseInAccount(work), signal));
    }
    emptied = await emptyJournal(store, options.maxWait);
  } finally {
    await store.close();
  }
  const files = await cleanFiles(config.store, wish, { emptied, accounts }, options);
  const backups = await copiesBeside(config.store);
  return { erasure, masked: wish.masked, reason: wish.reason, accounts, files, backups };
}

/** One account's failure is its own: what can be erased of the others is. */
async function eraseAccount(
  account: string,
  work: () => Promise<ErasureCounts>,
  signal: AbortSignal,
): Promise<ErasedAccount> {
  try {
    return { account, ...(await work()), state: 'erased', error: null };
  } catch (thrown) {
    if (signal.aborted) {
      process.stderr.write('cdrsync: stopped; the same command completes it\n');
      throw thrown;
    }
    const error = toStoreError(thrown);
    if (!(error instanceof CdrError)) throw thrown;
    const state = error.fault.code === 'erase.held' ? 'held' : 'failed';
    return { account, ...noErasureCounts(), state, error: failureOf(error.within({ account })) };
  }
}

/** Those that the store holds, whether they are still configured or not, or those named. */
async function chosenAccounts(
  store: Store,
  configured: readonly { readonly id: string }[],
  { account }: EraseOptions,
): Promise<readonly string[]> {
  const stored = (await readAccounts(store)).map(({ id }) => id);
  const known = new Set([...stored, ...configured.map(({ id }) => id)]);
  const unknown = account.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    const names = [...known].join(', ');
    throw configError('usage.account', `no account ${unknown.join(', ')}`, {
      en: `The accounts are: ${names}.`,
      zh: `已有的账号：${names}。`,
    });
  }
  return stored.filter((id) => account.length === 0 || account.includes(id));
}

interface Erased {
  /** Whether the journal could be moved into the store. */
  readonly emptied: boolean;
  readonly accounts: readonly ErasedAccount[];
}

/** Searches the files of the closed store, and writes it anew where unused space holds the number. */
async function cleanFiles(
  url: string,
  { digits }: EraseWish,
  { emptied, accounts }: Erased,
  { short, rebuild, maxWait }: EraseOptions,
): Promise<FilesReport> {
  if (accounts.some(({ state }) => state !== 'erased')) {
    return { state: 'not_searched', occurrences: null, error: null };
  }
  if (!emptied) return troubled('busy');
  // So few digits stand everywhere: what matters is whether something was overwritten.
  const telling = short !== true;
  const before = telling ? await countInFiles(url, digits) : null;
  const clean = before === 0 || (!telling && accounts.every(({ calls }) => calls === 0));
  if (clean) return { state: 'clean', occurrences: before, error: null };
  if (!rebuild) return { state: 'remains', occurrences: before, error: null };
  const state = await rebuildFile(url, maxWait);
  if (state !== 'rebuilt') return troubled(state);
  return { state, occurrences: telling ? await countInFiles(url, digits) : null, error: null };
}

function troubled(state: 'busy' | 'no_room'): FilesReport {
  const error: Failure = failureOf(
    new CdrError(
      state === 'busy'
        ? fault('erase.busy', 'another process keeps the files of the store in use')
        : fault('erase.room', 'the disk has no room to write the store anew'),
    ),
  );
  return { state, occurrences: null, error };
}
