import { expect } from 'vitest';
import { buildProgram } from '../../src/program/program.ts';

// Markdown as tests read it.

/** What stands between fences, in order; without its language. */
export function blocksIn(text: string): readonly string[] {
  return [...text.matchAll(/^```\w*\n(.*?)\n```$/gms)].map(([, block = '']) => block);
}

/** A document without what stands between fences. */
export function proseOf(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, '');
}

/** What stands between backticks outside of the blocks. */
export function codesIn(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The addresses of the links outside of blocks and code. */
export function linksIn(text: string): readonly string[] {
  const words = proseOf(text).replaceAll(/`[^`\n]+`/g, '');
  return [...words.matchAll(/\]\(([^)\s]+)\)/g)].map(([, address = '']) => address);
}

/** The headings outside of the blocks, with their number signs. */
export function headingsIn(text: string): readonly string[] {
  return proseOf(text).match(/^#+ .+$/gm) ?? [];
}

/** The part of an address by which GitHub links to a heading, which comes without number signs. */
export function anchorOf(title: string): string {
  const letters = title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
  return `#${letters.trim().replaceAll(/\s/g, '-')}`;
}

/** Parses a command line, `cdrsync` first, as the program does, and runs nothing. */
export async function expectTaken(command: string): Promise<void> {
  let actions = 0;
  const program = buildProgram(() => async () => {
    actions += 1;
  });
  program.configureOutput({ writeErr: (text) => expect.fail(`${command}: ${text}`) });
  const words = command.match(/"[^"]*"|\S+/g) ?? [];
  await program.parseAsync(words.slice(1), { from: 'user' });
  expect(actions, command).toBe(1);
}
