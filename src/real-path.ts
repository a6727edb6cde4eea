import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The one name of a file, without links on the way; also of one that is not there yet, whose folder is. */
export function realPath(path: string): string {
  const whole = resolve(path);
  return resolved(whole) ?? join(resolved(dirname(whole)) ?? dirname(whole), basename(whole));
}

function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
