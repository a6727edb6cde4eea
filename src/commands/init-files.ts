import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configError } from '../errors.ts';

/** A secret and its file, relative to the configuration's folder. */
export interface SecretFile {
  readonly path: string;
  readonly value: string;
}

/**
 * Writes the secrets, each to a new file, then the configuration; none of them
 * where one cannot be written.
 *
 * @param path absolute, of the configuration.
 */
export async function writeSetup(
  path: string,
  text: string,
  secrets: readonly SecretFile[],
): Promise<void> {
  const folder = dirname(path);
  const written: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const secret of secrets) {
      const file = join(folder, secret.path);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, `${secret.value}\n`, { mode: 0o600, flag: 'wx' });
      written.push(file);
    }
    await replaceFile(existsSync(path) ? realpathSync(path) : path, text);
  } catch (error) {
    await Promise.all(written.map((file) => rm(file, { force: true })));
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw configError(
      'init.write',
      `${path} or its secrets cannot be written (${String(error.code)})`,
      error.code === 'EEXIST'
        ? 'A file of that name lies under secrets/: remove it, or choose another --id.'
        : 'Nothing was changed; check the folder and its rights.',
    );
  }
}

/** Through a file beside it: whoever reads finds the old one or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeFile(beside, text, { mode: 0o600, flag: 'wx' });
    await chmod(beside, 0o600);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
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
