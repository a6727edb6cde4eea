import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the binary keeps its compiled code between its starts. */
    compileCache: string;
  }
}

/**
 * The tests start the real binary hundreds of times, and each start compiles the same modules.
 * Node keeps what it compiled in the folder of NODE_COMPILE_CACHE, and takes nothing from there
 * without comparing it with the content of the module: a change to the code is never missed.
 * The folder is new for each run of the tests, and gone after it.
 */
export default async function shareCompiledCode({
  provide,
}: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-compiled-'));
  provide('compileCache', folder);
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
