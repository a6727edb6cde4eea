/** What the time of a sync goes into. */
export const BUCKETS = [
  'waiting',
  'HTTP',
  'JSON.parse',
  'normalise',
  'raw and canonical JSON',
  'hashes',
  'SQL compile',
  'SQLite: statements',
  'SQLite: commit',
  'SQLite: prepare',
  'engine and store',
  'garbage collection',
  'native, not told apart',
  'starting',
  'other',
] as const;

export type Bucket = (typeof BUCKETS)[number];

export interface Frame {
  readonly name: string;
  /** A path or an address such as `node:http`; empty for native code. */
  readonly module: string;
  /** The function that called it. */
  readonly caller: string;
}

type Rule = readonly [bucket: Bucket, fits: (frame: Frame) => boolean];

const inModule = (pattern: RegExp) => (frame: Frame) => pattern.test(frame.module);
const named = (pattern: RegExp) => (frame: Frame) => pattern.test(frame.name);
const native = (pattern: RegExp) => (frame: Frame) =>
  frame.module === '' && pattern.test(frame.name);

const inDriver = inModule(/\/node_modules\/better-sqlite3\//);

function isQuery({ name, module }: Frame): boolean {
  return name === 'executeQuery' && module.endsWith('sqlite-driver.js');
}

/** The first that fits decides. */
const RULES: readonly Rule[] = [
  ['waiting', named(/^\(idle\)$/)],
  ['garbage collection', named(/^\(garbage collector\)$/)],
  ['native, not told apart', named(/^\(program\)$/)],
  // The driver's native calls have no frames of their own: their time is that of whoever calls them.
  ['SQLite: commit', (frame) => isQuery(frame) && frame.caller === 'commitTransaction'],
  ['SQLite: statements', (frame) => isQuery(frame)],
  ['SQLite: prepare', (frame) => frame.name === 'prepare' && inDriver(frame)],
  ['SQLite: statements', inModule(/\/src\/store\/sqlite\/engine\.ts$/)],
  ['SQLite: statements', inModule(/\/bench\/floor\/table\.ts$/)],
  ['SQLite: commit', named(/^sqliteTransaction$/)],
  ['SQLite: statements', inDriver],
  ['JSON.parse', (frame) => frame.name === 'parseJson' || frame.name === 'tryJson'],
  // The floor's: what it does itself is nothing else.
  ['JSON.parse', named(/^fetchPage$/)],
  ['raw and canonical JSON', inModule(/\/src\/json\.ts$/)],
  ['raw and canonical JSON', named(/^(isDeeper|writeRow)$/)],
  ['raw and canonical JSON', (frame) => native(/^stringify$/)(frame) && frame.caller === 'rowOf'],
  ['hashes', named(/^digestOf$/)],
  ['hashes', inModule(/^node:(internal\/)?crypto/)],
  ['SQL compile', inModule(/\/node_modules\/kysely\//)],
  ['HTTP', inModule(/\/src\/providers\/(http|proxy)\.ts$/)],
  [
    'normalise',
    inModule(/\/src\/(providers\/|time\.ts|decimal\.ts|call\.ts)|\/node_modules\/zod\//),
  ],
  [
    'normalise',
    inModule(/\/src\/sync\/rows\.ts$|\/bench\/floor\/(infin8linx|itniotech|times)\.ts$/),
  ],
  ['engine and store', inModule(/\/src\/(sync|store|commands)\//)],
  ['HTTP', inModule(/\/node_modules\/(got|keyv|cacheable|p-retry)/)],
  [
    'HTTP',
    inModule(
      /^node:(_?http|_?stream|net|events|internal\/(streams|net|http|webstreams|fetch|deps\/undici|stream_base))/,
    ),
  ],
  ['starting', inModule(/^node:internal\/(modules|process\/(esm|execution)|bootstrap|main)/)],
];

/** Null for a frame that is for its caller to explain: native code, a helper. */
export function bucketOf(frame: Frame): Bucket | null {
  return RULES.find(([, fits]) => fits(frame))?.[0] ?? null;
}
