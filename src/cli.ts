#!/usr/bin/env node
import { join } from 'node:path';

// Before anything is loaded: on an older Node the SQLite driver does not fail, it crashes without a word.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 12)) {
  // What V8 makes of the sources, kept for the next start: in the program's own folder, where nobody
  // may write who may not change the program. Where that is read-only, nothing is kept, and nobody hears of it.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(join(import.meta.dirname, '../.compile-cache'));
  const { main } = await import('./main.ts');
  process.exit(await main(process.argv, (code) => process.exit(code)));
} else {
  process.stderr.write(
    `cdrsync needs Node.js 22.12 or newer; this is ${process.versions.node}.\n` +
      'Install a newer one (https://nodejs.org), or use npx cdrsync … in the top folder of a checkout.\n',
  );
  process.exit(2);
}
