import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type CdrError, describeError } from '../errors.ts';
import { withoutEndpoint } from '../providers/address.ts';
import type { Connector } from '../providers/provider.ts';
import type { Finding } from './report.ts';

export interface Asked {
  readonly connector: Connector;
  readonly baseUrl: string;
  readonly proxy: string | false | null;
}

/** What a failed request asks of whoever set the account up. */
export function explainFailure(error: CdrError, asked: Asked): readonly Finding[] {
  const { code, hint } = error.fault;
  const failure = { level: 'problem' as const, code, message: describeError(error), hint };
  if (isAboutAddress(error)) {
    return [{ ...failure, hint: `${hint} ${addressHint(asked.proxy, networkInterfaces())}` }];
  }
  if (error.fault.class !== 'contract') return [failure];
  const pasted = pastedEndpoint(asked);
  if (pasted !== null) return [pasted, failure];
  const { provider, address } = asked.connector;
  return [{ ...failure, hint: `${hint} For ${provider} it looks like ${address.example}.` }];
}

/** That the base URL ends in a path which the connector adds by itself; null where it does not. */
export function pastedEndpoint({ connector, baseUrl }: Asked): Finding | null {
  const plain = withoutEndpoint(baseUrl, connector.address);
  if (plain === null) return null;
  return {
    level: 'problem',
    code: 'base_url.endpoint',
    message: `baseUrl ends in the path of an endpoint, ${baseUrl.slice(plain.length)}, which is added to it by itself`,
    hint: `Set baseUrl to ${plain}.`,
  };
}

function isAboutAddress({ fault }: CdrError): boolean {
  return (
    fault.code === 'auth.address' ||
    (fault.code === 'http.auth' && /^HTTP 403\b/.test(fault.message))
  );
}

/**
 * Which address a provider would have to allow, as far as this machine can tell.
 *
 * @param interfaces as node:os gives them.
 */
export function addressHint(
  proxy: string | false | null,
  interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]>,
): string {
  const own = Object.values(interfaces).flatMap((list = []) =>
    list.flatMap(({ address, internal }) => (internal || isPrivate(address) ? [] : [address])),
  );
  const unsure =
    'Which address that is cannot be known for certain from here: behind NAT or a proxy it is the public one of the router or the proxy.';
  if (typeof proxy === 'string') return `${unsure} This account goes through a proxy.`;
  if (own.length > 0) return `${unsure} Public addresses of this machine: ${own.join(', ')}.`;
  return `${unsure} This machine itself has only private ones, so ask whoever runs the network, or a service that shows one's address.`;
}

function isPrivate(address: string): boolean {
  return /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/i.test(
    address,
  );
}
