import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isObject, type Json } from '../json.ts';

/** A problem of the configuration, at its place: `accounts[0].credentials.token`. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export function problemText({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}

export interface Interpolated {
  readonly value: Json;
  readonly problems: readonly Problem[];
  /** The secret files that it names. */
  readonly files: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` by an environment variable and `${file:PATH}` by a file's
 * content, inside string values, without the blanks around them. A relative path
 * is against the configuration's folder. `$${` stands for `${`.
 */
export function interpolate(value: Json, environment: Environment, folder: string): Interpolated {
  const problems: Problem[] = [];
  const files: string[] = [];

  const secretFile = (name: string): Found => {
    const file = resolve(folder, name);
    files.push(file);
    return readSecret(file);
  };

  const replaceIn = (text: string, path: string): string =>
    text.replace(/\$(?:\$\{|\{([^}]*)\})/g, (whole, name?: string) => {
      if (name === undefined) return '${';
      const found = name.startsWith('file:')
        ? secretFile(name.slice('file:'.length))
        : readVariable(environment, name);
      if (found.kind === 'value') return found.value;
      problems.push({ path, message: found.message });
      return whole;
    });

  const walk = (part: Json, path: string): Json => {
    if (typeof part === 'string') return replaceIn(part, path);
    if (Array.isArray(part))
      return part.map((item: Json, index) => walk(item, `${path}[${index}]`));
    if (!isObject(part)) return part;
    const entries = Object.entries(part);
    return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, joinPath(path, key))]));
  };

  return { value: walk(value, ''), problems, files };
}

export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

type Found =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'problem'; readonly message: string };

function readVariable(environment: Environment, name: string): Found {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    // Not repeated: what stands there may be a part of a secret.
    return {
      kind: 'problem',
      message:
        'a placeholder holds neither the name of a variable nor file:PATH (a literal one begins with two dollar signs)',
    };
  }
  const value = environment[name]?.trim();
  if (value !== undefined && value !== '') return { kind: 'value', value };
  const what = value === undefined ? 'not set' : 'empty';
  return { kind: 'problem', message: `the environment variable ${name} is ${what}` };
}

function readSecret(path: string): Found {
  try {
    const value = readFileSync(path, 'utf8').trim();
    if (value !== '') return { kind: 'value', value };
    return { kind: 'problem', message: `the secret file ${path} is empty` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    return { kind: 'problem', message: `the secret file ${path} cannot be read (${code})` };
  }
}
