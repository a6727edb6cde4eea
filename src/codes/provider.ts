import type { ErrorEntry, Family } from './entry.ts';

/** What providers refuse inside a well-formed answer. */
export const PROVIDER_ERRORS = {
  'auth.rejected': {
    class: 'auth',
    cause: {
      en: 'The provider refused the login, its signature, or its right to the call records. The message holds its own code and words.',
      zh: '服务商拒绝了账号、签名，或者该账号没有话单查询权限。消息里带有服务商的错误码和原话。',
    },
    hint: {
      en: 'Check the credentials of this account.',
      zh: '请检查该账号的凭证（`credentials`）。',
    },
    more: {
      en: "The printed hint names the fields of the provider. A signature is also refused when this machine's clock is off.",
      zh: '打印的提示会写明该服务商的具体字段。本机时钟不准也会导致签名被拒。',
    },
  },
  'auth.address': {
    class: 'auth',
    cause: {
      en: 'The provider only answers addresses on its list, and the public address of this machine is not on it.',
      zh: '服务商启用了 IP 白名单，而本机的公网 IP 不在其中。',
    },
    hint: {
      en: "Have this machine's public address put on the provider's list of allowed addresses.",
      zh: '请联系服务商，把本机的公网 IP 加入白名单。',
    },
    more: {
      en: 'Behind NAT or a proxy the address is that of the router or the proxy; `cdrsync config check` tells what can be known of it from here.',
      zh: '如果经过 NAT 或代理，需要登记的是路由器或代理的公网 IP；`cdrsync config check` 会列出从本机能看到的信息。',
    },
  },
  'auth.token': {
    class: 'auth',
    cause: {
      en: 'The token of the account is not valid or has run out. A token that was fetched with a login is renewed once by itself before this is reported.',
      zh: '账号的令牌（token）无效或已过期。用登录换来的令牌会先自动续期一次，仍失败才报此错误。',
    },
    hint: {
      en: 'Check the token of this account, or configure appId and accessKey to have one fetched.',
      zh: '请检查该账号的 `token`，或者改为配置 `appId` 和 `accessKey`，由程序自动获取令牌。',
    },
  },
  'auth.clock': {
    class: 'auth',
    cause: {
      en: "The time in the signature is too far from the provider's clock. Where its answers tell that clock, the request was signed once more by it, and refused again.",
      zh: '签名里的时间戳与服务商时钟相差太大。如果应答中带有服务商的时间，程序已据此重新签名一次，仍被拒绝。',
    },
    hint: {
      en: "Set this machine's clock (NTP): the provider refuses requests signed at another time than its own.",
      zh: '请校准本机时钟（NTP）：签名时间与服务商时间不一致的请求会被拒绝。',
    },
  },
  'provider.rate_limited': {
    class: 'rate_limited',
    cause: {
      en: 'The provider says in its answer that requests come too often.',
      zh: '服务商在应答中提示请求过于频繁，触发限流。',
    },
    hint: {
      en: 'Raise minInterval for this account.',
      zh: '请调大该账号的 `minInterval`。',
    },
  },
  'provider.trouble': {
    class: 'transient',
    cause: {
      en: 'The provider reports a failure of its own in its answer, such as a database that is down.',
      zh: '服务商在应答中报告自身出错，例如其数据库不可用。',
    },
    hint: {
      en: 'The provider has a fault of its own; nothing is lost, the next run goes on from here.',
      zh: '这是服务商自身的故障；数据没有丢失，下次运行从断点继续。',
    },
  },
  'provider.out_of_reach': {
    class: 'contract',
    cause: {
      en: 'The span asked for is older than what the provider still serves. Old days become `unreachable`; for a recent one it is a failure.',
      zh: '请求的时间段早于服务商保留话单的范围。较早的日期会被标记为 `unreachable`；如果是近期日期，则视为失败。',
    },
    hint: {
      en: 'These days can no longer be had from this provider.',
      zh: '这些日期的话单已无法再从该服务商取得。',
    },
    more: {
      en: 'Such a day is an alarm until a person closes it: `cdrsync verify --account ID --accept DAY --reason TEXT`.',
      zh: '这样的日期会一直告警，直到有人确认关闭：`cdrsync verify --account ID --accept DAY --reason TEXT`。',
    },
  },
  'provider.refused': {
    class: 'contract',
    cause: {
      en: 'The provider refused the request for a reason that asking again does not mend. The message holds its own code and words.',
      zh: '服务商拒绝了请求，重试也不会成功。消息里带有服务商的错误码和原话。',
    },
    hint: {
      en: 'Check the options and baseUrl of this account.',
      zh: '请检查该账号的 `options` 和 `baseUrl`。',
    },
  },
  'provider.clock': {
    class: 'contract',
    cause: {
      en: "The provider's clock, as its `Date` header tells, is more than a day off ours, or its answers tell no time. Which of the two is wrong cannot be told, so nothing is concluded from either.",
      zh: '从 `Date` 应答头看，服务商的时钟与本机相差一天以上，或者应答里没有时间。无法判断哪一个有误，因此不据此下任何结论。',
    },
    hint: {
      en: "Check this machine's clock first (NTP). Nothing newer can be read as long as the two differ so. If ours is right, ask the provider to set its clock, or look for a proxy or cache that answers in its place.",
      zh: '请先检查本机时钟（NTP）。两者相差这么大时，无法读取更新的话单。如果本机时间无误，请联系服务商校准时钟，或检查是否有代理、缓存代替它应答。',
    },
  },
} satisfies Family<ErrorEntry>;

