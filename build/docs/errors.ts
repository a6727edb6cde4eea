import type { Language } from '../../src/codes/entry.ts';
import { CHAPTERS, type Chapter } from './families.ts';
import * as words from './words.ts';

/** The documentation of every code that cdrsync prints, as Markdown. */
export function errorDocs(language: Language): string {
  const classes = Object.entries(words.CLASSES).map(
    ([name, text]) => `| \`${name}\` | ${text[language]} |`,
  );
  return [
    '<!-- Made from src/codes by `npm run docs`: change it there. -->',
    `# ${words.TITLE[language]}`,
    words.OTHER[language],
    words.INTRODUCTION[language],
    `## ${words.CLASSES_TITLE[language]}`,
    words.CLASSES_INTRODUCTION[language],
    [words.CLASSES_HEAD[language], ...classes].join('\n'),
    ...CHAPTERS.flatMap((chapter) => chapterText(chapter, language)),
  ]
    .join('\n\n')
    .concat('\n');
}

function chapterText(
  { title, introduction, entries }: Chapter,
  language: Language,
): readonly string[] {
  const told = Object.entries(entries).flatMap(([code, entry]) => {
    const kind = entry.class ?? entry.level;
    const label = entry.class === undefined ? words.LABELS.level : words.LABELS.class;
    const colon = words.LABELS.colon[language];
    const paragraphs = [
      `### ${code}`,
      entry.cause[language],
      `**${words.LABELS.hint[language]}**${colon}${entry.hint[language]}`,
      entry.more?.[language],
      kind === undefined ? undefined : `${label[language]}${colon}\`${kind}\``,
    ];
    return paragraphs.filter((paragraph) => paragraph !== undefined);
  });
  return [`## ${title[language]}`, introduction[language], ...told];
}
