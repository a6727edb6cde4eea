import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { configError } from '../errors.ts';

/** Questions to a person at a terminal. */
export interface Dialogue {
  /**
   * Asks until the answer will do.
   *
   * @param problem what is wrong with an answer, for the person; null where nothing is.
   * @throws CdrError where the input ends.
   */
  ask(question: Question, problem: (answer: string) => string | null): Promise<string>;
  close(): void;
}

export interface Question {
  readonly text: string;
  /** What an empty answer means. */
  readonly otherwise?: string;
  /** Typed without an echo. */
  readonly hidden?: boolean;
}

/** Null where there is no terminal to ask at. */
export function openDialogue(signal: AbortSignal): Dialogue | null {
  const { stdin, stderr } = process;
  if (stdin.isTTY !== true || stderr.isTTY !== true) return null;
  let muted = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  const ended = new AbortController();
  lines.on('close', () => ended.abort());
  // In raw mode Ctrl-C is a key: it is to end this as it ends everything else.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const asked = AbortSignal.any([signal, ended.signal]);

  const once = async ({ text, otherwise, hidden = false }: Question): Promise<string> => {
    const prompt = `${text}${otherwise === undefined ? '' : ` [${otherwise}]`}: `;
    stderr.write(hidden ? prompt : '');
    muted = hidden;
    try {
      return (await lines.question(hidden ? '' : prompt, { signal: asked })).trim();
    } catch (error) {
      if (signal.aborted) throw error;
      throw configError('usage.cancelled', 'the input ended');
    } finally {
      muted = false;
      if (hidden) stderr.write('\n');
    }
  };

  return {
    async ask(question, problem) {
      for (;;) {
        const answer = (await once(question)) || (question.otherwise ?? '');
        const wrong = problem(answer);
        if (wrong === null) return answer;
        stderr.write(`  ${wrong}\n`);
      }
    },
    close: () => lines.close(),
  };
}
