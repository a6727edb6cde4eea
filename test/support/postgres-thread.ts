import { workerData } from 'node:worker_threads';
import { createQueryId } from 'kysely';
import pg from 'pg';
import { parsers, wholeMilliseconds } from '../../src/store/postgres/types.ts';
import { Question, type Reply, ThreadData } from './postgres-sync.ts';

/** The other side of postgres-sync.ts: asks the database while the test stands still. */

const { url, flag, port } = ThreadData.parse(workerData);
const answered = new Int32Array(flag);

// As the store's own sessions are.
const options = '-c timezone=UTC -c datestyle=ISO';
const client = new pg.Client({ connectionString: url, types: parsers(), options });
const connected = client.connect();
// It is told with the question that meets it.
connected.catch(() => undefined);
client.on('error', () => undefined);

async function ask(message: unknown): Promise<Reply> {
  const { schema, sql, values } = Question.parse(message);
  await connected;
  await client.query(`set search_path to ${client.escapeIdentifier(schema)}`);
  const { rows, rowCount } = await client.query<Record<string, unknown>>(sql, values);
  const result = await wholeMilliseconds.transformResult({
    queryId: createQueryId(),
    result: { rows },
  });
  return { kind: 'rows', rows: result.rows, count: rowCount ?? 0 };
}

port.on('message', (message: unknown) => {
  void ask(message)
    .catch((error: unknown): Reply => ({ kind: 'failed', message: String(error) }))
    .then((reply) => {
      port.postMessage(reply);
      Atomics.store(answered, 0, 1);
      Atomics.notify(answered, 0);
    });
});
