/**
 * What a failure asks of whoever meets it.
 *
 * - `transient`: try again, a few times, with growing pauses.
 * - `rate_limited`: wait as told; a long wait ends the account's run.
 * - `auth`: stop the account; asking again would only get it locked.
 * - `contract`: the provider's answer is not what its API promises.
 * - `config`: the configuration or the command line is wrong.
 * - `store`: the local store cannot be used.
 */
export type ErrorClass = 'transient' | 'rate_limited' | 'auth' | 'contract' | 'config' | 'store';

/**
 * - `problem`: the account does not work, or would be read wrongly.
 * - `warning`: it works, and something should be set otherwise.
 * - `notice`: worth knowing.
 */
export type Level = 'problem' | 'warning' | 'notice';

export type Language = 'en' | 'zh';

/** One text in each language. Commands, fields and names stand in backticks and are the same in both. */
export type Text = Readonly<Record<Language, string>>;

/** The same done to the text in each language. */
export function mapText(text: Text, change: (text: string, language: Language) => string): Text {
  return { en: change(text.en, 'en'), zh: change(text.zh, 'zh') };
}

/** What stands behind a code. */
export interface Entry {
  /** What happened and why, for the documentation. */
  readonly cause: Text;
  /** What the operator does now: printed after the arrow. */
  readonly hint: Text;
  /** For the documentation alone. */
  readonly more?: Text;
}

export interface ErrorEntry extends Entry {
  readonly class: ErrorClass;
}

export interface FindingEntry extends Entry {
  readonly level: Level;
}

/** Entries by their code. */
export type Family<Kind extends Entry> = Readonly<Record<string, Kind>>;
