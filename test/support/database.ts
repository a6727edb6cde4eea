import type { TestProject } from 'vitest/node';
import { newDatabase } from './servers.ts';

/** One database for all stores of a run, in which each has a schema of its own. */
export default async function provideDatabase({
  provide,
}: TestProject): Promise<() => Promise<void>> {
  const { url, remove } = await newDatabase();
  provide('storeServer', url);
  return remove;
}
