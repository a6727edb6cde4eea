import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkText } from '../config/check-text.ts';
import { fileTrouble, rawAccounts } from '../config/checks.ts';
import { withAccount } from '../config/config-text.ts';
import { type Problem, problemText } from '../config/interpolate.ts';
import { configError } from '../errors.ts';
import { isObject, type Json, parseJson } from '../json.ts';
import { openDialogue } from './dialogue.ts';
import { type InitOptions, type Made, makeAccount, wrong } from './init-account.ts';
import { isTracked, type SecretFile, writeSetup } from './init-files.ts';
import type { GlobalOptions } from './session.ts';

/** Writes a configuration, or adds an account to one, with each secret in a file of its own. */
export async function initCommand(
  globals: GlobalOptions,
  options: InitOptions,
  signal: AbortSignal,
): Promise<number> {
  const { dir } = options;
  const path = resolve(dir === undefined ? globals.config : join(dir, 'worker.config.json'));
  const known = existsSync(path) ? idsOf(path, readText(path)) : [];
  const dialogue = openDialogue(signal);
  try {
    const made = await makeAccount(options, known, dialogue);
    const notices = [...made.notices];
    const compose = (text: string | null): string => {
      notices.push(...checkAddition(path, text, made));
      return withAccount(text, made.entry, schemaFrom(dirname(path)));
    };
    await writeSetup(path, made.secrets, compose, signal);
    notices.push(...gitNotice(dirname(path), made.secrets));
    report(globals, path, made, notices);
    return 0;
  } finally {
    dialogue?.close();
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable(path, fileTrouble(error));
  }
}

/** The ids of what is configured already. It need not be right, but it must be a configuration to be added to. */
function idsOf(path: string, text: string): readonly string[] {
  let config: Json;
  try {
    config = parseJson(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unusable(path, 'is not JSON');
  }
  if (!isObject(config)) throw unusable(path, 'is no configuration');
  if (!Array.isArray(config['accounts'] ?? []))
    throw unusable(path, 'has accounts that are no list');
  return rawAccounts(config).map(({ entry }) => String(entry['id']));
}

/**
 * The whole check of a configuration, on what it would be with the account.
 *
 * @returns notices of problems that stood there before; some may be of this environment alone.
 * @throws CdrError that names every problem that the account would bring.
 */
function checkAddition(path: string, text: string | null, { filled }: Made): readonly string[] {
  const id = String(filled['id']);
  if (text !== null && idsOf(path, text).includes(id))
    throw wrong([`id: there is an account ${id}; nothing is overwritten`]);
  const check = (of: string): readonly Problem[] =>
    checkText(of, dirname(path), process.env).problems;
  const before = text === null ? [] : check(text).map(problemText);
  const after = check(withAccount(text, filled, null));
  const brought = after.filter((problem) => !before.includes(problemText(problem)));
  if (brought.length > 0) {
    const own = /^accounts\[\d+\]\.?/;
    throw wrong(
      brought.map((problem) => problemText({ ...problem, path: problem.path.replace(own, '') })),
    );
  }
  return after.map((problem) => `This was wrong before, and is: ${problemText(problem)}`);
}

function unusable(path: string, why: string): Error {
  return configError('init.config', `${path} ${why}`);
}

/** Where the folder holds cdrsync, the schema that comes with it; otherwise none. */
function schemaFrom(folder: string): string | null {
  const places = [
    './worker.config.schema.json',
    './node_modules/cdrsync/worker.config.schema.json',
  ];
  return places.find((place) => existsSync(join(folder, place))) ?? null;
}

function gitNotice(folder: string, secrets: readonly SecretFile[]): readonly string[] {
  if (secrets.length === 0 || !isTracked(folder)) return [];
  return ['This folder is in a git work tree: add the line secrets/ to its .gitignore.'];
}

function report(
  globals: GlobalOptions,
  path: string,
  { provider, entry, secrets }: Made,
  notices: readonly string[],
): void {
  const account = String(entry['id']);
  const standard = path === resolve('worker.config.json');
  const next = `cdrsync ${standard ? '' : `--config ${path} `}config check`;
  const files = secrets.map((secret) => secret.path);
  if (globals.json) {
    const document = { account, provider, config: path, secrets: files, notices, next };
    process.stdout.write(`${JSON.stringify(document)}\n`);
    return;
  }
  const lines = [
    ...notices.map((notice) => `! ${notice}`),
    `${path}: ${account} (${provider}) was added`,
    ...files.map((file) => `  its secret: ${file}, for your eyes only (0600)`),
    `Next: ${next}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
