import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorDocs } from '../build/docs/errors.ts';
import { CHAPTERS } from '../build/docs/families.ts';
import { ALARMS } from '../src/codes/alarms.ts';
import { ANSWERS } from '../src/codes/answers.ts';
import { ENTRIES, hintOf } from '../src/codes/catalogue.ts';
import type { Entry } from '../src/codes/entry.ts';
import { fillHint } from '../src/codes/fill.ts';
import { languageOf } from '../src/codes/language.ts';
import {
  CdrError,
  configError,
  failureOf,
  failureText,
  fault,
  reportError,
} from '../src/errors.ts';
import { ALARM_CODES } from '../src/status/alarm-codes.ts';

// The catalogue of codes, what is printed of it, and the documentation made from it.

const CHINESE = /\p{Script=Han}/u;
const CODES = [...Object.keys(ENTRIES), ...Object.keys(ANSWERS)];

describe('each code', () => {
  const entries = Object.entries<Entry>({ ...ENTRIES, ...ANSWERS });

  it.each(entries)('%s is explained in English and in Chinese', (_code, entry) => {
    for (const text of [entry.cause, entry.hint, entry.more ?? entry.cause]) {
      expect(text.en).toMatch(/^[\x20-\x7e…]{2,}[.`]$/);
      expect(text.zh).toMatch(CHINESE);
      expect(text.zh).toMatch(/[。`）]$/);
      // Half-width punctuation between Chinese characters is a slip of the keyboard.
      expect(text.zh).not.toMatch(/\p{Script=Han}[,;:?!()]|[,;?!()]\p{Script=Han}/u);
    }
  });

  it.each(entries)('%s names the same commands in both', (_code, { hint, more }) => {
    for (const { en, zh } of [hint, more ?? hint]) {
      for (const [command] of en.matchAll(/`cdrsync [^`]+`/g)) expect(zh).toContain(command);
    }
  });

  it('has in a hint the placeholders of its command filled, in both languages, and nothing else', () => {
    const text = 'ID: `cdrsync verify --account ID --from DAY --to NEXT`, `--account ID` TEXT';
    const hint = { en: text, zh: `请 ${text}` };
    const day = { DAY: '2026-02-28', NEXT: '2026-03-01' };
    const told = 'ID: `cdrsync verify --account $& --from 2026-02-28 --to 2026-03-01`';
    const rest = ', `--account ID` TEXT';
    // An id stands as it is, whatever a replacement would make of it.
    expect(fillHint(hint, { ID: '$&', ...day })).toEqual({
      en: told + rest,
      zh: `请 ${told}${rest}`,
    });
    expect(fillHint({ en: '`cdrsync a --accept DAY --reason TEXT`', zh: '' }, { ID: 'a' }).en).toBe(
      '`cdrsync a --accept DAY --reason TEXT`',
    );
  });

  it('of an alarm is one that the document of status knows', () => {
    expect([...ALARM_CODES].sort()).toEqual(Object.keys(ALARMS).sort());
  });

  it('has the form that metrics take as a label', () => {
    expect(CODES.filter((code) => !/^[a-z]+(?:[._][a-z]+)*$/.test(code))).toEqual([]);
  });
});

describe('the documentation', () => {
  const written = (name: string): string =>
    readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');

  it.each([
    ['ERRORS.md', 'en'],
    ['ERRORS.zh-CN.md', 'zh'],
  ] as const)(
    'docs/%s is what the code generates: after a change run `npm run docs`',
    (name, language) => {
      expect(written(name)).toBe(errorDocs(language));
    },
  );

  it.each(['en', 'zh'] as const)('has a heading for each code, once (%s)', (language) => {
    const headings = [...errorDocs(language).matchAll(/^### (\S+)$/gm)].map(([, code]) => code);
    expect(headings.sort()).toEqual(CODES.sort());
  });

  it('has an introduction to each chapter in both languages', () => {
    for (const { title, introduction } of CHAPTERS) {
      expect([title.zh, introduction.zh].filter((text) => !CHINESE.test(text))).toEqual([]);
      expect([title.en, introduction.en].filter((text) => CHINESE.test(text))).toEqual([]);
    }
  });
});

describe('the language of hints', () => {
  it.each([
    ['zh_CN.UTF-8', 'zh'],
    ['zh_TW', 'zh'],
    ['zh-Hans', 'zh'],
    ['zh', 'zh'],
    ['ZH_CN', 'zh'],
    ['zh.GB18030', 'zh'],
    ['C', 'en'],
    ['POSIX', 'en'],
    ['en_US.UTF-8', 'en'],
    // Zhuang, another language.
    ['zha', 'en'],
    ['', 'en'],
  ] as const)('%s is %s', (locale, language) => {
    expect(languageOf({ LANG: locale })).toBe(language);
  });

  it('is that of the first variable that is set and not empty', () => {
    const zh = 'zh_CN.UTF-8';
    expect(languageOf({})).toBe('en');
    expect(languageOf({ LC_MESSAGES: zh, LANG: 'en_US.UTF-8' })).toBe('zh');
    expect(languageOf({ LC_ALL: 'C', LC_MESSAGES: zh, LANG: zh })).toBe('en');
    expect(languageOf({ LC_ALL: '', LANG: zh })).toBe('zh');
    expect(languageOf({ CDRSYNC_LANG: 'zh', LC_ALL: 'C' })).toBe('zh');
    expect(languageOf({ CDRSYNC_LANG: 'en', LC_ALL: zh })).toBe('en');
    // Numbers and dates of a locale say nothing about the language of messages.
    expect(languageOf({ LC_CTYPE: zh, LC_TIME: zh })).toBe('en');
  });
});

describe('a failure', () => {
  const own = { en: 'Do this.', zh: '请这样做。' };

  it('has class and hint of its code, and the hint of its place where there is one', () => {
    expect(fault('store.full', 'the disk is full')).toEqual({
      ...{ class: 'store', code: 'store.full', message: 'the disk is full' },
      hint: hintOf('store.full'),
    });
    expect(configError('usage.login', 'words').fault.hint).toEqual(hintOf('usage.login'));
    expect(configError('usage.login', 'words', own).fault.hint).toEqual(own);
    expect(hintOf('no.such.code')).toBeNull();
  });

  it('is printed with its code in the first line, and its hint in the language asked for', () => {
    const failure = failureOf(configError('config.invalid', 'wrong:\n  a: is no b', own));
    expect(failureText(failure, 'zh')).toBe(
      'wrong: [config.invalid]\n  a: is no b\n  → 请这样做。\n',
    );
    expect(failureText(failure, 'en')).toContain('\n  → Do this.\n');
  });

  it('is English in JSON, in the order in which it always stood there', () => {
    const remedy = { kind: 'wait', ms: 89_500 } as const;
    const error = new CdrError(fault('http.rate_limited', 'HTTP 429', { remedy, hint: own }));
    expect(JSON.stringify(reportError(failureOf(error)))).toBe(
      '{"code":"http.rate_limited","class":"rate_limited","message":"HTTP 429","hint":"Do this.","retry_after_seconds":90}',
    );
  });
});
