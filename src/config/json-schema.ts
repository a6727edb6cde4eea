import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson } from '../json.ts';
import type { Provider } from '../providers/provider.ts';
import { providers } from '../providers/registry.ts';
import { configSchema } from './schema.ts';

/**
 * The JSON Schema of worker.config.json, for editors: draft-07, which all of them
 * read. It accepts whatever loadConfig accepts, as the file stands there, before
 * placeholders are replaced; loadConfig finds more (doubles, missing variables).
 */
export function configJsonSchema(): JsonObject {
  const schema = withPlaceholders(draft07(configSchema));
  const properties = objectAt(schema, 'properties');
  const accounts = objectAt(properties, 'accounts');
  const account = {
    ...objectAt(accounts, 'items'),
    allOf: providers.map(rulesOf),
  };
  return {
    ...schema,
    title: 'cdrsync: worker.config.json',
    description: `\${NAME} takes an environment variable, \${file:PATH} a secret file, in any text.`,
    properties: { ...properties, accounts: { ...accounts, items: account } },
  };
}

function draft07(schema: z.ZodType): JsonObject {
  const made = parseJson(
    JSON.stringify(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })),
  );
  if (!isObject(made)) throw new TypeError('a schema is no object');
  return made;
}

/** What holds of an account where `provider` names this one. */
function rulesOf({ name, address, credentials, options, defaults }: Provider): JsonObject {
  const { every, minInterval } = defaults;
  return {
    if: { properties: { provider: { const: name } }, required: ['provider'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: {
        baseUrl: { examples: [address.example] },
        credentials: partOf(credentials),
        options: partOf(options),
        every: { default: every },
        minInterval: { default: minInterval },
      },
      ...(options.safeParse({}).success ? {} : { required: ['options'] }),
    },
  };
}

/** The JSON Schema of one part of an account. */
export function partOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...part } = withPlaceholders(draft07(schema));
  return part;
}

const PLACEHOLDER = '\\$\\{([A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\\}';

/** Wherever text has a form, text with a placeholder has another until that is replaced. */
function withPlaceholders(schema: JsonObject): JsonObject {
  const walked = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, walk(value)] as const),
  );
  const { type, enum: words, pattern, ...rest } = walked;
  if (type !== 'string') return walked;
  if (words !== undefined) {
    return {
      ...rest,
      anyOf: [
        { type, enum: words },
        { type, pattern: PLACEHOLDER },
      ],
    };
  }
  if (typeof pattern !== 'string') return walked;
  return { ...rest, type, pattern: `(${pattern})|${PLACEHOLDER}` };
}

function walk(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => walk(item));
  return isObject(value) ? withPlaceholders(value) : value;
}

function objectAt(holder: JsonObject, key: string): JsonObject {
  const value = holder[key];
  if (!isObject(value)) throw new TypeError(`${key} of a schema is no object`);
  return value;
}
