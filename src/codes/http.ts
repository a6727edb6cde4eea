import type { ErrorEntry, Family } from './entry.ts';

/** Requests to providers that came to nothing, or to an HTTP status that is no success. */
export const HTTP_ERRORS = {
  'http.timeout': {
    class: 'transient',
    cause: {
      en: 'No complete answer came within `timeout` of the account. The message names the phase: name lookup, connecting, TLS, or waiting for the answer.',
      zh: '在账号的 `timeout` 时间内没有收到完整应答。消息里写明卡在哪一步：域名解析、建立连接、TLS 握手或等待应答。',
    },
    hint: {
      en: 'The provider, or a proxy on the way, is slow or unreachable; "timeout" of the account can be raised.',
      zh: '服务商或中间的代理响应慢或不可达；可以调大该账号的 `timeout`。',
    },
  },
  'http.broken': {
    class: 'transient',
    cause: {
      en: 'The connection could not be made, or broke before the answer was whole. The message holds the code of the system, such as `ECONNREFUSED`, where there is one.',
      zh: '连接建立失败，或者应答还没收完连接就断了。消息里带有系统错误码（如果有），例如 `ECONNREFUSED`。',
    },
    hint: {
      en: 'Nothing is lost, the next run goes on from here. If it stays so, check host and port of baseUrl, the proxy and the network.',
      zh: '数据没有丢失，下次运行从断点继续。如果一直如此，请检查 `baseUrl` 的主机和端口、代理以及网络。',
    },
    more: {
      en: 'Where the system names the cause, the printed hint is more exact: a host name that is not found, a port where nothing listens, http for https, a proxy that refuses.',
      zh: '系统给出具体原因时，打印的提示会更准确：域名解析不到、端口无人监听、http 与 https 用反、代理拒绝。',
    },
  },
  'http.certificate': {
    class: 'config',
    cause: {
      en: "The server's TLS certificate is expired, self-signed, for another name, or of an authority that this machine does not know. Checking cannot be switched off.",
      zh: '对方的 TLS 证书已过期、是自签名、域名不符，或者签发机构不被本机信任。证书校验不能关闭。',
    },
    hint: {
      en: 'Check baseUrl; for a private certificate authority set "ca" to its PEM file.',
      zh: '请检查 `baseUrl`；如果对方用的是私有 CA，请把 `ca` 设为该 CA 的 PEM 文件。',
    },
  },
  'http.rate_limited': {
    class: 'rate_limited',
    cause: {
      en: 'The provider answered HTTP 429: too many requests in too short a time. Its `Retry-After` is kept.',
      zh: '服务商返回 HTTP 429：请求过于频繁，触发限流。对方给出的 `Retry-After` 会被遵守。',
    },
    hint: {
      en: 'Raise minInterval for this account, or ask the provider for a higher limit.',
      zh: '请调大该账号的 `minInterval`，或联系服务商提高限流额度。',
    },
  },
  'http.proxy_auth': {
    class: 'auth',
    cause: {
      en: 'A proxy on the way answered HTTP 407: it wants a user and a password, or refuses those that it got.',
      zh: '中间的代理返回 HTTP 407：代理要求用户名和密码，或者给出的用户名、密码不对。',
    },
    hint: {
      en: 'Check the user and password in "proxy" or in the proxy variables.',
      zh: '请检查 `proxy` 或代理环境变量里的用户名和密码。',
    },
  },
  'http.auth': {
    class: 'auth',
    cause: {
      en: "The server answered HTTP 401 or 403. The login is wrong or may not do this, or this machine's address is not on the provider's list.",
      zh: '服务器返回 HTTP 401 或 403：凭证错误或没有权限，或者本机的公网 IP 不在服务商的白名单里。',
    },
    hint: {
      en: "Check the credentials of this account, and whether this machine's address is allowed.",
      zh: '请检查该账号的凭证（`credentials`），并确认本机公网 IP 已加入服务商的白名单。',
    },
  },
  'http.trouble': {
    class: 'transient',
    cause: {
      en: 'The server answered HTTP 5xx, 408 or 425: it is overloaded, under maintenance, or has a fault.',
      zh: '服务器返回 HTTP 5xx、408 或 425：对方过载、正在维护或出了故障。',
    },
    hint: {
      en: 'The provider has a fault of its own; nothing is lost, the next run goes on from here.',
      zh: '这是服务商自身的故障；数据没有丢失，下次运行从断点继续。',
    },
  },
  'http.redirect': {
    class: 'contract',
    cause: {
      en: 'The server answered with a redirect (HTTP 3xx). The API is at another address, or a login page is in its place.',
      zh: '服务器返回了重定向（HTTP 3xx）：接口已换地址，或者被登录页面拦截。',
    },
    hint: {
      en: 'Redirects are not followed, because they would take the credentials along; set baseUrl to the address meant.',
      zh: '为避免凭证泄露给别的主机，程序不跟随重定向；请把 `baseUrl` 改成真正的接口地址。',
    },
  },
  'http.refused': {
    class: 'contract',
    cause: {
      en: 'The server answered with another HTTP status that is no success, such as 400 or 404.',
      zh: '服务器返回了其他非成功的 HTTP 状态码，例如 400、404。',
    },
    hint: {
      en: 'Check baseUrl (no endpoint path at its end) and the options of this account.',
      zh: '请检查该账号的 `baseUrl`（末尾不要带接口路径）和 `options`。',
    },
  },
} satisfies Family<ErrorEntry>;
