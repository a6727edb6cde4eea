import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

/** What becomes of a message of the client that has these words in it. */
export interface Trap {
  readonly words: string;
  /**
   * `lost`: it does not arrive. `unanswered`: it arrives, and its answer does not.
   * `ended`: with the last of its answer the server says that it ends the connection.
   */
  readonly how: 'lost' | 'unanswered' | 'ended';
}

/** A way to a server on this machine, on which connections can be made to break. */
export interface Relay {
  readonly port: number;
  /** Breaks all connections. */
  cut(): void;
  /** Breaks all connections, and every new one until `open`. */
  close(): void;
  open(): void;
  /** Breaks the connection at the next message with these words, once. */
  trap(trap: Trap): void;
}

export async function openRelay(host: string, port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let closed = false;
  let trap: Trap | null = null;
  const server = createServer((client) => {
    if (closed) {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    const both = [client, upstream];
    const end = (): void => {
      for (const socket of both) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', end);
    }
    let unanswered = false;
    let ended = false;
    client.on('data', (data) => {
      if (trap !== null && data.includes(trap.words)) {
        const { how } = trap;
        trap = null;
        if (how === 'lost') return end();
        if (how === 'ended') ended = true;
        else unanswered = true;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (unanswered) end();
      else if (ended && data.includes(READY)) client.end(Buffer.concat([data, FAREWELL]));
      else client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(async () => {
    server.close();
    cut();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    cut,
    close: () => {
      closed = true;
      cut();
    },
    open: () => {
      closed = false;
    },
    trap: (next) => {
      trap = next;
    },
  };
}

/** `ReadyForQuery`, outside of a transaction. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** As a server ends a session that an administrator terminates. */
const FAREWELL = errorResponse({
  ...{ S: 'FATAL', V: 'FATAL', C: '57P01' },
  M: 'terminating connection due to administrator command',
});

function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = Object.entries(fields).map(([kind, text]) => `${kind}${text}\0`);
  const text = Buffer.from(`${body.join('')}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(text.length + 4, 1);
  return Buffer.concat([head, text]);
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** A way to a PostgreSQL server that offers TLS, whatever the server itself does. */
export async function openTlsRelay(
  host: string,
  port: number,
  identity: { readonly cert: Buffer; readonly key: Buffer },
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.once('data', (first) => {
      if (!first.equals(SSL_REQUEST)) {
        client.destroy();
        return;
      }
      client.write('S');
      const secure = new TLSSocket(client, { isServer: true, ...identity });
      secure.on('error', () => client.destroy());
      secure.pipe(upstream).pipe(secure);
      secure.on('close', () => upstream.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
