import type { Language } from './entry.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The first that is set and not empty decides, as POSIX has it for the locale of messages. */
const VARIABLES = ['CDRSYNC_LANG', 'LC_ALL', 'LC_MESSAGES', 'LANG'];

/** The language in which text output hints: Chinese in a Chinese locale of any script, else English. */
export function languageOf(environment: Environment): Language {
  const locale = VARIABLES.map((name) => environment[name] ?? '').find((value) => value !== '');
  return /^zh(?![a-z])/i.test(locale ?? '') ? 'zh' : 'en';
}
