import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What has to be undone at the end, however it comes; the last first. */
export interface Cleanup {
  defer(release: () => Promise<unknown>): void;
  /** A temporary folder that is gone at the end. */
  folder(name: string): Promise<string>;
  run(): Promise<void>;
}

export function makeCleanup(): Cleanup {
  const releases: (() => Promise<unknown>)[] = [];
  const defer = (release: () => Promise<unknown>): void => {
    releases.push(release);
  };
  return {
    defer,
    folder: async (name) => {
      const path = await mkdtemp(join(tmpdir(), `cdrsync-${name}-`));
      defer(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
      return path;
    },
    run: async () => {
      for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
        // One that fails must not keep the others from running.
        await release().catch((error: unknown) => {
          process.stderr.write(`not cleaned up: ${String(error)}\n`);
        });
      }
    },
  };
}