/** Answers that are not what the API promises. */
export const RESPONSE_ERRORS = {
  'response.shape': {
    class: 'contract',
    cause: {
      en: 'The answer is JSON, but lacks a field that the API promises, or has one of another kind. The message names the field.',
      zh: '应答是 JSON，但缺少接口文档承诺的字段，或者字段类型不符。消息里写明是哪个字段。',
    },
    hint: {
      en: 'Check that baseUrl names this provider; otherwise its API has changed.',
      zh: '请确认 `baseUrl` 指向的就是该服务商；如果没错，说明对方接口有变更。',
    },
  },
  'response.html': {
    class: 'contract',
    cause: {
      en: 'The answer is an HTML page: a login page, a maintenance page, or the error page of a gateway.',
      zh: '应答是 HTML 页面：登录页、维护公告，或者网关的错误页。',
    },
    hint: {
      en: 'Check that baseUrl names the API and not a login page or proxy; a maintenance page passes by itself.',
      zh: '请确认 `baseUrl` 指向的是接口，而不是登录页或代理；如果是维护页面，等对方恢复即可。',
    },
  },
  'response.not_json': {
    class: 'contract',
    cause: {
      en: 'The answer is no JSON, or was cut off.',
      zh: '应答不是 JSON，或者内容被截断。',
    },
    hint: {
      en: 'Check that baseUrl names the API and not a login page or proxy; a maintenance page passes by itself.',
      zh: '请确认 `baseUrl` 指向的是接口，而不是登录页或代理；如果是维护页面，等对方恢复即可。',
    },
  },
  'response.charset': {
    class: 'contract',
    cause: {
      en: 'The bytes of the answer are not text in the character set that it declares.',
      zh: '应答的内容与它声明的字符集不符（例如声明 UTF-8，实际是 GBK）。',
    },
    hint: {
      en: 'The provider sends another character set than it declares; ask it to send UTF-8.',
      zh: '服务商实际发送的字符集与声明的不一致；请要求对方使用 UTF-8。',
    },
  },
  'response.too_large': {
    class: 'contract',
    cause: {
      en: 'The answer is larger than 64 MiB; a page of a thousand calls has less than one.',
      zh: '应答超过 64 MiB；正常情况下一千条话单的一页还不到 1 MiB。',
    },
    hint: {
      en: 'Check that baseUrl names this provider.',
      zh: '请确认 `baseUrl` 指向的就是该服务商的接口。',
    },
  },
} satisfies Family<ErrorEntry>;
