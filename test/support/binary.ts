import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import type { TestProject } from 'vitest/node';
import bundle from '../../build/rolldown.config.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The real binary, bundled from the sources as they are now. */
    cli: string;
    /** Where the binary keeps its compiled code between its starts. */
    compileCache: string;
  }
}

/** Where packages that the bundle leaves out are found from. */
const ROOT = join(import.meta.dirname, '../../node_modules/.cache');

/**
 * The tests start the real binary hundreds of times. So it is bundled as for users, but into a
 * folder of this run's own: neither a stale `dist` nor a build beside the tests can spoil them.
 * Node keeps what it compiled in the folder of NODE_COMPILE_CACHE, and takes nothing from there
 * without comparing it with the content of the module.
 */
export default async function bundleBinary({ provide }: TestProject): Promise<() => Promise<void>> {
  await mkdir(ROOT, { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'cdrsync-test-'));
  const { output, ...input } = bundle;
  const build = await rolldown(input);
  await build.write({ ...output, dir: join(folder, 'dist') });
  await build.close();
  provide('cli', join(folder, 'dist/cli.js'));
  provide('compileCache', join(folder, 'compiled'));
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
