import type { ErrorClass, Text } from '../../src/codes/entry.ts';

/** What stands in the documentation of the codes around the entries. */

export const TITLE: Text = { en: 'Codes', zh: '错误码、告警与检查结果' };

export const OTHER: Text = {
  en: '[中文](ERRORS.zh-CN.md)',
  zh: '[English](ERRORS.md)',
};

export const INTRODUCTION: Text = {
  en: `Every failure, alarm and finding of cdrsync has a code. Codes are stable: they are never renamed, and mean the same in every version.

Where they appear:

- in text output, in brackets behind the message, with what to do behind the arrow below: \`cdrsync: the disk is full [store.full]\`;
- in \`--json\`: \`error.code\` of a command or an account, \`alarms[].code\` and \`alarms[].error\` of \`status\`, \`findings[].code\` of \`config check\`;
- in the logs, as \`code\` beside \`hint\`; in the table \`runs\` of the store; in the labels of the metrics.

Text output gives its hints in Chinese where the locale is Chinese (\`LC_ALL\`, \`LC_MESSAGES\`, \`LANG\`, or \`CDRSYNC_LANG=zh\` before them all; \`CDRSYNC_LANG=en\` turns it off). JSON, logs and the store hold the English hint in every locale, so that machines and searches see one text.

Exit codes: \`0\` well, \`1\` some account failed or some day is incomplete (with \`status --check\`: there is an alarm; with \`config check\`: there is a problem), \`2\` usage or configuration, \`130\`/\`143\` after a clean stop by a signal. A command that fails as a whole exits with 2 for the class \`config\`, else with 1; an account that fails within a command makes it exit with 1.

In the hints \`ID\` stands for an account, \`DAY\` for a day such as \`2026-11-18\`, \`NEXT\` for the day after it, and \`TEXT\` for words of your own. \`status\` prints its hints with the account and the day put in (of several days the oldest); \`TEXT\`, and the \`NUMBER\` of a person, are yours to write.`,
  zh: `cdrsync 的每一种失败、告警和检查结果都有一个代码。代码是稳定的：不会改名，在各个版本中含义相同。

代码出现在：

- 文本输出：消息后面的方括号里，下一行箭头后面是处理办法：\`cdrsync: the disk is full [store.full]\`；
- \`--json\` 输出：命令或账号的 \`error.code\`，\`status\` 的 \`alarms[].code\` 和 \`alarms[].error\`，\`config check\` 的 \`findings[].code\`；
- 日志中的 \`code\`（旁边是 \`hint\`）、存储库的表 \`runs\`，以及监控指标的标签。

在中文语言环境下（\`LC_ALL\`、\`LC_MESSAGES\`、\`LANG\`，或优先级最高的 \`CDRSYNC_LANG=zh\`；\`CDRSYNC_LANG=en\` 可关闭），文本输出的提示为中文。JSON、日志和存储库中始终保留英文提示，便于程序处理和检索。

退出码：\`0\` 正常；\`1\` 有账号失败或有日期不完整（\`status --check\`：有告警；\`config check\`：有问题）；\`2\` 用法或配置错误；\`130\`/\`143\` 收到信号后正常停止。命令整体失败时，\`config\` 类退出码为 2，其他类为 1；命令中个别账号失败时，退出码为 1。

提示中的 \`ID\` 代表账号，\`DAY\` 代表日期（例如 \`2026-11-18\`），\`NEXT\` 代表它的次日，\`TEXT\` 代表自己填写的文字。\`status\` 打印提示时会填入账号和日期（有多个日期时为最早的一天）；\`TEXT\` 和个人号码 \`NUMBER\` 由你自己填写。`,
};

export const CLASSES_TITLE: Text = { en: 'Classes', zh: '错误类别' };

export const CLASSES_INTRODUCTION: Text = {
  en: 'The class of a failure decides what the program does by itself. Whatever it is, nothing that was stored is lost, and the other accounts go on.',
  zh: '失败的类别决定程序自行采取的措施。无论哪一类，已入库的数据都不会丢失，其他账号照常进行。',
};

export const CLASSES_HEAD: Text = {
  en: '| class | means | by itself |\n|---|---|---|',
  zh: '| 类别 | 含义 | 程序自行采取的措施 |\n|---|---|---|',
};

export const CLASSES: Readonly<Record<ErrorClass, Text>> = {
  transient: {
    en: 'the provider or the way to it fails for the moment | asks five times with growing pauses (from 0.5 s, doubled), each time signed afresh; a span on which it keeps failing while it answers for others is narrowed down and becomes a hole; where nothing answers the run of the account ends. The worker tries again after 15 s, doubled up to 15 min',
    zh: '服务商或网络暂时不可用 | 以递增的间隔（从 0.5 秒起加倍）请求五次，每次重新签名；如果只有某个时间段一直失败而其他时间段正常，则逐步缩小范围，最终记为缺口；如果全部没有应答，该账号本次运行结束。worker 在 15 秒后重试，间隔加倍，最长 15 分钟',
  },
  rate_limited: {
    en: 'requests come too often | asks five times, waiting as told or with growing pauses; to be told to wait for more than a minute ends the run of the account, and the worker then waits that long, an hour at most',
    zh: '请求过于频繁，触发限流 | 最多请求五次，按对方要求的时间或以递增的间隔等待；如果要求等待超过一分钟，该账号本次运行结束，worker 等待相应时间后再继续，最长一小时',
  },
  auth: {
    en: 'the login, the signature or the address is refused | stops at once, so that the account is not locked; a session token that ran out is renewed once, and a clock that differs is taken from the provider once. The worker, and `sync` and `verify` without `--account`, leave the account alone for 5 min, doubled up to 6 h (alarm `paused`)',
    zh: '账号、签名或 IP 被拒绝 | 立即停止，以免账号被锁；令牌过期会自动续期一次，时钟不一致会按服务商时钟重签一次。worker 以及不带 `--account` 的 `sync` 和 `verify` 暂停访问该账号 5 分钟，之后加倍，最长 6 小时（告警 `paused`）',
  },
  contract: {
    en: 'the answer is not what the API promises | is asked once; a body that is garbled (`response.html`, `response.not_json`, `response.charset`) five times. Narrowed down as above where other spans are answered. The next poll tries again',
    zh: '应答不符合接口约定 | 只请求一次；内容损坏（`response.html`、`response.not_json`、`response.charset`）则请求五次。如果其他时间段正常，同样缩小范围并记为缺口。下次轮询会再试',
  },
  config: {
    en: 'the configuration or the command line is wrong | is asked once: a person has to correct it',
    zh: '配置或命令行有误 | 只请求一次，需要人工修正',
  },
  store: {
    en: 'the local store cannot be used | rolls back the page that was being written and ends the run; the next one goes on after the last page that was stored. The worker tries again after 15 s, doubled up to 15 min',
    zh: '本地存储库无法使用 | 回滚正在写入的那一页并结束运行；下次运行从最后一个已入库的分页之后继续。worker 在 15 秒后重试，间隔加倍，最长 15 分钟',
  },
};

export const LABELS = {
  class: { en: 'Class', zh: '类别' },
  level: { en: 'Level', zh: '级别' },
  hint: { en: 'What to do', zh: '处理办法' },
  colon: { en: ': ', zh: '：' },
} as const satisfies Record<string, Text>;
