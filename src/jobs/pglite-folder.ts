import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';

/**
 * V8 compiles WebAssembly once more, and better, while it runs, which takes
 * half a gigabyte for a few seconds. A queue needs no such speed. Measured over
 * 2,000 queries: at most 697 MB resident and 1.9 s with it, 145 MB and 1.6 s
 * without.
 */
const ONE_COMPILATION = ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering'];

/** Opens the database in a folder, which is made where it is missing. */
export async function openFolder(folder: string): Promise<PGlite> {
  for (const flag of ONE_COMPILATION) setFlagsFromString(flag);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (isMainThread && !existsSync(join(folder, 'PG_VERSION'))) await makeInThread(folder);
  return PGlite.create({
    dataDir: folder,
    // A power cut may cost jobs, and the schedules make them again.
    relaxedDurability: true,
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=1MB'],
  });
}

/**
 * A new folder is made in a thread: it takes one call of about six seconds, in
 * which neither a signal nor a request would be heard, and 300 MB that only the
 * thread's end gives back.
 */
async function makeInThread(folder: string): Promise<void> {
  const script = new URL(`pglite-thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(script, { workerData: folder });
  const [code] = await once(thread, 'exit');
  if (code !== 0) throw new Error('the embedded queue cannot be made');
}

/** What the thread does. */
export async function makeFolder(): Promise<void> {
  const db = await openFolder(String(workerData));
  await db.close();
}
