import { ALARMS } from '../../src/codes/alarms.ts';
import { ANSWERS } from '../../src/codes/answers.ts';
import { CONFIG_ERRORS } from '../../src/codes/config.ts';
import { COPY_ERRORS } from '../../src/codes/copy.ts';
import type { Entry, ErrorEntry, Family, FindingEntry, Text } from '../../src/codes/entry.ts';
import { ERASE_ERRORS } from '../../src/codes/erase.ts';
import { FINDINGS } from '../../src/codes/findings.ts';
import { HTTP_ERRORS } from '../../src/codes/http.ts';
import { PROVIDER_ERRORS, RESPONSE_ERRORS } from '../../src/codes/provider.ts';
import { SETUP_ERRORS } from '../../src/codes/setup.ts';
import { STORE_ERRORS } from '../../src/codes/store.ts';
import { USAGE_ERRORS } from '../../src/codes/usage.ts';

/** A chapter of the documentation of the codes. */
export interface Chapter {
  readonly title: Text;
  readonly introduction: Text;
  readonly entries: Family<
    Entry & Partial<Pick<ErrorEntry, 'class'> & Pick<FindingEntry, 'level'>>
  >;
}

export const CHAPTERS: readonly Chapter[] = [
  {
    title: { en: 'Requests to providers', zh: '对服务商的请求' },
    introduction: {
      en: 'A request came to nothing, or the HTTP status of its answer is no success. The message names account, operation and window.',
      zh: '请求没有得到应答，或应答的 HTTP 状态码不是成功。消息里写明账号、操作和时间窗。',
    },
    entries: HTTP_ERRORS,
  },
  {
    title: { en: 'Refusals of providers', zh: '服务商的拒绝' },
    introduction: {
      en: 'The provider answered, and refuses in its own words, which the message holds; secrets and control characters are taken out of them.',
      zh: '服务商有应答，但用自己的错误码拒绝了请求。消息里带有对方的原话，其中的密钥和控制字符已去除。',
    },
    entries: PROVIDER_ERRORS,
  },
  {
    title: { en: 'Answers that cannot be read', zh: '无法读取的应答' },
    introduction: {
      en: 'The answer is not what the API of the provider promises.',
      zh: '应答不符合服务商接口的约定。',
    },
    entries: RESPONSE_ERRORS,
  },
  {
    title: { en: 'The store', zh: '存储库' },
    introduction: {
      en: 'The local store, the right to write to it, and its copies. A page is written whole or not at all.',
      zh: '本地存储库、对它的写入权（租约）以及备份。每一页要么完整写入，要么完全不写。',
    },
    entries: STORE_ERRORS,
  },
  {
    title: { en: 'Copying a store', zh: '复制存储库' },
    introduction: {
      en: '`store copy`, and what it leaves where it is stopped.',
      zh: '`store copy` 命令，以及它中断后留下的未完成副本。',
    },
    entries: COPY_ERRORS,
  },
  {
    title: { en: 'Erasing', zh: '数据抹除' },
    introduction: {
      en: 'The command `erase`, which takes the data of a person out of the store.',
      zh: '命令 `erase`：从存储库中抹除某个人的数据。',
    },
    entries: ERASE_ERRORS,
  },
  {
    title: { en: 'Configuration and worker', zh: '配置与 worker' },
    introduction: {
      en: 'The configuration, and what the worker needs around it: its queue and its HTTP port.',
      zh: '配置文件，以及 worker 运行所需的队列和 HTTP 端口。',
    },
    entries: CONFIG_ERRORS,
  },
  {
    title: { en: 'Setting up', zh: '初始化与试用' },
    introduction: {
      en: 'The commands `init`, `sandbox` and `demo`.',
      zh: '命令 `init`、`sandbox` 和 `demo`。',
    },
    entries: SETUP_ERRORS,
  },
  {
    title: { en: 'Command lines', zh: '命令行用法' },
    introduction: {
      en: 'A command was asked for what cannot be. Nothing was done; `cdrsync COMMAND --help` shows examples. Options that are unknown or have no value are refused before, without a code, and exit with 2.',
      zh: '命令的要求无法满足，什么都没有执行；`cdrsync COMMAND --help` 有示例。未知选项或缺少取值的选项会更早被拒绝，不带代码，退出码为 2。',
    },
    entries: USAGE_ERRORS,
  },
  {
    title: { en: 'Alarms', zh: '告警' },
    introduction: {
      en: 'What `status`, `/status` and the metrics report until somebody has seen to it. `status --check` exits with 1 while there is one.',
      zh: '`status`、`/status` 和监控指标会持续报告，直到问题解决。存在告警时 `status --check` 的退出码为 1。',
    },
    entries: ALARMS,
  },
  {
    title: { en: 'Findings of `config check`', zh: '`config check` 的检查结果' },
    introduction: {
      en: '`problem`: the account does not work, or would be read wrongly, and the command exits with 1. `warning`: it works, and something should be set otherwise. `notice`: worth knowing. A request that fails is a finding under the code of its failure.',
      zh: '`problem`：账号不可用，或会被错误读取，命令退出码为 1。`warning`：可用，但有设置应当调整。`notice`：值得了解。检查中失败的请求以其错误码作为检查结果。',
    },
    entries: FINDINGS,
  },
  {
    title: { en: "Answers of the worker's HTTP server", zh: 'worker 的 HTTP 应答' },
    introduction: {
      en: 'What a client gets instead of what it asked for, as `{"error":{"code","message"}}`; `http.token` (401) is one of them, too.',
      zh: '客户端得到的不是所请求的内容，而是 `{"error":{"code","message"}}`；`http.token`（401）也在其中。',
    },
    entries: ANSWERS,
  },
];
