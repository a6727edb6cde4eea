import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { ownEnvironment } from './support/workbench.ts';

/** The binary in a folder of its own, from where it still finds its packages. */
async function copyBinary(): Promise<string> {
  const dist = dirname(inject('cli'));
  const folder = await mkdtemp(join(dirname(dirname(dist)), 'cdrsync-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(dist, join(folder, 'dist'), { recursive: true });
  return folder;
}

function start(folder: string): { readonly status: number | null; readonly stderr: string } {
  const { NODE_COMPILE_CACHE: _, ...env } = ownEnvironment();
  const args = [join(folder, 'dist/cli.js'), '--version'];
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  return { status, stderr };
}

it('keeps what was compiled beside the program, for the next start', async () => {
  const folder = await copyBinary();
  expect(start(folder)).toEqual({ status: 0, stderr: '' });
  expect((await stat(join(folder, '.compile-cache'))).isDirectory()).toBe(true);
  expect(start(folder)).toEqual({ status: 0, stderr: '' });
});

it('starts as well where nothing can be kept', async () => {
  const folder = await copyBinary();
  // Root may write into any folder, but none may make one of a file.
  await writeFile(join(folder, '.compile-cache'), '');
  expect(start(folder)).toEqual({ status: 0, stderr: '' });
});

it('reads node:http without the names that load all of its fetch', async () => {
  const dist = dirname(inject('cli'));
  const chunks = (await readdir(dist)).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(chunks.map((name) => readFile(join(dist, name), 'utf8')));
  expect(texts.some((text) => /getBuiltinModule\(['"]node:http['"]\)/.test(text))).toBe(true);
  expect(texts.filter((text) => /from\s*["'](?:node:)?http["']/.test(text))).toEqual([]);
  // got's question, which the build answers.
  expect(texts.filter((text) => text.includes('instanceof FormData)) return'))).toEqual([]);
});
