import type { Family, FindingEntry } from './entry.ts';

/** What `config check` finds out about settings, clocks and listed calls. */
export const FINDINGS = {
  'base_url.endpoint': {
    level: 'problem',
    cause: {
      en: '`baseUrl` ends in the path of an endpoint, which the connector adds by itself.',
      zh: '`baseUrl` 末尾带了接口路径，而程序会自动追加该路径。',
    },
    hint: {
      en: 'Take the path of the endpoint off the end of baseUrl.',
      zh: '请去掉 `baseUrl` 末尾的接口路径。',
    },
  },
  'base_url.http': {
    level: 'warning',
    cause: {
      en: '`baseUrl` is plain http, so credentials and calls travel readable.',
      zh: '`baseUrl` 使用明文 http，凭证和话单会以明文传输。',
    },
    hint: {
      en: 'Ask the provider for an https address.',
      zh: '请向服务商索取 https 地址。',
    },
  },
  options: {
    level: 'warning',
    cause: {
      en: 'An option of the account is left out or set so that the connector has to choose. The message says what it does.',
      zh: '账号的某个选项没有设置，或其取值使程序只能自行决定。消息里写明程序如何处理。',
    },
    hint: {
      en: 'See README.md, the providers.',
      zh: '请参阅 README.md 中各服务商的说明。',
    },
  },
  'horizon.start_at': {
    level: 'warning',
    cause: {
      en: '`startAt` lies before the oldest day that the provider still serves.',
      zh: '`startAt` 早于服务商仍保留话单的最早日期。',
    },
    hint: {
      en: 'The days before stay unreachable; move startAt unless they are to be shown as that.',
      zh: '更早的日期会一直显示为 `unreachable`；如果不希望这样，请把 `startAt` 往后调。',
    },
  },
  'load.min_interval': {
    level: 'warning',
    cause: {
      en: 'The requests that these settings come to do not fit into a day at this `minInterval`.',
      zh: '按当前设置，每天的请求数超过了 `minInterval` 所允许的数量。',
    },
    hint: {
      en: 'Raise every, or lower lookback.',
      zh: '请调大 `every`，或调小 `lookback`。',
    },
  },
  'clock.skew': {
    level: 'problem',
    cause: {
      en: "This machine's clock and the provider's are more than a minute apart.",
      zh: '本机时钟与服务商时钟相差超过一分钟。',
    },
    hint: {
      en: "Set this machine's clock (NTP); if it is right, tell the provider.",
      zh: '请校准本机时钟（NTP）；如果本机时间无误，请告知服务商。',
    },
  },
  'time_zone.future': {
    level: 'problem',
    cause: {
      en: "By `timeZone` the newest call lies in the future, so it is not the zone of the provider's times.",
      zh: '按 `timeZone` 换算，最新的话单发生在未来，说明时区与服务商的不一致。',
    },
    hint: {
      en: "Ask the provider which zone its times are in, and whether the machine's clock is right.",
      zh: '请向服务商确认话单时间所用的时区，并检查本机时钟是否准确。',
    },
    more: {
      en: 'Where zones are found that would fit, the printed hint names them.',
      zh: '如果能推断出合适的时区，打印的提示会列出来。',
    },
  },
  'time_zone.old': {
    level: 'notice',
    cause: {
      en: "The newest call looks one to twenty-four hours old. Either there was none since, or the provider's wall clock is behind `timeZone`.",
      zh: '最新的话单看上去是 1 到 24 小时前的。可能此后没有通话，也可能服务商的时区晚于 `timeZone`。',
    },
    hint: {
      en: "If there were calls since, the provider's wall clock is behind timeZone: compare the time with its console.",
      zh: '如果此后确有通话，说明服务商的时间落后于 `timeZone`：请与其后台显示的时间核对。',
    },
  },
  'retention.older': {
    level: 'notice',
    cause: {
      en: 'The store holds calls that started longer ago than `retention` says. Their numbers, names and payloads will be overwritten, and nothing brings them back. A first or a shorter `retention` does so 24 hours after the poll that announces it.',
      zh: '存储库中有早于 `retention` 的话单，其中的号码、姓名和原始数据将被覆盖，且无法恢复。首次设置或缩短 `retention` 时，由一次轮询先行公告，24 小时后才开始覆盖。',
    },
    hint: {
      en: 'If that is not what is meant, lengthen retention now.',
      zh: '如果这不是本意，请立即调长 `retention`。',
    },
  },
  'calls.none': {
    level: 'notice',
    cause: {
      en: 'No call is listed for yesterday or today, so the time zone could not be checked.',
      zh: '昨天和今天都没有话单，无法核对时区。',
    },
    hint: {
      en: "Compare with the provider's console; check again when there was a call.",
      zh: '请与服务商后台核对；有通话之后再检查一次。',
    },
  },
  'today.refused': {
    level: 'notice',
    cause: {
      en: 'The provider serves a day only when it is over.',
      zh: '服务商只在一天结束之后才提供当天的话单。',
    },
    hint: {
      en: 'Calls come a day late; nothing is lost.',
      zh: '话单会晚一天到达，不会丢失。',
    },
  },
  'rows.unreadable': {
    level: 'problem',
    cause: {
      en: 'Rows are listed that cannot be read as calls. The message holds the reason for one of them.',
      zh: '列表中有无法解析为话单的记录。消息里给出其中一条的原因。',
    },
    hint: {
      en: 'They would be kept in quarantine and their days incomplete; please report it with the provider and this message.',
      zh: '这些记录会进入隔离区，所在日期为 `incomplete`；请附上服务商名称和本消息反馈给我们。',
    },
  },
  'currency.missing': {
    level: 'warning',
    cause: {
      en: 'There are fees, and neither the provider nor the configuration says in which currency.',
      zh: '话单中有费用，但服务商和配置都没有说明币种。',
    },
    hint: {
      en: 'Set currency for this account, such as "CNY"; then `cdrsync reprocess --account ID` gives it to what is stored already.',
      zh: '请为该账号设置 `currency`，例如 `"CNY"`；已入库的话单再用 `cdrsync reprocess --account ID` 补上。',
    },
  },
} satisfies Family<FindingEntry>;
