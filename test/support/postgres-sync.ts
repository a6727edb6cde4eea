import { MessageChannel, MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { z } from 'zod';

/**
 * Asks PostgreSQL and waits for the answer without letting anything else run,
 * as better-sqlite3 does: so one line of a test reads either database. A thread
 * has the connection, and both end with the process.
 */

export const ThreadData = z.object({
  url: z.string(),
  flag: z.instanceof(SharedArrayBuffer),
  port: z.instanceof(MessagePort),
});

export const Question = z.object({
  schema: z.string(),
  sql: z.string(),
  values: z.array(z.union([z.string(), z.number(), z.null()])),
});
type Question = z.infer<typeof Question>;
export type Value = Question['values'][number];

const Rows = z.object({
  kind: z.literal('rows'),
  rows: z.array(z.unknown()),
  /** Of the rows that it changed, where it changes some. */
  count: z.int(),
});
const Failed = z.object({ kind: z.literal('failed'), message: z.string() });
const Reply = z.discriminatedUnion('kind', [Rows, Failed]);
export type Reply = z.infer<typeof Reply>;

/** Nothing that a test asks takes nearly so long. */
const LONGEST = 60_000;

type Ask = (question: Question) => z.infer<typeof Rows>;

function startThread(url: string): Ask {
  const flag = new SharedArrayBuffer(4);
  const answered = new Int32Array(flag);
  const { port1: here, port2: there } = new MessageChannel();
  const data: z.infer<typeof ThreadData> = { url, flag, port: there };
  const thread = new Worker(new URL('./postgres-thread.ts', import.meta.url), {
    workerData: data,
    transferList: [there],
    execArgv: [],
  });
  thread.unref();
  here.unref();
  return (question) => {
    Atomics.store(answered, 0, 0);
    here.postMessage(question);
    if (Atomics.wait(answered, 0, 0, LONGEST) === 'timed-out') {
      throw new Error(`The database does not answer: ${question.sql}`);
    }
    const reply = Reply.parse(receiveMessageOnPort(here)?.message);
    if (reply.kind === 'failed') throw new Error(`${reply.message}: ${question.sql}`);
    return reply;
  };
}

let ask: Ask | undefined;

/** Runs a statement in the schema that the URL of a store names, with `?` for each value. */
export function askPostgresSync(
  store: string,
  sql: string,
  values: readonly Value[],
): { readonly rows: readonly unknown[]; readonly count: number } {
  const url = new URL(store);
  const schema = url.searchParams.get('schema') ?? '';
  // The database is one for all stores of a run.
  url.search = '';
  ask ??= startThread(url.href);
  return ask({ schema, sql: numbered(sql), values: [...values] });
}

/** `?` outside of quotes as $1, $2, … */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll(/'[^']*'|\?/g, (found) => {
    if (found !== '?') return found;
    count += 1;
    return `$${count}`;
  });
}
