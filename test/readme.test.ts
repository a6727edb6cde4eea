import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  anchorOf,
  blocksIn,
  codesIn,
  expectTaken,
  headingsIn,
  linksIn,
  proseOf,
} from './support/documents.ts';

// README.md and its translation say the same, and no document leads nowhere.

const ROOT = join(import.meta.dirname, '..');
const ENGLISH = 'README.md';
const CHINESE = 'README.zh-CN.md';
const EXAMPLES = 'docs/EXAMPLES.md';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The lines of the blocks, without the comments, which are translated. */
const codeLines = (text: string): readonly string[] =>
  blocksIn(text).flatMap((block) =>
    block.split('\n').map((line) => line.replace(/(?:^| +)# .*$/, '')),
  );

/** The commands in a document, without what a shell makes of the rest of their lines. */
function commandsIn(text: string): readonly string[] {
  const inline = codesIn(text).filter((code) => /^(?:npx )?cdrsync \S/.test(code));
  const commands = [...codeLines(text), ...inline].flatMap((line) =>
    line.split(/ (?:&&|[&|>])(?: |$)/),
  );
  return commands.flatMap((command) => {
    const [, found] = /^(?:\w+=\S+ )*(?:npx )?(cdrsync \S.*)$/.exec(command.trim()) ?? [];
    return found === undefined ? [] : [found];
  });
}

/** The rows of the tables by the sections that they stand in; of each what it is about, untranslated. */
const tablesIn = (text: string): readonly (readonly string[])[] =>
  proseOf(text)
    .split(/^#+ /m)
    .map((section) =>
      (section.match(/^\|.*$/gm) ?? []).map((row) => codesIn(row.split(' | ')[0] ?? '').join(' ')),
    );

describe('the two READMEs', () => {
  const [english, chinese] = [read(ENGLISH), read(CHINESE)];

  it('lead to each other at once', () => {
    const top = (text: string): string => text.split('\n').slice(0, 3).join('\n');
    expect(linksIn(top(english))).toEqual([CHINESE]);
    expect(linksIn(top(chinese))).toEqual([ENGLISH]);
  });

  it('have the same headings, tables and code', () => {
    const levels = (text: string) => headingsIn(text).map((heading) => heading.split(' ')[0]);
    expect(levels(chinese)).toEqual(levels(english));
    expect(tablesIn(chinese)).toEqual(tablesIn(english));
    expect(codeLines(chinese)).toEqual(codeLines(english));
    expect(codeLines(english).length).toBeGreaterThan(30);
  });

  it('lead to the same documents, the Chinese one to Chinese ones where there are any', () => {
    const own = (address: string): string => address.replace('.zh-CN.md', '.md');
    const files = (text: string) => [...new Set(linksIn(text).map(own))].sort();
    const [fromEnglish, fromChinese] = [files(english), files(chinese)];
    const others = (all: readonly string[]) => all.filter((file) => file !== ENGLISH);
    expect(others(fromChinese)).toEqual(others(fromEnglish));
    const translated = linksIn(english).filter((file) => {
      const path = join(ROOT, file.replace(/\.md$/, '.zh-CN.md'));
      return !file.includes('.zh-CN.') && file.endsWith('.md') && existsSync(path);
    });
    const lacking = translated.filter(
      (file) => !linksIn(chinese).includes(file.replace(/\.md$/, '.zh-CN.md')),
    );
    expect(lacking).toEqual([]);
  });
});

it.each([ENGLISH, CHINESE, EXAMPLES])('%s has commands that the program takes', async (file) => {
  const commands = new Set(commandsIn(read(file)));
  expect(commands.size).toBeGreaterThan(8);
  for (const command of commands) await expectTaken(command);
});

describe.each(globSync(['README*.md', 'docs/*.md'], { cwd: ROOT }))('%s', (file) => {
  it('leads nowhere but to files and headings that are there', () => {
    const astray = linksIn(read(file)).filter((address) => {
      if (/^[a-z]+:/.test(address)) return false;
      const [path = '', heading] = address.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(ROOT, target))) return true;
      if (heading === undefined) return false;
      const titles = headingsIn(read(target)).map((line) => line.replace(/^#+ /, ''));
      return !titles.map(anchorOf).includes(`#${heading}`);
    });
    expect(astray).toEqual([]);
  });
});
