import SQLite from 'better-sqlite3';

/** The columns of the unified record that a provider fills, and its row as it came. */
const COLUMNS = [
  'account_id',
  'provider',
  'call_id',
  'native_id',
  'correlation_id',
  'direction',
  'call_mode',
  'caller',
  'callee',
  'agent',
  'started_at',
  'ringing_at',
  'answered_at',
  'ended_at',
  'duration_seconds',
  'ring_seconds',
  'talk_seconds',
  'billed_seconds',
  'cost',
  'currency',
  'disposition',
  'hangup_cause',
  'recording_ref',
  'listed_on',
  'raw',
] as const;

type Column = (typeof COLUMNS)[number] | 'change_seq';

export type FloorRow = Readonly<Record<Column, string | number | null>>;

/** The indexes that cdrsync's own table has, those aside that hold no row of these worlds. */
const INDEXES = [
  'create index if not exists calls_in_order on calls (started_at, account_id, call_id)',
  'create index if not exists calls_by_day on calls (account_id, listed_on)',
  'create index if not exists calls_by_native_id on calls (account_id, native_id) where native_id is not null',
  'create index if not exists calls_by_change on calls (change_seq)',
  'create index if not exists calls_by_caller on calls (substr(started_at, 1, 13), substr(caller, -8)) where caller is not null',
  'create index if not exists calls_by_callee on calls (substr(started_at, 1, 13), substr(callee, -8)) where callee is not null',
];

export interface FloorTable {
  /** Upserts a page in one transaction. */
  write(rows: readonly FloorRow[]): void;
  close(): void;
}

/** @param indexed with the indexes that cdrsync's table has: what these alone cost. */
export function openTable(path: string, indexed: boolean): FloorTable {
  const database = new SQLite(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  const columns = indexed ? [...COLUMNS, 'change_seq'] : COLUMNS;
  const names = columns.join(', ');
  database.exec(`create table if not exists calls (${names}, unique (account_id, call_id))`);
  if (indexed) for (const index of INDEXES) database.exec(index);
  const values = columns.map((column) => `@${column}`).join(', ');
  const updates = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  const upsert = database.prepare<FloorRow>(
    `insert into calls (${names}) values (${values})
     on conflict (account_id, call_id) do update set ${updates}`,
  );
  const write = database.transaction((rows: readonly FloorRow[]) => {
    for (const row of rows) upsert.run(row);
  });
  return { write, close: () => database.close() };
}
