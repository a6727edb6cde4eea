import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { addDays } from '../../src/time.ts';
import {
  type Environment,
  openWorkbench,
  type Workbench,
  type WorkbenchOptions,
} from './workbench.ts';

// docs/RUNBOOK.md as a program reads it, and an incident that goes by it.

export const RUNBOOKS = { en: 'RUNBOOK.md', zh: 'RUNBOOK.zh-CN.md' } as const;
export type RunbookLanguage = keyof typeof RUNBOOKS;

export interface Section {
  /** Of an incident; null before the first. */
  readonly number: number | null;
  readonly title: string;
  readonly text: string;
  /** What stands between fences, in order. */
  readonly blocks: readonly { readonly kind: string; readonly text: string }[];
}

/** The sections below the headings of the second level. */
export function readRunbook(language: RunbookLanguage): readonly Section[] {
  const file = new URL(`../../docs/${RUNBOOKS[language]}`, import.meta.url);
  const [, ...parts] = readFileSync(file, 'utf8').split(/^## /m);
  return parts.map((part) => {
    const [title = ''] = part.split('\n');
    const number = /^(\d+)\. /.exec(title)?.[1];
    const blocks = [...part.matchAll(/^```(\w+)\n(.*?)\n```$/gms)];
    return {
      ...{ title, text: part, number: number === undefined ? null : Number(number) },
      blocks: blocks.map(([, kind = '', text = '']) => ({ kind, text })),
    };
  });
}

/** The commands in what is printed behind the arrows, however its lines are broken. */
export function hintedCommands(printed: string): readonly string[] {
  const hints = printed.matchAll(/^( *)→ (.+(?:\n\1 {2}.+)*)$/gm);
  return [...hints].flatMap(([, , hint = '']) => {
    const line = hint.replaceAll(/(?: ?\\)?\n */g, ' ');
    const commands = line.matchAll(/`(cdrsync [^`]+)`|(?:^|: )(cdrsync [^`]+)$/g);
    return [...commands].map(([, quoted, bare]) => quoted ?? bare ?? '');
  });
}

/** Whether a text shows what the runbook quotes, however its lines are broken. */
function shows(printed: string, quoted: string): boolean {
  const literal = (text: string): string =>
    text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/\s+/g, '\\s*');
  const wild = quoted.split(/(…|\b(?:ID|DAY)\b)/).map((part, index) => {
    if (index % 2 === 0) return literal(part);
    return part === '…' ? '[\\s\\S]{0,300}?' : '\\S+';
  });
  return new RegExp(wild.join('')).test(printed);
}

const SHIFT = new URL('./shift-clock.ts', import.meta.url).href;

/** What has the binary's clock off by so many milliseconds. */
export function shifted(by: number): Environment {
  return { NODE_OPTIONS: `--import ${SHIFT}`, CDRSYNC_TEST_SHIFT: String(by) };
}

/** The names in the runbook's commands on one day of an account. */
export function inDay(account: string, day: string): Readonly<Record<string, string>> {
  return { ID: account, DAY: day, NEXT: addDays(day, 1) };
}

/** An incident of the runbook on the real binary: what is run, and all that it printed. */
export interface Incident {
  readonly bench: Workbench;
  /** For what is run from now on. */
  environment: Environment;
  /** Runs a command, which ends with this code, and returns what it printed. */
  run(code: number, ...args: readonly string[]): Promise<string>;
  /** Runs the one command of a hint that holds these words; `choices` fill in what a person chooses. */
  follow(code: number, printed: string, words: string, ...choices: string[]): Promise<string>;
  /** Runs the first command of the runbook's section that holds these words, its names filled in. */
  step(code: number, words: string, names?: Readonly<Record<string, string>>): Promise<string>;
  /** Nothing asks for a person any more. */
  expectWell(): Promise<void>;
  /** What was printed (or `seen` elsewhere) is what the section quotes. */
  expectQuoted(...seen: readonly string[]): void;
}

export async function openIncident(number: number, options: WorkbenchOptions): Promise<Incident> {
  const bench = await openWorkbench(options);
  const section = readRunbook('en').find((one) => one.number === number);
  let printed = '';
  const execute = (code: number, command: string, fill: (word: string) => string) => {
    const [, ...words] = command.split(' ');
    return incident.run(code, ...words.map(fill));
  };
  const incident: Incident = {
    bench,
    environment: {},
    run: async (code, ...args) => {
      const result = await bench.start(args, incident.environment).finished;
      const text = result.stdout + result.stderr;
      expect(result.code, `cdrsync ${args.join(' ')}\n${text}`).toBe(code);
      printed += text;
      return text;
    },
    follow: (code, text, words, ...choices) => {
      const commands = hintedCommands(text).filter((command) => command.includes(words));
      expect(new Set(commands).size, `a command with "${words}" in a hint of\n${text}`).toBe(1);
      const chosen = choices[Symbol.iterator]();
      const choose = (word: string): string =>
        /^(?:…|[A-Z]+)$/.test(word) ? (chosen.next().value ?? expect.fail(word)) : word;
      return execute(code, commands[0] ?? '', choose);
    },
    step: (code, words, names = {}) => {
      const lines = section?.blocks.flatMap(({ text }) => text.split('\n')) ?? [];
      const command = lines.find((line) => line.startsWith('cdrsync ') && line.includes(words));
      return execute(code, command ?? expect.fail(words), (word) => names[word] ?? word);
    },
    expectWell: async () => {
      await incident.run(0, 'status', '--check');
    },
    expectQuoted: (...seen) => {
      const quotes = section?.blocks.filter(({ kind }) => kind !== 'sh') ?? [];
      expect(quotes.length).toBeGreaterThan(0);
      for (const { text } of quotes) {
        expect(shows([printed, ...seen].join('\n'), text), `${text}\n\nin\n\n${printed}`).toBe(
          true,
        );
      }
    },
  };
  return incident;
}
