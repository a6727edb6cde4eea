import { configError } from '../errors.ts';
import { numberForms } from '../phone-number.ts';
import { type Dossier, readDossier } from '../store/dossier.ts';
import type { NumberScope } from '../store/engine.ts';
import { callsWithId, callsWithNumber, type Found } from '../store/find-calls.ts';
import { openStoreToRead, readSnapshot, type Store } from '../store/store.ts';
import { isoSeconds, type ZoneClock, zoneClock } from '../time.ts';
import { type KnownAccount, knownAccounts, withoutStore } from './known-accounts.ts';
import { readInstant } from './ranges.ts';
import { type GlobalOptions, openSession } from './session.ts';
import { showJson } from './show-json.ts';
import { callsText, moreText, numberText } from './show-text.ts';
import { type UnprovenDays, unprovenDays, unprovenText } from './unproven.ts';

export interface ShowOptions {
  readonly account?: string;
  readonly number?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  /** Also the payloads, in the text; the JSON always has them. */
  readonly raw?: boolean;
}

/** What is looked for: one call, or the calls of a number. */
type Wish =
  | { readonly kind: 'call'; readonly id: string }
  | { readonly kind: 'number'; readonly forms: readonly string[] };

/**
 * Shows one call with all that is known of it, or the calls of a number. Asks
 * no provider; neither creates nor changes a store.
 *
 * @returns 1 where nothing is found.
 */
export async function showCommand(
  globals: GlobalOptions,
  callId: string | undefined,
  options: ShowOptions,
  signal: AbortSignal,
): Promise<number> {
  const wish = wishOf(callId, options);
  const { config } = await openSession(globals, signal);
  const store = await openStoreToRead(config.store);
  const ids = options.account === undefined ? [] : [options.account];
  if (store === null) throw withoutStore(config, ids);
  try {
    return await readSnapshot(store, async (now) => {
      const accounts = await knownAccounts(now, config, ids);
      const found = await find(now, wish, accounts, options);
      return found.records.length === 0
        ? notFound(now, globals, wish, accounts, options)
        : tell(now, globals, wish, accounts, found, options);
    });
  } finally {
    await store.close();
  }
}

function wishOf(callId: string | undefined, { number, from, to }: ShowOptions): Wish {
  const ranged = from !== undefined || to !== undefined;
  if (callId !== undefined && number === undefined && !ranged) return { kind: 'call', id: callId };
  if (callId === undefined && number !== undefined && number.trim() !== '') {
    return { kind: 'number', forms: numberForms(number) };
  }
  throw configError(
    'usage.show',
    'show takes a call id, or --number with or without --from and --to',
  );
}

async function find(
  store: Store,
  wish: Wish,
  accounts: readonly KnownAccount[],
  options: ShowOptions,
): Promise<Found> {
  const ids = accounts.map(({ id }) => id);
  if (wish.kind === 'call') return callsWithId(store, wish.id, ids, options.limit);
  return callsWithNumber(store, wish.forms, scopesOf(accounts, options), options.limit);
}

/** One scope for each range of instants: a day means another one in another zone. */
function scopesOf(
  accounts: readonly KnownAccount[],
  { account, from, to }: ShowOptions,
): readonly NumberScope[] {
  const instant = (option: string, text: string | undefined, clock: ZoneClock): string | null =>
    text === undefined ? null : isoSeconds(readInstant(option, text, clock));
  const groups = new Map<string, { ids: string[]; from: string | null; to: string | null }>();
  for (const { id, clock } of accounts) {
    const range = { from: instant('--from', from, clock), to: instant('--to', to, clock) };
    if (range.from !== null && range.to !== null && range.from >= range.to) {
      throw configError('usage.range', '--from is not before --to');
    }
    const key = `${range.from}/${range.to}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ids: [id], ...range });
    else group.ids.push(id);
  }
  const every = account === undefined && groups.size === 1;
  return [...groups.values()].map(({ ids, ...range }) => ({
    accountIds: every ? null : ids,
    ...range,
  }));
}

async function tell(
  store: Store,
  globals: GlobalOptions,
  wish: Wish,
  accounts: readonly KnownAccount[],
  { records, more }: Found,
  { limit, raw }: ShowOptions,
): Promise<number> {
  const clockOf = (account: string): ZoneClock =>
    accounts.find(({ id }) => id === account)?.clock ?? zoneClock('UTC');
  if (wish.kind === 'number' && !globals.json) {
    process.stdout.write(numberText(records, clockOf));
  } else {
    const dossiers: Dossier[] = [];
    for (const record of records) dossiers.push(await readDossier(store, record));
    process.stdout.write(
      globals.json ? showJson(dossiers, more) : callsText(dossiers, clockOf, raw === true),
    );
  }
  if (more) process.stderr.write(moreText(limit));
  return 0;
}

async function notFound(
  store: Store,
  globals: GlobalOptions,
  wish: Wish,
  accounts: readonly KnownAccount[],
  { from, to }: ShowOptions,
): Promise<number> {
  const now = Date.now();
  const unproven: UnprovenDays[] = [];
  for (const { id, clock } of accounts) {
    const begin = from === undefined ? null : readInstant('--from', from, clock);
    const end = to === undefined ? now : Math.min(now, readInstant('--to', to, clock) - 1);
    const range = { from: begin === null ? null : clock.dayOf(begin), to: clock.dayOf(end) };
    unproven.push(await unprovenDays(store, id, clock, range));
  }
  if (globals.json) process.stdout.write(`${JSON.stringify({ calls: [], unproven })}\n`);
  const what = wish.kind === 'call' ? 'call of this id' : 'call of this number in the range';
  process.stderr.write(`cdrsync: the store holds no ${what}\n${unprovenText(unproven)}`);
  return 1;
}
