import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import bundle from '../../build/rolldown.config.ts';

/** Where packages that the bundle leaves out are found from. */
const ROOT = join(import.meta.dirname, '../../node_modules/.cache');

export interface Binary {
  readonly cli: string;
  remove(): Promise<void>;
}

/**
 * The binary as `npm run build` makes it, from the sources as they are now, in
 * a folder of its own, so that a build meanwhile changes nothing. The source
 * maps beside it, which Node does not read, tell profiles apart by module.
 */
export async function bundleBinary(): Promise<Binary> {
  await mkdir(ROOT, { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'cdrsync-bench-'));
  const { output, ...input } = bundle;
  const build = await rolldown(input);
  await build.write({ ...output, dir: join(folder, 'dist'), sourcemap: 'hidden' });
  await build.close();
  return {
    cli: join(folder, 'dist/cli.js'),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
