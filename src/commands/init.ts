import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileTrouble, rawAccounts } from '../config/checks.ts';
import { withAccount } from '../config/config-text.ts';
import { configError } from '../errors.ts';
import { isObject, type Json, parseJson } from '../json.ts';
import { openDialogue } from './dialogue.ts';
import { type InitOptions, type Made, makeAccount } from './init-account.ts';
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
  const known = readKnown(path);
  const dialogue = openDialogue(signal);
  try {
    const made = await makeAccount(options, known.ids, dialogue);
    const text = withAccount(known.text, made.entry, schemaFrom(dirname(path)));
    await writeSetup(path, text, made.secrets);
    const notices = [...made.notices, ...gitNotice(dirname(path), made.secrets)];
    report(globals, path, made, notices);
    return 0;
  } finally {
    dialogue?.close();
  }
}

interface Known {
  readonly text: string | null;
  readonly ids: readonly string[];
}

/** What is configured already. It need not be right, but it must be a configuration to be added to. */
function readKnown(path: string): Known {
  if (!existsSync(path)) return { text: null, ids: [] };
  let config: Json;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    config = parseJson(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const trouble = error instanceof SyntaxError ? 'is not JSON' : fileTrouble(error);
    throw unusable(path, trouble);
  }
  if (!isObject(config)) throw unusable(path, 'is no configuration');
  if (!Array.isArray(config['accounts'] ?? []))
    throw unusable(path, 'has accounts that are no list');
  const ids = rawAccounts(config).map(({ entry }) => String(entry['id']));
  return { text, ids };
}

function unusable(path: string, why: string): Error {
  return configError('init.config', `${path} ${why}`, 'Correct it first, or choose another --dir.');
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
