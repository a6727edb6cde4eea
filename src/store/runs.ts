import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { MINUTE } from '../time.ts';
import type { RunsTable } from './schema.ts';
import { type Store, type StoreTransaction, transact } from './store.ts';

/** What a run counts. `fetched` = inserted + changed + unchanged + duplicates + quarantined. */
export interface Counts {
  windows: number;
  requests: number;
  fetched: number;
  inserted: number;
  changed: number;
  unchanged: number;
  duplicates: number;
  quarantined: number;
  missing: number;
  holes: number;
}

export function noCounts(): Counts {
  return {
    windows: 0,
    requests: 0,
    fetched: 0,
    inserted: 0,
    changed: 0,
    unchanged: 0,
    duplicates: 0,
    quarantined: 0,
    missing: 0,
    holes: 0,
  };
}

export type Run = Selectable<RunsTable>;

/** @returns the run's id. */
export async function beginRun(
  trx: StoreTransaction,
  accountId: string,
  trigger: string,
  now: number,
): Promise<string> {
  const id = randomUUID();
  await trx
    .insertInto('runs')
    .values({
      id,
      account_id: accountId,
      trigger,
      started_at: now,
      ended_at: null,
      state: null,
      error: null,
      ...noCounts(),
    })
    .execute();
  return id;
}

/** Adds what a page counted to its run, in the page's own transaction. */
export async function addToRun(
  trx: StoreTransaction,
  runId: string,
  added: Partial<Counts>,
): Promise<void> {
  const names = COUNTS.filter((name) => (added[name] ?? 0) > 0);
  if (names.length === 0) return;
  await trx
    .updateTable('runs')
    .set((eb) => Object.fromEntries(names.map((name) => [name, eb(name, '+', added[name] ?? 0)])))
    .where('id', '=', runId)
    .execute();
}

const COUNTS = [
  'windows',
  'fetched',
  'inserted',
  'changed',
  'unchanged',
  'duplicates',
  'quarantined',
  'missing',
  'holes',
] as const satisfies readonly (keyof Counts)[];

export function sumCounts(counts: Counts, added: Partial<Counts>): Counts {
  const sum = { ...counts };
  for (const name of COUNTS) sum[name] += added[name] ?? 0;
  return sum;
}

export async function endRun(
  trx: StoreTransaction,
  runId: string,
  end: {
    readonly state: string;
    readonly error: string | null;
    readonly counts: Counts;
    readonly now: number;
  },
): Promise<void> {
  const { counts, state, error, now } = end;
  await trx
    .updateTable('runs')
    .set({ ...counts, state, error, ended_at: now })
    .where('id', '=', runId)
    .execute();
}

/** The newest run of an account, of some triggers where they are named; `concluded` if it came to its end unstopped. */
export async function lastRun(
  store: Store,
  accountId: string,
  triggers?: readonly string[],
  which: 'any' | 'concluded' = 'any',
): Promise<Run | null> {
  const runs = store.db
    .selectFrom('runs')
    .selectAll()
    .where('account_id', '=', accountId)
    // One that began later was begun by a clock that has been set right since.
    .where('started_at', '<=', Date.now() + MINUTE)
    .orderBy('started_at', 'desc')
    .limit(1);
  const wanted = triggers === undefined ? runs : runs.where('trigger', 'in', triggers);
  const chosen =
    which === 'any'
      ? wanted
      : wanted.where('ended_at', 'is not', null).where('state', '!=', 'stopped');
  return (await chosen.executeTakeFirst()) ?? null;
}

/** The error of the newest run of an account that ended with one of a class: JSON; null where none did. */
export async function lastErrorOf(
  store: Store,
  accountId: string,
  errorClass: string,
): Promise<string | null> {
  const row = await store.db
    .selectFrom('runs')
    .select('error')
    .where('account_id', '=', accountId)
    .where(sql<string>`error ->> 'class'`, '=', errorClass)
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.error ?? null;
}

/** The runs of an account by one trigger that began at `since` or later, the newest first. */
export async function runsSince(
  store: Store,
  accountId: string,
  trigger: string,
  since: number,
): Promise<readonly Run[]> {
  return store.db
    .selectFrom('runs')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('trigger', '=', trigger)
    .where('started_at', '>=', since)
    .orderBy('started_at', 'desc')
    .execute();
}

/**
 * The runs of an account during which something was written at an instant. One
 * walker holds the account, so runs do not overlap; those of machines whose
 * clocks disagree may seem to, which is why a few are looked at.
 */
export async function runsAt(store: Store, accountId: string, at: number): Promise<readonly Run[]> {
  const runs = await store.db
    .selectFrom('runs')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('started_at', '<=', at)
    .orderBy('started_at', 'desc')
    .limit(3)
    .execute();
  // One without an end goes on, or was killed and is over since the next one began.
  return runs.filter(({ ended_at }, index) => (ended_at === null ? index === 0 : ended_at >= at));
}

/** Forgets the runs before `before` that were well and found nothing new, and says how many. */
export async function forgetIdleRuns(
  store: Store,
  accountId: string,
  before: number,
): Promise<number> {
  const { numDeletedRows } = await transact(store, (trx) =>
    trx
      .deleteFrom('runs')
      .where('account_id', '=', accountId)
      .where('started_at', '<', before)
      .where('state', '=', 'ok')
      .where((eb) => eb.and(FINDINGS.map((name) => eb(name, '=', 0))))
      .executeTakeFirstOrThrow(),
  );
  return Number(numDeletedRows);
}

const FINDINGS = ['inserted', 'changed', 'quarantined', 'missing', 'holes'] as const;
