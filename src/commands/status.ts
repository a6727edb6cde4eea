import { type AccountStatus, type BackfillStatus, readStatus } from '../status/status.ts';
import { openStoreToRead } from '../store/store.ts';
import { missing } from '../store/trouble.ts';
import { formatDuration, SECOND } from '../time.ts';
import { type GlobalOptions, openSession } from './session.ts';
import { count, table } from './table.ts';

/** Tells how each account stands. Neither creates nor changes a store. */
export async function statusCommand(
  globals: GlobalOptions,
  { check }: { readonly check?: boolean },
): Promise<number> {
  const { config } = await openSession(globals, new AbortController().signal);
  const store = await openStoreToRead(config.store);
  if (store === null && globals.requireStore) throw missing(config.store);
  const accounts = await readStatus(config, store, Date.now()).finally(() => store?.close());
  process.stdout.write(globals.json ? `${JSON.stringify({ accounts })}\n` : statusText(accounts));
  return check === true && accounts.some(({ alarms }) => alarms.length > 0) ? 1 : 0;
}

function statusText(accounts: readonly AccountStatus[]): string {
  const head = [
    'account',
    'provider',
    'watermark',
    'lag',
    'last run',
    'days',
    'holes',
    'quarantine',
  ];
  const rows = accounts.map((status) => [
    status.account,
    status.provider,
    status.watermark ?? 'never run',
    status.lag_seconds === null ? '-' : formatDuration(status.lag_seconds * SECOND),
    status.last_run === null
      ? '-'
      : `${status.last_run.state ?? 'unfinished'} ${status.last_run.started_at}`,
    daysText(status.days),
    count(status.holes.length),
    count(status.quarantine),
  ]);
  const alarms = accounts.flatMap(({ account, alarms }) =>
    alarms.map(({ message, hint }) => `\n! ${account}: ${message}\n  → ${hint}\n`),
  );
  const accepted = accounts.flatMap(({ account, accepted }) =>
    accepted.map(({ day, reason }) => `\n${account}: ${day} was accepted as it is: ${reason}\n`),
  );
  const backfills = accounts.flatMap(({ account, backfills }) =>
    backfills.map((backfill) => `\n${account}: ${backfillText(backfill)}\n`),
  );
  return table(head, rows) + alarms.join('') + backfills.join('') + accepted.join('');
}

function backfillText({
  from,
  to,
  state,
  finished_at,
  windows,
  windows_left,
}: BackfillStatus): string {
  const range = `backfill ${from} to ${to}`;
  if (finished_at !== null) return `${range} ended ${state} at ${finished_at}`;
  if (windows_left === null) return `${range} waits for a worker (${count(windows)} windows)`;
  return `${range} has ${count(windows_left)} of ${count(Math.max(windows, windows_left))} windows left`;
}

function daysText(days: Readonly<Record<string, number>>): string {
  const parts = Object.entries(days).map(([state, number]) => `${number} ${state}`);
  return parts.length === 0 ? '-' : parts.sort().join(', ');
}
