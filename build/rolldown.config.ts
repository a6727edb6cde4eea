import type { RolldownOptions } from 'rolldown';
import { executable } from './executable.ts';
import { leanHttp } from './node-http.ts';
import { notices } from './notices.ts';

/**
 * What stays in node_modules: packages with binaries, WebAssembly or threads of
 * their own, and those that only the worker loads. The others are bundled,
 * since most of a command's start went into finding and reading their files:
 * `status` on a small store took 0.24 s with them and 0.14 s without, each with
 * Node's compile cache. pino's thread is not among them: no transport is used.
 */
const EXTERNAL = [
  'better-sqlite3',
  '@electric-sql/pglite',
  'pino-pretty',
  'bullmq',
  'ioredis',
  'pg',
  'fastify',
  'prom-client',
];

export default {
  input: { cli: 'src/cli.ts', 'pglite-thread': 'src/jobs/pglite-thread.ts' },
  platform: 'node',
  external: EXTERNAL,
  plugins: [leanHttp(), notices(), executable('cli.js')],
  output: { dir: 'dist', cleanDir: true },
} satisfies RolldownOptions;
