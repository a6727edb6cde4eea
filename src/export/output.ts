import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, lstatSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { configError } from '../errors.ts';
import { realPath } from '../real-path.ts';

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

/**
 * Under another name until it is whole and on the disk, so that nobody takes half
 * an export for one. A link stays, and what it names is replaced.
 */
export async function writeFile(pieces: Pieces, path: string, signal: AbortSignal): Promise<void> {
  const target = realPath(path);
  const partial = `${target}.${randomUUID().slice(0, 8)}.partial`;
  try {
    // `wx`: never into a file or a link that somebody else put there.
    const out = createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true });
    const done = finished(out);
    done.catch(() => undefined);
    try {
      await once(out, 'open', { signal });
      await pour(pieces, out, signal);
      out.end();
      await done;
      await rename(partial, target);
    } catch (error) {
      out.destroy();
      await rm(partial, { force: true });
      throw error;
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const code = 'code' in error ? String(error.code) : error.name;
    throw configError('usage.output', `cannot write ${path} (${code})`);
  }
}

/**
 * An export replaces an older one, and nothing else.
 *
 * @throws CdrError `usage.output` where the path is no regular file, or a link to nothing.
 */
export function checkTarget(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return;
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return;
  const what = entry.isSymbolicLink() ? 'a link that leads to no file' : 'no regular file';
  throw configError('usage.output', `--output ${path} names ${what}`);
}
