import { readFileSync } from 'node:fs';
import { text as readStream } from 'node:stream/consumers';
import { type LoginField, loginWays } from '../config/login-fields.ts';
import { configError } from '../errors.ts';
import { providers } from '../providers/registry.ts';
import type { Dialogue } from './dialogue.ts';

/** What the command line gives of a login, before it is known what the provider wants. */
export interface Given {
  /** By the key in `credentials` or `options`; secrets among them. */
  readonly values: ReadonlyMap<string, string>;
  /** The keys whose values came as words of the command line. */
  readonly plain: ReadonlySet<string>;
  readonly problems: readonly string[];
}

/**
 * Reads `--set KEY=VALUE` and `--secret KEY=SOURCE`. A source that is none is
 * not repeated, nor is a key that no provider has: it may be the secret itself.
 */
export async function readGiven(set: readonly string[], secret: readonly string[]): Promise<Given> {
  const values = new Map<string, string>();
  const plain = new Set<string>();
  const problems: string[] = [];
  for (const given of set) {
    const [key, value] = halves(given);
    if (value === null || value === '') problems.push('--set takes KEY=VALUE');
    else values.set(key, value);
    plain.add(key);
  }
  for (const given of secret) {
    const [key, source] = halves(given);
    const read = source === null ? { problem: NO_SOURCE } : await readSource(source);
    if ('problem' in read)
      problems.push(`--secret ${source !== null && isKnown(key) ? `${key}: ` : ''}${read.problem}`);
    else values.set(key, read.value);
  }
  return { values, plain, problems };
}

function isKnown(key: string): boolean {
  return providers.flatMap(loginWays).some((way) => way.some((field) => field.key === key));
}

function halves(text: string): readonly [key: string, value: string | null] {
  const at = text.indexOf('=');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

const NO_SOURCE = 'takes KEY=env:NAME, KEY=file:PATH or KEY=stdin, and no secret itself';

type Read = { readonly value: string } | { readonly problem: string };

async function readSource(source: string): Promise<Read> {
  const [, kind, name = ''] = /^(env|file|stdin)(?::(.+))?$/s.exec(source) ?? [];
  if (kind === undefined || (kind === 'stdin') !== (name === '')) return { problem: NO_SOURCE };
  if (kind === 'env') {
    const named = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? ` ${name}` : '';
    return filled(process.env[name] ?? '', `the variable${named}`);
  }
  if (kind === 'stdin') return filled(await readStream(process.stdin), 'stdin');
  try {
    return filled(readFileSync(name, 'utf8'), `the file ${name}`);
  } catch {
    return { problem: `the file ${name} cannot be read` };
  }
}

function filled(text: string, where: string): Read {
  const value = text.trim();
  return value === '' ? { problem: `${where} holds nothing` } : { value };
}

/** What the provider wants, with what is given for it; null: an option left out. */
export type Login = readonly (readonly [field: LoginField, value: string])[];

/**
 * The login, by what is given and by asking for the rest.
 *
 * @param ways as the provider takes one; the first that has all that is given.
 * @param missing gets the flags of what is neither given nor asked for.
 */
export async function completeLogin(
  ways: readonly (readonly LoginField[])[],
  given: Given,
  dialogue: Dialogue | null,
  missing: string[],
): Promise<Login> {
  const keys = [...given.values.keys()];
  const fits = ways.filter((way) => keys.every((key) => way.some((field) => field.key === key)));
  if (fits.length === 0) throw unknownKeys(keys, ways);
  const way = await chooseWay(fits, keys, dialogue, missing);
  const login: (readonly [LoginField, string])[] = [];
  for (const field of way) {
    const { key, secret, optional, description } = field;
    if (secret && given.plain.has(key)) throw exposed(key);
    const known = given.values.get(key);
    if (known === undefined && dialogue === null) {
      if (!optional) missing.push(secret ? `--secret ${key}=SOURCE` : `--set ${key}=VALUE`);
      continue;
    }
    const text = `${key}${description === '' ? '' : ` (${description.replace(/\.$/, '')})`}`;
    const value =
      known ??
      (await dialogue?.ask({ text, hidden: secret }, (answer) =>
        answer === '' && !optional ? 'It is needed.' : null,
      )) ??
      '';
    if (value !== '') login.push([field, value]);
  }
  return login;
}

async function chooseWay(
  ways: readonly (readonly LoginField[])[],
  keys: readonly string[],
  dialogue: Dialogue | null,
  missing: string[],
): Promise<readonly LoginField[]> {
  const [first = [], ...others] = ways;
  if (others.length === 0) return first;
  const names = ways.map((way) =>
    way.flatMap(({ key, part }) => (part === 'credentials' ? [key] : [])).join(' and '),
  );
  const undecided = !ways.some((way) => keys.some((key) => way.some((field) => field.key === key)));
  if (dialogue === null) {
    if (undecided) missing.push(`the login: ${names.join(', or ')}`);
    return undecided ? [] : first;
  }
  const list = names.map((name, index) => `${index + 1} ${name}`).join(', ');
  const answer = await dialogue.ask({ text: `login by (${list})`, otherwise: '1' }, (text) =>
    ways[Number(text) - 1] === undefined ? 'Give one of the numbers.' : null,
  );
  return ways[Number(answer) - 1] ?? first;
}

function unknownKeys(keys: readonly string[], ways: readonly (readonly LoginField[])[]): Error {
  const known = [...new Set(ways.flat().map(({ key }) => key))];
  const strange = keys.filter((key) => !known.includes(key));
  // Not repeated: with its halves swapped it is a secret.
  const words =
    strange.length > 0
      ? `${strange.length} of the keys given with --set and --secret are none of this provider's`
      : `this provider does not take these together: ${keys.join(', ')}`;
  const list = known.join(', ');
  return configError('usage.login', words, { en: `It takes: ${list}.`, zh: `可用的键：${list}。` });
}

function exposed(key: string): Error {
  return configError(
    'usage.secret',
    `${key} is a secret, which a command line shows to everybody on this machine`,
  );
}
