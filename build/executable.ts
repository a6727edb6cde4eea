import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

/** Marks the binary as a program. npm does so once, when it first links the package; a build made anew would lose it. */
export function executable(fileName: string): Plugin {
  return {
    name: 'executable',
    async writeBundle({ dir = '.' }) {
      await chmod(join(dir, fileName), 0o755);
    },
  };
}
