import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { answerPage } from './answers.ts';
import { makeList } from './list.ts';
import { Ask, ServerOptions, type ServerStats } from './messages.ts';

/**
 * One account's list, served by a process of its own as fast as can be. Its
 * argument are ServerOptions as JSON; it says where it listens once it is ready,
 * and answers each message with what it has served since the last one.
 */

const { world, latency } = ServerOptions.parse(JSON.parse(process.argv[2] ?? ''));
const list = makeList(world);
let pages = 0;
let delayed = 0;
let cpu = process.cpuUsage();

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    response.statusCode = 400;
    response.end(String(error));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.send?.({ kind: 'ready', url: `http://127.0.0.1:${port}` });
});
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  Ask.parse(message);
  process.send?.(takeStats());
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrived = performance.now();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => request.on('end', resolve));
  const answer = answerPage(world, list, Buffer.concat(chunks).toString());
  if (latency > 0) await delayUntil(arrived + latency);
  pages += 1;
  delayed += performance.now() - arrived;
  response.writeHead(200, {
    'content-type': 'application/json;charset=utf-8',
    'content-length': answer.length,
  });
  response.end(answer);
}

/** Timers come up to a millisecond late, which would be counted against whoever waits. */
async function delayUntil(due: number): Promise<void> {
  const early = due - performance.now() - 1;
  if (early > 0) await sleep(early);
  while (performance.now() < due) await turn();
}

function takeStats(): ServerStats {
  const { user, system } = process.cpuUsage(cpu);
  const stats = { kind: 'stats', pages, delayed, cpu: (user + system) / 1000 } as const;
  cpu = process.cpuUsage();
  pages = 0;
  delayed = 0;
  return stats;
}
