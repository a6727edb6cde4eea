import type { Store, StoreTransaction } from './store.ts';

/** A row that cannot be a call record, kept as received. */
export interface QuarantinedRow {
  /** sha256 of the raw text. */
  readonly digest: string;
  readonly listedOn: string;
  readonly reason: string;
  readonly raw: string;
}

export async function quarantineRows(
  trx: StoreTransaction,
  accountId: string,
  rows: readonly QuarantinedRow[],
  now: number,
): Promise<void> {
  for (const { digest, listedOn, reason, raw } of rows) {
    await trx
      .insertInto('quarantine')
      .values({
        account_id: accountId,
        digest,
        listed_on: listedOn,
        reason,
        raw,
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'listed_on', 'digest'])
          .doUpdateSet({ reason, last_seen_at: now, resolved_at: null }),
      )
      .execute();
  }
}

/** A proven read of a whole day that began at `since` listed these rows no more: they are mended or gone. */
export async function resolveRows(
  trx: StoreTransaction,
  accountId: string,
  day: string,
  since: number,
): Promise<void> {
  await trx
    .updateTable('quarantine')
    .set({ resolved_at: Date.now() })
    .where('account_id', '=', accountId)
    .where('listed_on', '=', day)
    .where('last_seen_at', '<', since)
    .where('resolved_at', 'is', null)
    .execute();
}

/** Rows of an account that no read has resolved. */
export interface Quarantined {
  readonly rows: number;
  /** Those of days that nobody accepted: accepting a day settles what is in it. */
  readonly open: {
    readonly rows: number;
    /** The oldest day under which one was listed, and when the first one was met; null where there is none. */
    readonly oldestDay: string | null;
    readonly since: number | null;
  };
}

export async function readQuarantined({ db }: Store, accountId: string): Promise<Quarantined> {
  const unresolved = db
    .selectFrom('quarantine')
    .leftJoin('days', (join) =>
      join
        .onRef('days.account_id', '=', 'quarantine.account_id')
        .onRef('days.day', '=', 'quarantine.listed_on'),
    )
    .where('quarantine.account_id', '=', accountId)
    .where('quarantine.resolved_at', 'is', null);
  const { rows } = await unresolved
    .select((eb) => eb.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  const open = await unresolved
    .select((eb) => [
      eb.fn.countAll<number>().as('rows'),
      eb.fn.min('quarantine.listed_on').as('oldestDay'),
      eb.fn.min('quarantine.first_seen_at').as('since'),
    ])
    // A row may be met before its day is entered.
    .where((eb) => eb.or([eb('days.state', 'is', null), eb('days.state', '!=', 'accepted')]))
    .executeTakeFirstOrThrow();
  return { rows: Number(rows), open: { ...open, rows: Number(open.rows) } };
}
