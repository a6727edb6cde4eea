import { isLoopback } from '../config/listen.ts';
import { loginWays } from '../config/login-fields.ts';
import { accountSchema } from '../config/schema.ts';
import { configError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { withoutEndpoint } from '../providers/address.ts';
import type { Provider } from '../providers/provider.ts';
import { findProvider, providers } from '../providers/registry.ts';
import type { Dialogue } from './dialogue.ts';
import { completeLogin, type Login, readGiven } from './init-answers.ts';
import type { SecretFile } from './init-files.ts';

export interface InitOptions {
  readonly provider?: string;
  readonly id?: string;
  readonly baseUrl?: string;
  readonly dir?: string;
  readonly timeZone?: string;
  readonly startAt?: string;
  readonly currency?: string;
  /** `KEY=VALUE` of `credentials` and `options`, without secrets. */
  readonly set: readonly string[];
  /** `KEY=SOURCE`: where a secret comes from. */
  readonly secret: readonly string[];
}

/** An account to be written. */
export interface Made {
  readonly provider: string;
  readonly entry: JsonObject;
  /** The same with the secrets themselves in place of their files, to be checked and never shown. */
  readonly filled: JsonObject;
  readonly secrets: readonly SecretFile[];
  readonly notices: readonly string[];
}

type Key = 'id' | 'baseUrl' | 'timeZone' | 'startAt' | 'currency';

/**
 * The account that flags and answers make.
 *
 * @param ids of the accounts that there are.
 * @param dialogue null where nobody can be asked.
 * @throws CdrError of class `config` that names everything missing. What is wrong with the account in
 * its configuration is for the whole check to say.
 */
export async function makeAccount(
  options: InitOptions,
  ids: readonly string[],
  dialogue: Dialogue | null,
): Promise<Made> {
  const missing: string[] = [];
  const given = await readGiven(options.set, options.secret);
  if (given.problems.length > 0) throw wrong(given.problems);
  const provider = await chooseProvider(options.provider, dialogue);
  if (provider === null) missing.push('--provider NAME');
  const notices: string[] = [];
  const tidy = (text: string): string => {
    const { url, notice } = tidyUrl(text, provider);
    notices.push(...notice);
    return url;
  };
  const settle = async (key: Key, flag: string, otherwise: string | null): Promise<string> => {
    const known = options[key];
    if (known !== undefined) return key === 'baseUrl' ? tidy(known) : known;
    if (dialogue === null && otherwise === null)
      missing.push(`${flag} ${key === 'baseUrl' ? 'URL' : 'ID'}`);
    if (dialogue === null) return otherwise ?? '';
    const like = key === 'baseUrl' ? ` (such as ${provider?.address.example})` : '';
    const question = { text: `${key}${like}`, ...(otherwise === null ? {} : { otherwise }) };
    const answer = await dialogue.ask(question, (text) => {
      if (text === otherwise && key === 'startAt') return null;
      return fieldProblem(key, key === 'baseUrl' ? tidyUrl(text, provider).url : text, ids);
    });
    return key === 'baseUrl' ? tidy(answer) : answer;
  };
  const id = await settle('id', '--id', provider?.name ?? '');
  const baseUrl = await settle('baseUrl', '--base-url', null);
  const timeZone = await settle('timeZone', '--time-zone', 'Asia/Shanghai');
  const startAt = await settle('startAt', '--start-at', 'yesterday');
  const ways = provider === null ? [] : loginWays(provider);
  const login = provider === null ? [] : await completeLogin(ways, given, dialogue, missing);
  if (provider === null || missing.length > 0) throw incomplete(missing);

  const plain = baseUrl.startsWith('http:') && !isLoopback(hostOf(baseUrl));
  if (plain) notices.push('baseUrl is plain http: credentials and calls travel readable.');
  const head = {
    ...{ id, provider: provider.name, baseUrl: literal(baseUrl) },
    ...(timeZone === 'Asia/Shanghai' ? {} : { timeZone }),
    ...(startAt === 'yesterday' ? {} : { startAt }),
    ...(options.currency === undefined ? {} : { currency: options.currency }),
  };
  const fileOf = (key: string): string => `secrets/${id}-${key}`;
  const entry = {
    ...head,
    ...loginParts(login, ([{ key, secret }, value]) =>
      secret ? `\${file:${fileOf(key)}}` : literal(value),
    ),
  };
  const filled = { ...head, ...loginParts(login, ([, value]) => literal(value)) };
  const secrets = login.flatMap(([{ key, secret }, value]) =>
    secret ? [{ path: fileOf(key), value }] : [],
  );
  return { provider: provider.name, entry, filled, secrets, notices: [...new Set(notices)] };
}

/** A dollar and a brace begin a placeholder unless doubled. A text as replacement would read the doubled one as one. */
function literal(text: string): string {
  return text.replaceAll('${', () => '$${');
}

function loginParts(
  login: Login,
  textOf: (field: Login[number]) => string,
): { readonly credentials: JsonObject; readonly options?: JsonObject } {
  const part = (name: 'credentials' | 'options'): JsonObject =>
    Object.fromEntries(
      login
        .filter(([field]) => field.part === name)
        .map((field) => [field[0].key, textOf(field)] as const),
    );
  const options = part('options');
  const credentials = part('credentials');
  return Object.keys(options).length === 0 ? { credentials } : { credentials, options };
}

async function chooseProvider(
  name: string | undefined,
  dialogue: Dialogue | null,
): Promise<Provider | null> {
  const names = providers.map((provider) => provider.name).join(', ');
  const no = (text: string): string | null =>
    findProvider(text) === null ? `There are: ${names}.` : null;
  if (name !== undefined && findProvider(name) === null) throw wrong([`--provider: ${no(name)}`]);
  const answer = name ?? (await dialogue?.ask({ text: `provider (${names})` }, no));
  return answer === undefined ? null : findProvider(answer);
}

/** An address as it was pasted, made a base URL, and what was done to it. */
function tidyUrl(
  given: string,
  provider: Provider | null,
): { readonly url: string; readonly notice: readonly string[] } {
  const [bare = ''] = given.split(/[?#]/);
  const cut = provider === null ? null : withoutEndpoint(bare, provider.address);
  const url = cut ?? bare;
  if (url === given) return { url, notice: [] };
  const what = cut === null ? 'a query, which' : 'the path of an endpoint, which';
  return { url, notice: [`baseUrl ended in ${what} is not part of it: ${url} was taken.`] };
}

function fieldProblem(key: Key, text: string, ids: readonly string[]): string | null {
  if (key === 'id' && ids.includes(text)) return 'There is an account of that id.';
  const result = accountSchema.shape[key].safeParse(text);
  return result.success ? null : (result.error.issues[0]?.message ?? 'is not valid');
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

/** With the problems that keep an account from being set up. */
export function wrong(problems: readonly string[]): Error {
  return configError(
    'usage.init',
    ['this account cannot be set up:', ...problems.map((problem) => `  ${problem}`)].join('\n'),
  );
}

function incomplete(missing: readonly string[]): Error {
  return configError('usage.missing', `missing: ${missing.join(', ')}`);
}
