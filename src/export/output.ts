import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, realpathSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { configError } from '../errors.ts';

/** The pieces of an export, in order. */
export type Pieces = AsyncIterable<string | Uint8Array>;

async function pour(pieces: Pieces, out: Writable, signal: AbortSignal): Promise<void> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    if (!out.write(piece)) await once(out, 'drain', { signal });
  }
}

/**
 * To stdout; a reader that has seen enough (`| head`) ends the export, and nothing has failed.
 *
 * @returns false where the reader left before the end.
 */
export async function writeStdout(pieces: Pieces, signal: AbortSignal): Promise<boolean> {
  const closed = new AbortController();
  const onError = (): void => closed.abort();
  process.stdout.once('error', onError);
  try {
    await pour(pieces, process.stdout, AbortSignal.any([signal, closed.signal]));
    return !closed.signal.aborted;
  } catch (error) {
    // The stream's own error may come first, before its event.
    if (signal.aborted || !(closed.signal.aborted || isPipeError(error))) throw error;
    return false;
  } finally {
    process.stdout.off('error', onError);
  }
}

function isPipeError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Under another name until it is whole, so that nobody takes half an export for one. */
export async function writeFile(pieces: Pieces, path: string, signal: AbortSignal): Promise<void> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.partial`;
  try {
    // `wx`: never into a file or a link that somebody else put there.
    const out = createWriteStream(partial, { mode: 0o600, flags: 'wx' });
    const done = finished(out);
    done.catch(() => undefined);
    try {
      await once(out, 'open', { signal });
      await pour(pieces, out, signal);
      out.end();
      await done;
      await rename(partial, path);
    } catch (error) {
      out.destroy();
      await rm(partial, { force: true });
      throw error;
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const code = 'code' in error ? String(error.code) : error.name;
    throw configError(
      'usage.output',
      `cannot write ${path} (${code})`,
      'Check the path given to --output, and the room on its disk.',
    );
  }
}

/**
 * An export replaces an older one, and nothing else.
 *
 * @param store the path of the store's file.
 * @throws CdrError of class `config` where the path is the store's or the configuration's, or no regular file.
 */
export function checkTarget(path: string, store: string, config: string): void {
  const target = real(path);
  const taken = [config, store, `${store}-wal`, `${store}-shm`].map(real);
  const regular = !existsSync(path) || statSync(path).isFile();
  if (regular && !taken.includes(target)) return;
  const what = regular ? 'the store or the configuration' : 'no regular file';
  throw configError(
    'usage.output',
    `--output ${path} names ${what}`,
    'Give the export a file of its own.',
  );
}

function real(path: string): string {
  const whole = resolve(path);
  return existsSync(whole) ? realpathSync(whole) : whole;
}
