import { describe, expect, it } from 'vitest';
import { ENTRIES } from '../src/codes/catalogue.ts';
import { ALARM_CODES } from '../src/status/alarm-codes.ts';
import { anchorOf, codesIn, expectTaken } from './support/documents.ts';
import { RUNBOOKS, readRunbook, type Section } from './support/runbook.ts';

// docs/RUNBOOK.md and its translation: nothing in them leads nowhere, and both say the same.

const LANGUAGES = ['en', 'zh'] as const;

const anchorsIn = (text: string): readonly string[] =>
  [...text.matchAll(/\]\((#[^)]+)\)/g)].map(([, anchor = '']) => anchor);

/** The section with the table from what is seen to the incidents. */
const triageOf = (sections: readonly Section[]): Section =>
  sections[1] ?? expect.fail('there is no triage');

describe.each(LANGUAGES)('the runbook (%s)', (language) => {
  const sections = readRunbook(language);
  const triage = triageOf(sections);
  const incidents = sections.filter(({ number }) => number !== null);

  it('leads from every alarm to what is to be done', () => {
    const rows = triage.text.split('\n').filter((line) => line.startsWith('| '));
    const leading = rows.filter((row) => row.includes('](#') || row.includes('`run_failed`'));
    const codes = leading.flatMap((row) => codesIn(row.split(' | ')[0] ?? ''));
    expect(ALARM_CODES.filter((code) => !codes.includes(code))).toEqual([]);
  });

  it('leads to every incident, and nowhere else', () => {
    expect(incidents.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const anchors = new Set(anchorsIn(triage.text));
    expect([...anchors].sort()).toEqual(incidents.map(({ title }) => anchorOf(title)).sort());
    const all = sections.flatMap(({ text }) => anchorsIn(text));
    expect(all.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });

  it('names codes that the program has', () => {
    const dotted = sections
      .flatMap(({ text }) => codesIn(text))
      .filter((code) =>
        /^(?:auth|http|provider|response|config|store|queue|erase|clock|time_zone)\.[a-z_]+$/.test(
          code,
        ),
      );
    expect(dotted.length).toBeGreaterThan(20);
    expect(dotted.filter((code) => ENTRIES[code] === undefined)).toEqual([]);
  });

  it('has commands that the program takes', async () => {
    const lines = sections.flatMap(({ text, blocks }) => [
      ...blocks.filter(({ kind }) => kind === 'sh').flatMap((block) => block.text.split('\n')),
      ...codesIn(text),
    ]);
    const commands = new Set(lines.filter((line) => /^cdrsync \S/.test(line)));
    expect(commands.size).toBeGreaterThan(20);
    for (const command of commands) await expectTaken(command);
  });
});

it(`says in ${RUNBOOKS.zh} what it says in ${RUNBOOKS.en}`, () => {
  const [english, chinese] = [readRunbook('en'), readRunbook('zh')];
  const shape = ({ number, text, blocks }: Section) => ({
    number,
    blocks,
    codes: [...new Set(codesIn(text))].sort(),
    links: anchorsIn(text).length,
    rows: text.match(/^ *\|/gm)?.length ?? 0,
    steps: text.match(/^(?:\d+\.|-) /gm)?.length ?? 0,
    parts: text.match(/^\*\*/gm)?.length ?? 0,
  });
  expect(chinese.map(shape)).toEqual(english.map(shape));
  const untranslated = chinese.filter(({ title }) => !/\p{Script=Han}/u.test(title));
  expect(untranslated).toEqual([]);
});
