import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeCleanup } from '../soak/cleanup.ts';
import { type Binary, bundleBinary } from './binary.ts';
import type { Place } from './place.ts';
import { type Finished, runNode } from './run.ts';

/** Where entries measure. */
export interface Lab {
  readonly rounds: number;
  readonly scale: number;
  readonly signal: AbortSignal;
  readonly binary: Binary;
  say(line: string): void;
  /** Undoes something at the end, if nobody did before. */
  defer(release: () => Promise<unknown>): void;
  /** A new empty folder. */
  folder(): Promise<string>;
  /** Runs the binary in a place. */
  cdrsync(place: Place, args: readonly string[], preload?: Preload): Promise<Finished>;
  /** Runs another program of the bench. */
  node(args: readonly string[], preload?: Preload): Promise<Finished>;
  close(): Promise<void>;
}

export interface Preload {
  readonly module: 'usage' | 'statements' | 'postgres-statements';
  /** The file that gets what it saw. */
  readonly note: string;
}

export interface LabOptions {
  readonly rounds: number;
  readonly scale: number;
  readonly profile: string | null;
  readonly folder: string | null;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export async function openLab(options: LabOptions): Promise<Lab> {
  const { rounds, scale, signal, say } = options;
  const cleanup = makeCleanup();
  const root = await mkdtemp(join(resolve(options.folder ?? tmpdir()), 'cdrsync-bench-'));
  cleanup.defer(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));
  const binary = await bundleBinary();
  cleanup.defer(() => binary.remove());
  const profiling = await profiler(options.profile);
  let folders = 0;
  return {
    ...{ rounds, scale, signal, binary, say },
    defer: cleanup.defer,
    folder: async () => {
      folders += 1;
      const path = join(root, String(folders));
      await mkdir(path);
      return path;
    },
    cdrsync: ({ folder, config }, args, preload) => {
      const { flags, environment } = loading(preload);
      const command = [...flags, binary.cli, '--config', config, '--json', ...args];
      return runNode([...profiling('cdrsync'), ...command], { cwd: folder, environment, signal });
    },
    node: (args, preload) => {
      const { flags, environment } = loading(preload);
      const command = [...profiling('floor'), ...flags, ...args];
      return runNode(command, { cwd: root, environment, signal });
    },
    close: cleanup.run,
  };
}

interface Loading {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

function loading(preload: Preload | undefined): Loading {
  if (preload === undefined) return { flags: [], environment: {} };
  const path = join(import.meta.dirname, `../preload/${preload.module}.ts`);
  return { flags: ['--import', path], environment: { CDRSYNC_BENCH_NOTE: preload.note } };
}

/** The arguments that make a program leave a profile, numbered in the order of the runs. */
async function profiler(path: string | null): Promise<(side: string) => readonly string[]> {
  if (path === null) return () => [];
  const folder = resolve(path);
  await mkdir(folder, { recursive: true });
  const old = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  await Promise.all(old.map((name) => rm(join(folder, name))));
  let runs = 0;
  return (side) => {
    runs += 1;
    const name = `${String(runs).padStart(3, '0')}-${side}.cpuprofile`;
    return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`];
  };
}

/** What a preloaded module noted. */
export async function readNote(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
