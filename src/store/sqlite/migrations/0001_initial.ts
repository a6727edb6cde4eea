import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('start_at', 'bigint', (column) => column.notNull())
    .addColumn('watermark', 'bigint', (column) => column.notNull())
    .addColumn('clock_skew', 'bigint')
    .addColumn('today_refused_until', 'bigint')
    .execute();

  await db.schema
    .createTable('leases')
    .addColumn('account_id', 'text', (column) => column.primaryKey())
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('holder', 'text')
    .addColumn('acquired_at', 'bigint', (column) => column.notNull())
    .addColumn('heartbeat_at', 'bigint', (column) => column.notNull())
    .addColumn('writes', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();

  await db.schema
    .createTable('windows')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('from_at', 'bigint', (column) => column.notNull())
    .addColumn('to_at', 'bigint', (column) => column.notNull())
    .addColumn('cursor', 'text')
    .addColumn('walks', 'integer', (column) => column.notNull())
    .addColumn('begun_at', 'bigint')
    .addColumn('pages', 'integer', (column) => column.notNull())
    .addColumn('total', 'bigint')
    .addColumn('total_moved', 'text', (column) => column.notNull())
    .addColumn('previous', 'text')
    .execute();
  await db.schema
    .createIndex('windows_by_account')
    .on('windows')
    .columns(['account_id', 'lane', 'from_at'])
    .execute();

  await db.schema
    .createTable('window_pages')
    .addColumn('window_id', 'text', (column) =>
      column.notNull().references('windows.id').onDelete('cascade'),
    )
    .addColumn('page', 'integer', (column) => column.notNull())
    .addColumn('seen', sql`blob`, (column) => column.notNull())
    .addPrimaryKeyConstraint('window_pages_key', ['window_id', 'page'])
    .execute();

  await db.schema
    .createTable('window_rows')
    .addColumn('window_id', 'text', (column) =>
      column.notNull().references('windows.id').onDelete('cascade'),
    )
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('raw', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('window_rows_key', ['window_id', 'position'])
    .execute();

  await db.schema
    .createTable('holes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('from_at', 'bigint', (column) => column.notNull())
    .addColumn('to_at', 'bigint', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_try_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('holes_by_account')
    .on('holes')
    .columns(['account_id', 'from_at'])
    .execute();

  await db.schema
    .createTable('days')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('proven_to', 'bigint', (column) => column.notNull())
    .addColumn('provider_total', 'bigint')
    .addColumn('listed', 'bigint')
    .addColumn('accepted_reason', 'text')
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('days_key', ['account_id', 'day'])
    .execute();

  await db.schema
    .createTable('audits')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('audited_at', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('provider_total', 'bigint')
    .addColumn('listed', 'bigint', (column) => column.notNull())
    .addColumn('stored', 'bigint', (column) => column.notNull())
    .addColumn('new', 'bigint', (column) => column.notNull())
    .addColumn('changed', 'bigint', (column) => column.notNull())
    .addColumn('missing', 'bigint', (column) => column.notNull())
    .addColumn('vanished', 'bigint', (column) => column.notNull())
    .addColumn('quarantined', 'bigint', (column) => column.notNull())
    .addColumn('duplicates', 'bigint', (column) => column.notNull())
    .addColumn('talk_seconds', 'bigint', (column) => column.notNull())
    .addColumn('cost', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('latest_seconds', 'bigint')
    .addPrimaryKeyConstraint('audits_key', ['account_id', 'day', 'audited_at'])
    .execute();

  await addRunColumns(db.schema.createTable('runs')).execute();
  await db.schema
    .createIndex('runs_by_account')
    .on('runs')
    .columns(['account_id', 'started_at'])
    .execute();

  await addRecordColumns(db.schema.createTable('calls'))
    .addColumn('identity_key', 'text', (column) => column.notNull())
    .addColumn('content_hash', 'text', (column) => column.notNull())
    .addUniqueConstraint('calls_key', ['account_id', 'call_id'])
    .execute();
  await indexCalls(db);

  await db.schema
    .createTable('call_versions')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('call_id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('change_reason', 'text', (column) => column.notNull())
    .addColumn('replaced_at', 'text', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('raw', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('call_versions_key', ['account_id', 'call_id', 'version'])
    .execute();

  await db.schema
    .createTable('quarantine')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('listed_on', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('raw', 'text', (column) => column.notNull())
    .addColumn('first_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('resolved_at', 'bigint')
    .addPrimaryKeyConstraint('quarantine_key', ['account_id', 'listed_on', 'digest'])
    .execute();

  await db.schema
    .createTable('dimensions')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('dimension', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('raw', 'text', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('dimensions_key', ['account_id', 'dimension', 'id'])
    .execute();

  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute();
  await sql`insert into counters (name, value) values ('change_seq', 0)`.execute(db);
}

function addRunColumns<Columns extends string>(
  table: CreateTableBuilder<'runs', Columns>,
): CreateTableBuilder<'runs', string> {
  let columns: CreateTableBuilder<'runs', string> = table
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('trigger', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('state', 'text')
    .addColumn('error', 'text');
  const counts =
    'windows requests fetched inserted changed unchanged duplicates quarantined missing holes';
  for (const name of counts.split(' ')) {
    columns = columns.addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0));
  }
  return columns;
}

function addRecordColumns<Columns extends string>(
  table: CreateTableBuilder<'calls', Columns>,
): CreateTableBuilder<'calls', string> {
  let columns: CreateTableBuilder<'calls', string> = table;
  const needed =
    'account_id provider call_id direction started_at disposition recording_state flags custom source listed_on first_seen_at changed_at raw';
  for (const name of needed.split(' ')) {
    columns = columns.addColumn(name, 'text', (column) => column.notNull());
  }
  const optional =
    'native_id correlation_id call_mode caller callee agent ringing_at answered_at ended_at cost currency hangup_cause hangup_reason hangup_party recording_ref missing_since';
  for (const name of optional.split(' ')) columns = columns.addColumn(name, 'text');
  const numbers = 'duration_seconds ring_seconds talk_seconds billed_seconds';
  for (const name of numbers.split(' ')) columns = columns.addColumn(name, 'integer');
  for (const name of ['is_call', 'listed_exact', 'version', 'change_seq', 'mapping_version']) {
    columns = columns.addColumn(name, 'bigint', (column) => column.notNull());
  }
  return columns;
}

/**
 * Calls are found by `call_id`; the two indexes on other identities are partial,
 * because hardly a row needs them and each full one would cost every insert.
 */
async function indexCalls(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('calls_in_order')
    .on('calls')
    .columns(['started_at', 'account_id', 'call_id'])
    .execute();
  await db.schema
    .createIndex('calls_by_day')
    .on('calls')
    .columns(['account_id', 'listed_on'])
    .execute();
  await sql`create index calls_by_native_id on calls (account_id, native_id) where native_id is not null`.execute(
    db,
  );
  await sql`create index calls_by_other_identity on calls (account_id, identity_key) where identity_key <> call_id`.execute(
    db,
  );
}
