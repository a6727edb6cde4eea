import { text } from 'node:stream/consumers';
import type { Config } from '../config/config.ts';
import { CdrError, configError, failureOf } from '../errors.ts';
import { cleanWords, type Redactor } from '../redact.ts';
import { readAccounts } from '../store/accounts.ts';
import { overwriteDeleted } from '../store/erase-calls.ts';
import {
  hasOverwritten,
  markFilesClean,
  noErasureCounts,
  readErasures,
  registerRequest,
} from '../store/erasures.ts';
import { openStoreToRead, type Store } from '../store/store.ts';
import { missing, toStoreError } from '../store/trouble.ts';
import { storeName } from '../store-url.ts';
import { countErasable, eraseInAccount, type Erased as InAccount } from '../sync/erase.ts';
import { cleanFiles, copiesOf, isDone, NOT_SEARCHED, settleJournal, told } from './erase-files.ts';
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
import { requestTime } from './erase-time.ts';
import { type EraseOptions, type EraseWish, eraseWish } from './erase-wish.ts';
import { knownAccounts } from './known-accounts.ts';
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
  const number = options.number === '-' ? await text(process.stdin) : options.number;
  const wish = eraseWish(
    { ...options, ...(number === undefined ? {} : { number }) },
    session.redact,
  );
  const report =
    options.dryRun === true
      ? await count(session, wish, options)
      : await erase(session, wish, options).catch((thrown: unknown) => {
          if (signal.aborted) {
            process.stderr.write('cdrsync: stopped; the same command completes it\n');
          }
          throw thrown;
        });
  process.stdout.write(globals.json ? eraseJson(report) : eraseText(report, globals.language));
  const done = report.accounts.every(({ state }) => state === 'erased' || state === 'counted');
  return done && (options.dryRun === true || isDone(report.files)) ? 0 : 1;
}

async function list(
  { config, globals }: Session,
  { number, reason }: EraseOptions,
): Promise<number> {
  if (number !== undefined || reason !== undefined) {
    throw configError('usage.erase', '--list goes without --number and --reason');
  }
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(storeName(config.store));
  const erasures = await readErasures(store).finally(() => store.close());
  process.stdout.write(globals.json ? erasureListJson(erasures) : erasureListText(erasures));
  return 0;
}

async function count(
  { config, globals, redact, signal }: Session,
  wish: EraseWish,
  options: EraseOptions,
): Promise<EraseReport> {
  const { keys, digits, masked, reason } = wish;
  const store = await openStoreToRead(config.store);
  if (store === null) throw missing(storeName(config.store));
  const progress = eraseProgress(globals);
  const accounts: ErasedAccount[] = [];
  try {
    for (const account of await chosenAccounts(store, config, options)) {
      const sought = { accountId: account, keys: new Set(keys), digits, before: Date.now() };
      const { onProgress } = progress(account);
      const found = await countErasable({ store, sought, signal, onProgress });
      accounts.push({ account, ...toldOf(found, wish, redact), state: 'counted', error: null });
    }
  } finally {
    await store.close();
  }
  const backups = await copiesOf(config.store);
  return { erasure: null, masked, reason, accounts, files: NOT_SEARCHED, backups };
}

async function erase(
  session: Session,
  wish: EraseWish,
  options: EraseOptions,
): Promise<EraseReport> {
  const { config, globals, redact, signal } = session;
  const store = await openSessionStore(session, 'existing');
  const progress = eraseProgress(globals);
  const accounts: ErasedAccount[] = [];
  let erasure: string;
  let trouble: FilesReport | null;
  let touched: boolean;
  try {
    await overwriteDeleted(store);
    await chosenAccounts(store, config, options);
    const before = await requestTime(store, options);
    const { keys, digits, reason, requestedBy } = wish;
    const named = options.account.length === 0 ? null : [...options.account].sort();
    const request = { keys, reason, requestedBy, requestedAt: before, accounts: named };
    const { id, present } = await registerRequest(store, request);
    erasure = id;
    for (const account of present) {
      const sought = { accountId: account, keys: new Set(keys), digits, before };
      const { maxWait } = options;
      const work = { store, erasureId: erasure, sought, maxWait, signal, ...progress(account) };
      const inAccount = async () => toldOf(await eraseInAccount(work), wish, redact);
      accounts.push(await eraseAccount(account, inAccount, signal));
    }
    touched = await hasOverwritten(store, erasure);
    trouble = await settleJournal(config.store, store, options, signal);
  } finally {
    await store.close();
  }
  const erased = accounts.every(({ state }) => state === 'erased');
  const files = erased
    ? (trouble ?? (await finish(session, wish, touched, options, erasure)))
    : NOT_SEARCHED;
  const backups = await copiesOf(config.store);
  return { erasure, masked: wish.masked, reason: wish.reason, accounts, files, backups };
}

/** The files, and that they were seen to: until then the same command has something to do. */
async function finish(
  session: Session,
  wish: EraseWish,
  touched: boolean,
  options: EraseOptions,
  erasure: string,
): Promise<FilesReport> {
  const { config, signal } = session;
  const files = await cleanFiles(config.store, wish, touched, options, signal);
  if (!isDone(files)) return files;
  return told(signal, async () => {
    const store = await openSessionStore(session, 'existing');
    await markFilesClean(store, erasure, Date.now()).finally(() => store.close());
    return files;
  });
}

type Told = Omit<ErasedAccount, 'account' | 'state' | 'error'>;

/** What was found, fit to be shown: a field or an id may be made of numbers. */
function toldOf(
  { counts, asParty, inPayload, fields, inside, insideIds }: InAccount,
  { digits, masked }: Pick<EraseWish, 'digits' | 'masked'>,
  redact: Redactor,
): Told {
  return {
    ...counts,
    calls_as_party: asParty,
    calls_in_payload: inPayload,
    payload_keys: [...new Set(fields.map((field) => cleanWords(field, redact)))],
    digits_inside: inside,
    digits_inside_calls: insideIds.map((id) => id.replaceAll(digits, masked)),
  };
}

const NOTHING_TOLD: Told = {
  ...noErasureCounts(),
  ...{ calls_as_party: 0, calls_in_payload: 0, payload_keys: [] },
  ...{ digits_inside: 0, digits_inside_calls: [] },
};

/** One account's failure is its own: what can be erased of the others is. */
async function eraseAccount(
  account: string,
  work: () => Promise<Told>,
  signal: AbortSignal,
): Promise<ErasedAccount> {
  try {
    return { account, ...(await work()), state: 'erased', error: null };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const error = toStoreError(thrown);
    if (!(error instanceof CdrError)) throw thrown;
    const state = error.fault.code === 'erase.held' ? 'held' : 'failed';
    return { account, ...NOTHING_TOLD, state, error: failureOf(error.within({ account })) };
  }
}

/** Those that the store holds, whether they are still configured or not, or those named. */
async function chosenAccounts(
  store: Store,
  config: Config,
  { account }: EraseOptions,
): Promise<readonly string[]> {
  const known = await knownAccounts(store, config, account);
  const stored = new Set((await readAccounts(store)).map(({ id }) => id));
  return known.map(({ id }) => id).filter((id) => stored.has(id));
}
