import type { Entry, Family } from './entry.ts';

/** What the worker's HTTP server answers instead of what was asked for; `http.token` is one of them, too. */
export const ANSWERS = {
  'http.host': {
    cause: {
      en: '403: the server is for this machine alone, and the request names another host.',
      zh: '403：该服务只供本机访问，而请求使用了其他主机名。',
    },
    hint: {
      en: 'Ask it as localhost, 127.0.0.1 or [::1]; for other machines set `listen` and `token` in `http`.',
      zh: '请用 `localhost`、`127.0.0.1` 或 `[::1]` 访问；要让其他机器访问，请在 `http` 中设置 `listen` 和 `token`。',
    },
  },
  'http.method': {
    cause: {
      en: '405: the request is neither GET nor HEAD.',
      zh: '405：请求方法不是 GET 或 HEAD。',
    },
    hint: { en: 'Use GET.', zh: '请使用 GET。' },
  },
  'http.body': {
    cause: { en: '413: the request has a body.', zh: '413：请求带有请求体。' },
    hint: { en: 'Leave the body out.', zh: '请去掉请求体。' },
  },
  'http.request': {
    cause: { en: '400: the request is malformed.', zh: '400：请求格式错误。' },
    hint: {
      en: 'Ask for /healthz, /readyz, /status or /metrics.',
      zh: '请访问 `/healthz`、`/readyz`、`/status` 或 `/metrics`。',
    },
  },
  'http.not_found': {
    cause: { en: '404: there is nothing at this path.', zh: '404：该路径不存在。' },
    hint: {
      en: 'Ask for /healthz, /readyz, /status or /metrics.',
      zh: '请访问 `/healthz`、`/readyz`、`/status` 或 `/metrics`。',
    },
  },
  'http.failed': {
    cause: {
      en: '500: the status could not be read, most often because the store cannot be.',
      zh: '500：无法读取状态，多半是存储库无法读取。',
    },
    hint: { en: 'The log of the worker says why.', zh: '原因见 worker 的日志。' },
  },
  'http.overdue': {
    cause: {
      en: '503: the status was not read within five seconds.',
      zh: '503：五秒之内没有读出状态。',
    },
    hint: {
      en: 'Ask again in a moment; if it stays so, look for a busy disk or another program that holds the store.',
      zh: '请稍后重试；如果一直如此，请检查磁盘是否繁忙，或是否有其他程序占用存储库。',
    },
  },
} satisfies Family<Entry>;
