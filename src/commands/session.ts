import type { Language } from '../codes/entry.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/config.ts';
import type { CdrError } from '../errors.ts';
import { keepHeapSmall } from '../heap.ts';
import { type LogLevel, makeLog } from '../log.ts';
import { type Redactor, redactor } from '../redact.ts';
import { type RoomCheck, watchRoom } from '../store/disk.ts';
import { openStore, type Store } from '../store/store.ts';
import type { SyncAccount } from '../sync/account.ts';
import type { Log } from '../sync/log.ts';
import { unknownAccounts } from './known-accounts.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly logLevel?: LogLevel;
  readonly requireStore: boolean;
  /** Of the hints in text output. */
  readonly language: Language;
}

/** What a command works with once the configuration is read. */
export interface Session {
  readonly config: Config;
  readonly log: Log;
  readonly redact: Redactor;
  readonly globals: GlobalOptions;
  /** Whether the store's disk has room for what is fetched. */
  readonly room: RoomCheck;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** @param level what is logged on a terminal, where nothing else is asked for. */
export async function openSession(
  globals: GlobalOptions,
  signal: AbortSignal,
  level: LogLevel = 'warn',
): Promise<Session> {
  keepHeapSmall();
  const config = loadConfig(globals.config, process.env);
  const redact = redactor(config.secrets);
  const terminal = process.stderr.isTTY === true;
  // Where a command shows progress and a table, these say what the info lines would.
  const usual = globals.quiet ? 'error' : terminal ? level : 'info';
  const log = await makeLog({ level: globals.logLevel ?? usual, pretty: terminal, redact });
  for (const warning of config.warnings) log.warn({}, warning);
  const room = watchRoom(config.store, config.diskReserve);
  return { config, log, redact, globals, room, signal };
}

/** The store for a command that writes; creating one is announced. `existing`: for commands on what is there. */
export async function openSessionStore(
  { config, globals, log }: Session,
  wanted: 'any' | 'existing' = 'any',
): Promise<Store> {
  return openStore({
    url: config.store,
    mustExist: globals.requireStore || wanted === 'existing',
    onEvent: (event) => {
      switch (event.kind) {
        case 'created':
          return log.warn({ path: event.name }, 'a new store was created');
        case 'backed_up':
          return log.info({ path: event.path }, 'the store was backed up before its upgrade');
        case 'upgraded':
          return log.info({ path: event.name }, 'the tables of the store were upgraded');
      }
    },
  });
}

/** The configured accounts, or those named. */
export function chooseAccounts(config: Config, ids: readonly string[]): readonly SyncAccount[] {
  const unknown = ids.filter((id) => !config.accounts.some((account) => account.id === id));
  if (unknown.length > 0) throw unknownAccounts(unknown, config.accounts, config.path);
  const chosen = config.accounts.filter(({ id }) => ids.length === 0 || ids.includes(id));
  return chosen.map(
    ({
      id,
      connector,
      clock,
      startAt,
      every,
      lookback,
      settle,
      retention,
      windowDays,
      minInterval,
      login,
      ...rest
    }) => ({
      settings: { id, startAt, every, lookback, settle, retention },
      connector,
      rules: { clock, reach: connector.reach, days: windowDays },
      http: { timeout: rest.timeout, proxy: rest.proxy, ca: rest.ca },
      minInterval,
      login,
    }),
  );
}

/** A failure of the command itself, on the way out. */
export function exitCodeOf(error: CdrError): 1 | 2 {
  return error.fault.class === 'config' ? 2 : 1;
}
