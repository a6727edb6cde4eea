import { configError } from '../errors.ts';

/** Which proxy requests go through. */

const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxies that the environment names, as URLs. One without a scheme is an http proxy, as for curl. */
export function environmentProxies(environment: Environment): readonly string[] {
  return Object.values(named(environment));
}

function named(environment: Environment): Record<string, string> {
  const proxies: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = environment[name];
    if (value === undefined || value === '') continue;
    proxies[name] = value.includes('://') ? value : `http://${value}`;
  }
  return proxies;
}

/**
 * What Node's agents take as `proxyEnv`; null for no proxy.
 *
 * @param proxy the account's setting: a URL, none at all, or what the environment says.
 * @throws CdrError of class `config` where a proxy cannot be used.
 */
export function proxyEnvironment(
  proxy: string | false | null,
  environment: Environment,
): Record<string, string> | null {
  if (proxy === false) return null;
  const proxies = proxy === null ? named(environment) : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  if (Object.keys(proxies).length === 0) return null;
  for (const [name, url] of Object.entries(proxies)) {
    if (URL.canParse(url)) continue;
    const what = proxy === null ? `the variable ${name}` : '"proxy"';
    throw configError('config.proxy', `${what} is not a URL`);
  }
  needSupport();
  if (proxy !== null) return proxies;
  const except = environment['NO_PROXY'] ?? environment['no_proxy'];
  return except === undefined ? proxies : { ...proxies, NO_PROXY: except };
}

/** Node's own proxy agents are younger than the oldest Node that cdrsync runs on. */
function needSupport(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)) return;
  throw configError(
    'config.proxy_unsupported',
    `a proxy is configured, and Node ${process.versions.node} cannot use one`,
  );
}
