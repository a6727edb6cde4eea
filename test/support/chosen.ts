import { basename } from 'node:path';
import { beforeEach, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** By file, how the names of the tests begin that are to run. */
    chosen: Readonly<Record<string, readonly string[] | 'all'>>;
  }
}

/** Loaded before each file of a project that runs a part of some. */
const chosen = inject('chosen');

beforeEach(({ task, skip }) => {
  const names = chosen[basename(task.file.name, '.test.ts')];
  const runs = names === 'all' || names?.some((name) => task.name.startsWith(name)) === true;
  if (!runs) skip('over SQLite alone, unless it is asked for');
});
