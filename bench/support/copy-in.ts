import { once } from 'node:events';
import type pg from 'pg';

/**
 * `copy … from stdin`, of which the driver has only the beginning: it hands the
 * answers to whatever was submitted, and leaves the messages to it.
 */
export async function copyIn(
  client: pg.Client,
  table: string,
  columns: readonly string[],
  rows: Iterable<readonly unknown[]>,
): Promise<number> {
  const copy = new CopyIn(`copy ${table} (${columns.join(', ')}) from stdin`, rows);
  client.query(copy);
  return copy.done.promise;
}

/** Gathered to this size before they are sent. */
const CHUNK = 256 * 1024;

class CopyIn implements pg.Submittable {
  readonly done = Promise.withResolvers<number>();
  readonly #text: string;
  readonly #rows: Iterable<readonly unknown[]>;
  #failure: Error | null = null;
  #copied = 0;

  constructor(text: string, rows: Iterable<readonly unknown[]>) {
    this.#text = text;
    this.#rows = rows;
  }

  readonly submit = (connection: pg.Connection): void => connection.query(this.#text);

  handleCopyInResponse({ stream }: pg.Connection): void {
    this.#send(stream).catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      // CopyFail: the server answers with an error, and is ready again.
      stream.write(message('f', Buffer.from('the rows ended\0')));
    });
  }

  async #send(stream: pg.Connection['stream']): Promise<void> {
    let text = '';
    const flush = async (): Promise<void> => {
      const room = stream.write(message('d', Buffer.from(text)));
      text = '';
      if (!room) await once(stream, 'drain');
    };
    for (const row of this.#rows) {
      text += `${row.map(field).join('\t')}\n`;
      this.#copied += 1;
      // A server that has refused what came takes the rest and throws it away.
      if (this.#failure !== null) break;
      if (text.length >= CHUNK) await flush();
    }
    await flush();
    stream.write(message('c', Buffer.alloc(0)));
  }

  handleCommandComplete(): void {
    // What counts is that the server is ready again.
  }

  handleReadyForQuery(): void {
    this.done.resolve(this.#copied);
  }

  /** The driver takes an error for the end: it says nothing more of this statement. */
  handleError(error: Error): void {
    this.#failure ??= error;
    this.done.reject(this.#failure);
  }
}

function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

function field(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  return String(value).replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
