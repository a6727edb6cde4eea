import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { Text } from '../codes/entry.ts';
import { type CdrError, describeError } from '../errors.ts';
import { withoutEndpoint } from '../providers/address.ts';
import type { Connector } from '../providers/provider.ts';
import { type Finding, finding } from './report.ts';

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
    const which = addressHint(asked.proxy, networkInterfaces());
    return [{ ...failure, hint: { en: `${hint.en} ${which.en}`, zh: hint.zh + which.zh } }];
  }
  if (error.fault.class !== 'contract') return [failure];
  const pasted = pastedEndpoint(asked);
  if (pasted !== null) return [pasted, failure];
  const { provider, address } = asked.connector;
  const looks = {
    en: `${hint.en} For ${provider} it looks like ${address.example}.`,
    zh: `${hint.zh}${provider} 的地址形如 ${address.example}。`,
  };
  return [{ ...failure, hint: looks }];
}

/** That the base URL ends in a path which the connector adds by itself; null where it does not. */
export function pastedEndpoint({ connector, baseUrl }: Asked): Finding | null {
  const plain = withoutEndpoint(baseUrl, connector.address);
  if (plain === null) return null;
  const words = `baseUrl ends in the path of an endpoint, ${baseUrl.slice(plain.length)}, which is added to it by itself`;
  return finding('base_url.endpoint', words, {
    en: `Set baseUrl to ${plain}.`,
    zh: `请把 \`baseUrl\` 设为 ${plain}。`,
  });
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
): Text {
  const own = Object.values(interfaces).flatMap((list = []) =>
    list.flatMap(({ address, internal }) => (internal || isPrivate(address) ? [] : [address])),
  );
  const known = knownOfAddress(proxy, own);
  return {
    en: `Which address that is cannot be known for certain from here: behind NAT or a proxy it is the public one of the router or the proxy. ${known.en}`,
    zh: `从本机无法完全确定是哪个地址：经过 NAT 或代理时，是路由器或代理的公网 IP。${known.zh}`,
  };
}

function knownOfAddress(proxy: string | false | null, own: readonly string[]): Text {
  if (typeof proxy === 'string') {
    return { en: 'This account goes through a proxy.', zh: '该账号经过代理。' };
  }
  if (own.length > 0) {
    return {
      en: `Public addresses of this machine: ${own.join(', ')}.`,
      zh: `本机的公网 IP：${own.join('、')}。`,
    };
  }
  return {
    en: "This machine itself has only private ones, so ask whoever runs the network, or a service that shows one's address.",
    zh: '本机只有内网地址，请向网络管理员询问，或用查询公网 IP 的服务查看。',
  };
}

function isPrivate(address: string): boolean {
  return /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/i.test(
    address,
  );
}
