import type { ErrorEntry, Family } from './entry.ts';

/** The configuration, and what the worker needs around it. */
export const CONFIG_ERRORS = {
  'config.invalid': {
    class: 'config',
    cause: {
      en: 'The configuration file is missing, is no JSON, or holds what cannot be. The message lists every problem with its path.',
      zh: '配置文件不存在、不是 JSON，或者内容有误。消息里逐条列出所有问题及其路径。',
    },
    hint: {
      en: 'Set the environment variables it names where cdrsync runs (a `.env` file is not read), correct the rest, or let `cdrsync init` write it; README.md shows a whole configuration.',
      zh: '请在运行 cdrsync 的环境中设置所列的环境变量（不会读取 `.env` 文件），改正其余各项，或用 `cdrsync init` 生成；完整的配置示例见 README.zh-CN.md。',
    },
    more: {
      en: 'Values of secrets are never shown. `cdrsync init` writes a configuration that fits.',
      zh: '消息不会显示任何密钥的值。`cdrsync init` 可以生成一份可用的配置。',
    },
  },
  'config.header': {
    class: 'config',
    cause: {
      en: 'A credential holds a line break or a character beyond Latin, which no HTTP header can carry.',
      zh: '凭证里含有换行或非拉丁字符，无法放进 HTTP 请求头。',
    },
    hint: {
      en: 'Check the credentials of this account for line breaks and characters beyond Latin.',
      zh: '请检查该账号的凭证，去掉换行、中文或全角字符。',
    },
  },
  'config.proxy': {
    class: 'config',
    cause: {
      en: '`proxy` of the account, or a proxy variable, is not a URL.',
      zh: '账号的 `proxy` 或代理环境变量不是合法的 URL。',
    },
    hint: {
      en: 'Write http://host:port, or set "proxy": false for this account.',
      zh: '请写成 `http://host:port`，或为该账号设置 `"proxy": false`。',
    },
  },
  'config.proxy_unsupported': {
    class: 'config',
    cause: {
      en: 'A proxy is configured, and this version of Node cannot use one.',
      zh: '配置了代理，但当前的 Node 版本不支持代理。',
    },
    hint: {
      en: 'Use Node 22.21, 24.5 or newer, or set "proxy": false for this account.',
      zh: '请使用 Node 22.21、24.5 或更新版本，或为该账号设置 `"proxy": false`。',
    },
  },
  'config.provider_changed': {
    class: 'config',
    cause: {
      en: 'The store knows this account id as an account at another provider.',
      zh: '存储库中，这个账号 id 属于另一家服务商。',
    },
    hint: {
      en: 'Give the new account an id of its own: the calls of both would mix under one.',
      zh: '请为新账号另取一个 `id`，否则两家的话单会混在一起。',
    },
  },
  'queue.taken': {
    class: 'config',
    cause: {
      en: 'Another worker uses the embedded queue of this store, which serves only one.',
      zh: '另一个 worker 正在使用该存储库的内置队列，而内置队列只支持一个 worker。',
    },
    hint: {
      en: 'Stop it, or give "queue" a redis:// or postgres:// URL: over these, many workers share the accounts.',
      zh: '请停掉另一个 worker，或把 `queue` 设为 `redis://` 或 `postgres://` 地址，这样多个 worker 可以分担账号。',
    },
  },
  'queue.refused': {
    class: 'config',
    cause: {
      en: 'The server named in `queue` answers, and refuses: the login, the database, the right to make the schema `bullmq`, or its version. A server that does not answer is waited for instead.',
      zh: '`queue` 指定的服务器有应答但拒绝使用：登录失败、数据库不存在、无权创建 `bullmq` schema，或版本不符。如果服务器没有应答，程序会一直等待，不报此错误。',
    },
    hint: {
      en: 'Check user, password and database in the URL of "queue".',
      zh: '请检查 `queue` 地址中的用户名、密码和数据库名。',
    },
    more: {
      en: 'The printed hint says which of these it is.',
      zh: '打印的提示会写明具体是哪一种情况。',
    },
  },
  'http.listen': {
    class: 'config',
    cause: {
      en: "The worker's HTTP server cannot be bound to the address in `http.listen` or `--listen`.",
      zh: 'worker 的 HTTP 服务无法监听 `http.listen` 或 `--listen` 指定的地址。',
    },
    hint: {
      en: 'Correct "listen" in "http".',
      zh: '请修改 `http` 中的 `listen`。',
    },
    more: {
      en: 'The printed hint is more exact: the port is taken (often by another worker), below 1024, or the host is not of this machine.',
      zh: '打印的提示会更具体：端口被占用（常见于另一个 worker）、端口小于 1024 没有权限，或主机地址不属于本机。',
    },
  },
  'http.token': {
    class: 'config',
    cause: {
      en: 'The worker is to listen on more than loopback, and has no token, or one that is too short.',
      zh: 'worker 要监听非本机回环地址，但没有设置 `token`，或 `token` 太短。',
    },
    hint: {
      en: 'Set "token" in "http" (`openssl rand -hex 32` makes one), or listen on 127.0.0.1.',
      zh: '请在 `http` 中设置 `token`（可用 `openssl rand -hex 32` 生成），或改为监听 `127.0.0.1`。',
    },
    more: {
      en: 'As an answer of the HTTP server (401) the code means that the request has no token or a wrong one: send `Authorization: Bearer TOKEN`.',
      zh: '如果它是 HTTP 服务的应答（401），表示请求没有带令牌或令牌不对：请发送 `Authorization: Bearer TOKEN`。',
    },
  },
  internal: {
    class: 'contract',
    cause: {
      en: 'A fault in cdrsync itself. Its words are not shown, because they may quote anything.',
      zh: 'cdrsync 自身的缺陷。原始报错可能夹带敏感内容，因此不显示。',
    },
    hint: {
      en: 'Run again with --log-level debug and report what it says, with the command line and the version; the store stands at the last whole page.',
      zh: '请加上 `--log-level debug` 再运行一次，并把输出连同命令行和版本号一起反馈；存储库停在最后一个完整入库的分页。',
    },
  },
} satisfies Family<ErrorEntry>;
