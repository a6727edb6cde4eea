import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Provider } from '../providers/provider.ts';
import { partOf } from './json-schema.ts';

/** One thing that a provider wants to know of a login: a key of `credentials` or `options`. */
export interface LoginField {
  readonly part: 'credentials' | 'options';
  readonly key: string;
  /** No output may show it. */
  readonly secret: boolean;
  readonly optional: boolean;
  /** A sentence; empty where the provider has none for it. */
  readonly description: string;
}

/** What makes up a login, for each way in which the provider takes one. */
export function loginWays(provider: Provider): readonly (readonly LoginField[])[] {
  const credentials = partOf(provider.credentials);
  const options = fieldsOf('options', partOf(provider.options));
  const { anyOf } = credentials;
  const ways: readonly Json[] = Array.isArray(anyOf) ? anyOf : [credentials];
  return ways.map((way) => {
    const fields = [...fieldsOf('credentials', isObject(way) ? way : {}), ...options];
    const secrets = secretKeys(provider, fields);
    return fields.map((field) => ({ ...field, secret: secrets.includes(field.key) }));
  });
}

function fieldsOf(part: LoginField['part'], schema: JsonObject): readonly LoginField[] {
  const { properties = null, required = [] } = schema;
  if (!isObject(properties)) return [];
  return Object.entries(properties).map(([key, field]): LoginField => {
    const description = isObject(field) ? field['description'] : undefined;
    return {
      part,
      key,
      secret: false,
      optional: !(Array.isArray(required) && required.includes(key)),
      description: typeof description === 'string' ? description : '',
    };
  });
}

/** The provider itself says which of its values are secret: asked with each key as its own value. */
function secretKeys(provider: Provider, fields: readonly LoginField[]): readonly string[] {
  const values = (part: LoginField['part']) =>
    Object.fromEntries(
      fields.filter((field) => field.part === part).map(({ key }) => [key, key] as const),
    );
  return provider.open({
    accountId: 'a',
    baseUrl: provider.address.example,
    timeZone: 'UTC',
    currency: null,
    credentials: values('credentials'),
    options: values('options'),
  }).secrets;
}
