import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configError } from '../errors.ts';
import { SECOND } from '../time.ts';

/** A secret and its file, relative to the configuration's folder. */
export interface SecretFile {
  readonly path: string;
  readonly value: string;
}

/**
 * Writes the secrets, each to a new file, and the configuration anew; none of
 * them where one cannot be written. Of several at once each builds on what the
 * one before has written. Owner and mode of the configuration stay; the secrets
 * are its owner's.
 *
 * @param path absolute, of the configuration.
 * @param compose its new text out of what it is now; null where there is none.
 * @throws CdrError of class `config`, and whatever `compose` throws.
 */
export async function writeSetup(
  path: string,
  secrets: readonly SecretFile[],
  compose: (text: string | null) => string,
  signal: AbortSignal,
): Promise<void> {
  const written: string[] = [];
  try {
    mkdirSync(dirname(path), { recursive: true });
    const real = existsSync(path) ? realpathSync(path) : targetOf(path);
    const lock = await takeLock(real, signal);
    // Nothing from here on waits: no signal comes in between.
    try {
      const like = existsSync(real) ? statSync(real) : null;
      const text = compose(like === null ? null : readFileSync(real, 'utf8'));
      writeSecrets(dirname(path), secrets, like, written);
      writeFileSync(lock.file, text);
      if (like !== null) giveTo(lock.file, like, like.mode);
      fsyncSync(lock.file);
      renameSync(lock.path, real);
    } catch (error) {
      // Not after the rename: by then it may be another one's.
      for (const file of [...written, lock.path]) rmSync(file, { force: true });
      throw error;
    } finally {
      closeSync(lock.file);
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
    if (error.code === 'EEXIST' && 'path' in error) {
      throw configError('init.exists', `${String(error.path)} exists`);
    }
    const words = `${path} or its secrets cannot be written (${String(error.code)})`;
    throw configError('init.write', words);
  }
}

/** Where a link leads to a file that is not there yet: it is made there, and the link stays. */
function targetOf(path: string): string {
  try {
    return resolve(realpathSync(dirname(path)), readlinkSync(path));
  } catch {
    // No link.
    return path;
  }
}

interface Lock {
  readonly path: string;
  /** Open for writing, and readable by its owner only. */
  readonly file: number;
}

/** One that is killed while it holds the lock leaves it: in a few milliseconds, and only SIGKILL can. */
const LONGEST_WAIT = 5 * SECOND;

/**
 * The lock is the file that becomes the configuration, as git has it: whoever
 * reads finds the old one or the new one, and to take it over ends the lock.
 */
async function takeLock(real: string, signal: AbortSignal): Promise<Lock> {
  const path = `${real}.lock`;
  for (const end = performance.now() + LONGEST_WAIT; ; await sleep(20, undefined, { signal })) {
    try {
      return { path, file: openSync(path, 'wx', 0o600) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (performance.now() > end) throw configError('init.locked', `${path} exists`);
    }
  }
}

/** @param written gets the files as they are made. */
function writeSecrets(
  folder: string,
  secrets: readonly SecretFile[],
  like: Stats | null,
  written: string[],
): void {
  for (const secret of secrets) {
    const path = join(folder, secret.path);
    const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined && like !== null) {
      const handle = openSync(made, 'r');
      giveTo(handle, like, 0o700);
      closeSync(handle);
    }
    const file = openSync(path, 'wx', 0o600);
    written.push(path);
    try {
      writeFileSync(file, `${secret.value}\n`);
      if (like !== null) giveTo(file, like, 0o600);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** The mode comes last: a change of owner may take bits of it away. */
function giveTo(file: number, { uid, gid }: Stats, mode: number): void {
  fchownSync(file, uid, gid);
  fchmodSync(file, mode & 0o7777);
}

/** Whether git would pick the secrets up: a work tree, and no line of its ignore files that names them. */
export function isTracked(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const ignore = join(at, '.gitignore');
    const lines = existsSync(ignore) ? readFileSync(ignore, 'utf8').split(/\r?\n/) : [];
    if (lines.some((line) => /^(?:\*\*\/|\/)?secrets(?:\/\*{0,2})?\s*$/.test(line))) return false;
    if (existsSync(join(at, '.git'))) return true;
    if (dirname(at) === at) return false;
  }
}
