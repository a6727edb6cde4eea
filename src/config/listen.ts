import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** Where the HTTP server listens. An IPv6 host is without brackets; port 0 takes any free one. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Reads `HOST:PORT`, an IPv6 host in brackets; null where it is not of that form. */
export function parseListen(text: string): Listen | null {
  const [, bracketed, plain = '', digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : null;
  return isIPv4(plain) || isHostName(plain) ? { host: plain, port } : null;
}

/** A name that ends in a number is a mistyped address, which some systems would complete in their own way. */
function isHostName(text: string): boolean {
  const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
  return (
    new RegExp(`^(?:${label}\\.)*${label}\\.?$`, 'i').test(text) && !/(^|\.)\d+\.?$/.test(text)
  );
}

/**
 * Whether a host can be reached from this machine alone. Names other than
 * `localhost` count as reachable from elsewhere: what they resolve to may change.
 *
 * @param host a name or address, an IPv6 one with or without brackets.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (bare.toLowerCase() === 'localhost') return true;
  return isIP(bare) !== 0 && loopback.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
}

const SHORTEST_TOKEN = 16;

/** Why this token does not do for a server on this host; null where it does. */
export function tokenProblem(host: string, token: string | null): string | null {
  if (isLoopback(host)) return null;
  const why = `http.listen can be reached from other machines (${host})`;
  if (token === null) return `is missing: ${why}, and those may read only with a token`;
  if (token.length >= SHORTEST_TOKEN) return null;
  return `is too short to be safe from guessing: ${why}, so it needs ${SHORTEST_TOKEN} characters or more`;
}
