import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

/** Puts the licences of the packages in the bundle beside it, as most of them ask for. */
export function notices(): Plugin {
  return {
    name: 'notices',
    async generateBundle(_options, bundle) {
      const folders = Object.values(bundle).flatMap((output) =>
        output.type === 'chunk' ? output.moduleIds.flatMap(packageFolder) : [],
      );
      const texts = await Promise.all([...new Set(folders)].sort().map(noticeOf));
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-NOTICES.txt',
        source: texts.join(`\n${'-'.repeat(78)}\n\n`),
      });
    },
  };
}

/** None for a module of our own. */
function packageFolder(module: string): readonly string[] {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(module) ?? [];
}

async function noticeOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  );
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text =
    file === undefined ? `License: ${license}\n` : await readFile(join(folder, file), 'utf8');
  return `${name} ${version}\n\n${text}`;
}
