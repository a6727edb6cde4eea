import { readdir, readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BUCKETS, type Bucket, bucketOf } from './buckets.ts';

/** Of a `.cpuprofile`, as far as it is used. Times in microseconds. */
const Profile = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({
        functionName: z.string(),
        url: z.string(),
        lineNumber: z.int(),
        columnNumber: z.int(),
      }),
      children: z.array(z.int()).optional(),
    }),
  ),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});
type Profile = z.infer<typeof Profile>;
type Node = Profile['nodes'][number];

const RawMap = z.object({
  version: z.int(),
  file: z.string().default(''),
  sources: z.array(z.string()),
  names: z.array(z.string()),
  mappings: z.string(),
  sourceRoot: z.string().default(''),
  sourcesContent: z.array(z.string()).default([]),
});

/** One profile's time by what it went into; milliseconds. */
export interface Split {
  readonly file: string;
  readonly times: ReadonlyMap<Bucket, number>;
}

/** @throws Error where a file of the folder is no profile. */
export async function splitProfile(file: string): Promise<Split> {
  const profile = Profile.parse(JSON.parse(await readFile(file, 'utf8')));
  const modules = await moduleFinder(profile);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, Node>();
  for (const node of profile.nodes) {
    for (const child of node.children ?? []) parents.set(child, node);
  }
  const known = new Map<Node, Bucket>();
  // A frame that says nothing (native code, a helper) is for whoever called it.
  const bucket = (node: Node): Bucket => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const parent = parents.get(node.id);
    const own = bucketOf({
      name: node.callFrame.functionName,
      module: modules(node),
      caller: parent?.callFrame.functionName ?? '',
    });
    const found = own ?? (parent === undefined ? 'other' : bucket(parent));
    known.set(node, found);
    return found;
  };
  const times = new Map<Bucket, number>();
  for (const [index, id] of profile.samples.entries()) {
    const node = nodes.get(id);
    if (node === undefined) continue;
    const ms = (profile.timeDeltas[index] ?? 0) / 1000;
    times.set(bucket(node), (times.get(bucket(node)) ?? 0) + ms);
  }
  return { file, times };
}

/** The module that a frame comes from: by the bundle's source map, else by its own address. */
async function moduleFinder(profile: Profile): Promise<(node: Node) => string> {
  const urls = new Set(profile.nodes.map(({ callFrame }) => callFrame.url));
  const maps = new Map<string, SourceMap>();
  for (const url of urls) {
    if (!url.startsWith('file:')) continue;
    const path = `${fileURLToPath(url)}.map`;
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text !== null) maps.set(url, new SourceMap(RawMap.parse(JSON.parse(text))));
  }
  return ({ callFrame: { url, lineNumber, columnNumber } }) => {
    const entry = maps.get(url)?.findEntry(lineNumber, columnNumber);
    if (entry === undefined || !('originalSource' in entry)) return url;
    return join(dirname(fileURLToPath(url)), entry.originalSource);
  };
}

/** The splits of every profile in a folder, as a table. */
export async function splitText(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile')).sort();
  const splits: Split[] = [];
  for (const name of names) splits.push(await splitProfile(join(folder, name)));
  const parts = splits.map(({ file, times }) => {
    const busy = [...times].reduce((sum, [name, ms]) => (name === 'waiting' ? sum : sum + ms), 0);
    const lines = BUCKETS.flatMap((name) => {
      const ms = times.get(name) ?? 0;
      if (ms === 0) return [];
      const share = name === 'waiting' ? '' : `${((ms / busy) * 100).toFixed(1)} %`;
      return [`  ${name.padEnd(34)} ${ms.toFixed(0).padStart(8)} ms  ${share.padStart(7)}`];
    });
    return `${file}\n${lines.join('\n')}\n`;
  });
  return parts.join('\n');
}
