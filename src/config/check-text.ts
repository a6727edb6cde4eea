import { resolve } from 'node:path';
import { parseJson } from '../json.ts';
import {
  accessProblems,
  doubles,
  exposure,
  futureStarts,
  issueProblems,
  rawAccounts,
  readAuthorities,
  shortRetentions,
} from './checks.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import { type Environment, interpolate, type Problem } from './interpolate.ts';
import { type ConfigEntries, configSchema } from './schema.ts';
import { plainWords } from './words.ts';

/** The text of a configuration, read as far as it is right. */
export interface Checked {
  /** Null where anything is wrong. */
  readonly entries: ConfigEntries | null;
  /** Certificate authorities as PEM text, by the path in the configuration. */
  readonly pem: ReadonlyMap<string, string>;
  /** The secrets and certificates that it names, as whole paths. */
  readonly files: readonly string[];
  /** Everything that is wrong, one for each path. */
  readonly problems: readonly Problem[];
}

/** @param folder of the configuration, for the files that it names. */
export function checkText(given: string, folder: string, environment: Environment): Checked {
  const text = given.replace(/^\uFEFF/, '');
  const json = tryParse(text);
  if (json.kind === 'broken') {
    return { entries: null, pem: new Map(), files: [], problems: [json.problem] };
  }
  const {
    value,
    problems: unresolved,
    files: secrets,
  } = interpolate(json.value, environment, folder);
  const parsed = configSchema.safeParse(value, { error: plainWords, jitless: true });
  const { pem, problems: untrusted } = readAuthorities(value, folder);
  const accounts = rawAccounts(value);
  const problems = firstOfEachPath([
    ...duplicateKeys(text).map((path) => ({ path, message: 'is set more than once' })),
    ...unresolved,
    ...(parsed.success ? [] : issueProblems(parsed.error, '')),
    ...accounts.flatMap(accessProblems),
    ...untrusted,
    ...doubles(accounts),
    ...futureStarts(accounts, Date.now()),
    ...shortRetentions(accounts),
    ...exposure(value),
  ]);
  const entries = parsed.success && problems.length === 0 ? parsed.data : null;
  const files = [...secrets, ...[...pem.keys()].map((file) => resolve(folder, file))];
  return { entries, pem, files, problems };
}

type Parsed =
  | { readonly kind: 'value'; readonly value: ReturnType<typeof parseJson> }
  | { readonly kind: 'broken'; readonly problem: Problem };

function tryParse(text: string): Parsed {
  try {
    return { kind: 'value', value: parseJson(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const message = `the file is not JSON${jsonPlace(error, text)}`;
    return { kind: 'broken', problem: { path: '', message } };
  }
}

/** Where JSON.parse stopped. Its own message is not shown: it quotes the text around, which may be a secret. */
function jsonPlace({ message }: SyntaxError, text: string): string {
  const stated = /\(line (\d+) column (\d+)\)/.exec(message);
  if (stated !== null) return ` (line ${stated[1]}, column ${stated[2]})`;
  const quoted =
    /^Unexpected token .*?, (?:\.\.\.)?"([\s\S]*?)"(?:\.\.\.)? is not valid JSON$/.exec(
      message,
    )?.[1];
  const at = quoted === undefined ? -1 : text.indexOf(quoted);
  return at < 0 ? '' : ` (near line ${text.slice(0, at + 10).split('\n').length})`;
}

function firstOfEachPath(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => !seen.has(path) && seen.add(path));
}
