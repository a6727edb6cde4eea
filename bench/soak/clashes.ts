import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Counts } from './messages.ts';

/**
 * Watches every request that this process serves, and counts those of one
 * account that overlap though they come from different worker processes. The
 * workers are told apart by the name under which each reaches the providers
 * (see stage.ts); a login and parallel requests of one run come from one
 * process, and are none of it.
 *
 * It listens to Node's own channel, so that the simulated providers need not
 * know of it, and no proxy has to stand in between.
 */
export function watchClashes(accountOf: (port: number, path: string) => string): () => Counts {
  const underWay = new Map<string, Map<ServerResponse, string>>();
  const examples: string[] = [];
  let requests = 0;
  let clashes = 0;

  channel('http.server.request.start').subscribe((message) => {
    if (!isExchange(message)) return;
    const { request, response, server } = message;
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    requests += 1;
    const account = accountOf(address.port, request.url ?? '');
    const worker = request.headers.host?.split(':')[0] ?? '';
    const others = underWay.get(account) ?? new Map<ServerResponse, string>();
    underWay.set(account, others);
    if ([...others.values()].some((other) => other !== worker)) {
      clashes += 1;
      if (examples.length < 5) examples.push(`${account} at ${new Date().toISOString()}`);
    }
    others.set(response, worker);
    // Also when the client is killed.
    response.once('close', () => others.delete(response));
  });
  return () => ({ requests, clashes, examples: [...examples] });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly server: Server;
}

function isExchange(message: unknown): message is Exchange {
  return (
    typeof message === 'object' && message !== null && 'request' in message && 'server' in message
  );
}
