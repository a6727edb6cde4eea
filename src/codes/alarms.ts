import type { Entry, Family } from './entry.ts';

/**
 * What `status` reports that a person should see to: the one source of what is printed behind the
 * arrow. In the commands `ID` stands for the account, `DAY` for the oldest day in question, `NEXT`
 * for the day after it (fill.ts puts them in), and `TEXT` for what the person writes.
 */
export const ALARMS = {
  never_run: {
    cause: {
      en: 'The account stands in the configuration, and was never synced.',
      zh: '账号已写入配置，但从未同步过。',
    },
    hint: {
      en: 'If it was synced before, its store is not where "store" says: check that its volume is mounted. Otherwise run `cdrsync sync --account ID`, or start the worker.',
      zh: '如果该账号以前同步过，说明 `store` 处不是原来的存储库：请检查所在的卷是否已挂载。否则请运行 `cdrsync sync --account ID`，或启动 worker。',
    },
  },
  provider_down: {
    cause: {
      en: 'The last poll failed because the provider did not answer as it should for the moment. `error` names the code of the failure.',
      zh: '最近一次轮询失败：服务商暂时没有正常应答。`error` 给出具体的错误码。',
    },
    hint: {
      en: 'It is tried again by itself; `cdrsync sync --account ID` tries again at once.',
      zh: '程序会自动重试；运行 `cdrsync sync --account ID` 可立即重试。',
    },
  },
  auth: {
    cause: {
      en: 'The last poll was refused by the login, and the account is not paused. `error` names the code of the failure, whose own hint comes first.',
      zh: '最近一次轮询的登录被拒绝，但账号当前不在暂停期。`error` 给出具体的错误码，该错误码的处理办法写在最前面。',
    },
    hint: {
      en: 'When that is mended, `cdrsync sync --account ID` tries again at once.',
      zh: '处理好之后，运行 `cdrsync sync --account ID` 可立即重试。',
    },
  },
  run_failed: {
    cause: {
      en: 'The last poll failed for another reason. `error` names the code of the failure, whose own hint comes first.',
      zh: '最近一次轮询因其他原因失败。`error` 给出具体的错误码，该错误码的处理办法写在最前面。',
    },
    hint: {
      en: 'When that is mended, `cdrsync sync --account ID` tries again at once.',
      zh: '处理好之后，运行 `cdrsync sync --account ID` 可立即重试。',
    },
  },
  paused: {
    cause: {
      en: 'The provider refused the login, so the worker leaves the account alone for a while, and so do `sync` and `verify` without `--account`: 5 minutes, doubled up to 6 hours with each refusal. Otherwise the provider might lock it.',
      zh: '服务商拒绝登录。为避免账号被锁，worker 以及不带 `--account` 的 `sync` 和 `verify` 都暂停访问该账号：先 5 分钟，每次再被拒绝则加倍，最长 6 小时。',
    },
    hint: {
      en: 'Correct the credentials, or what else the code of the failure names (address, clock), and restart the worker; or, when the login works again, run `cdrsync sync --account ID`.',
      zh: '请修正凭证，或错误码所指的其他问题（IP 白名单、时钟），然后重启 worker；如果登录已恢复正常，运行 `cdrsync sync --account ID` 即可解除。',
    },
  },
  lag: {
    cause: {
      en: 'The watermark is further behind now than three polls, and by an hour at least.',
      zh: '同步水位落后当前时间超过三个轮询周期，且至少一小时。',
    },
    hint: {
      en: 'Check that the worker or the cron job runs; `cdrsync sync --account ID` catches it up by hand.',
      zh: '请检查 worker 或定时任务（cron）是否在运行；也可以手动运行 `cdrsync sync --account ID` 追平。',
    },
  },
  holes: {
    cause: {
      en: 'Spans were read again and again and could not be proven complete. Their days are `incomplete`.',
      zh: '有些时间段反复读取仍无法证明完整，形成缺口。所在日期的状态为 `incomplete`。',
    },
    hint: {
      en: 'The worker tries them again when they fall due, or `cdrsync sync --account ID` does from then on. All spans and reasons: `cdrsync --json status`.',
      zh: 'worker 或 `cdrsync sync --account ID` 会在到期时重试；各缺口的时间段和原因见 `cdrsync --json status`。',
    },
  },
  quarantine: {
    cause: {
      en: 'Rows came that cannot be read as calls. They are kept as received, with the reason. Those of a day that a person accepted are left out.',
      zh: '收到无法解析为话单的记录，已按原样连同原因存入隔离区。所在日期已由人工确认的记录不计入。',
    },
    hint: {
      en: 'They are kept as received, with the reason, in the table `quarantine`; after an upgrade `cdrsync reprocess --account ID` reads them again. Those that the provider corrects are read by the next audit: `cdrsync verify --account ID`.',
      zh: '原始记录和原因保存在表 `quarantine` 中；升级后可运行 `cdrsync reprocess --account ID` 重新解析。服务商改正的记录会在下次对账时读取：`cdrsync verify --account ID`。',
    },
  },
  days_incomplete: {
    cause: {
      en: 'Days hold a hole or a quarantined row, so it is not proven that all their calls are stored.',
      zh: '有些日期存在缺口或被隔离的记录，不能证明当天话单已全部入库。',
    },
    hint: {
      en: 'A day closes by itself once its holes are filled and its rows can be read; `cdrsync verify --account ID --explain DAY` tells what is missing.',
      zh: '缺口补齐、记录可解析之后，该日会自动关闭；`cdrsync verify --account ID --explain DAY` 会说明还缺什么。',
    },
  },
  days_mismatch: {
    cause: {
      en: 'The provider states another total for these days than it lists, or many calls vanished from its list at once.',
      zh: '服务商声明的总数与实际列出的话单数不一致，或者大量话单同时从列表中消失。',
    },
    hint: {
      en: '`cdrsync verify --account ID --from DAY --to NEXT` looks again. If the provider confirms what it lists, `cdrsync verify --account ID --accept DAY --reason TEXT` closes the day as it is.',
      zh: '请运行 `cdrsync verify --account ID --from DAY --to NEXT` 再次对账。如果服务商确认列表无误，可用 `cdrsync verify --account ID --accept DAY --reason TEXT` 按现状关闭该日。',
    },
    more: {
      en: '`cdrsync verify --explain DAY --account ID` tells from the store what is known of the difference.',
      zh: '`cdrsync verify --explain DAY --account ID` 会根据本地数据说明差异的构成。',
    },
  },
  days_unreachable: {
    cause: {
      en: 'These days fell out of the reach of the provider before they were proven.',
      zh: '这些日期在证明完整之前，已超出服务商的话单保留期。',
    },
    hint: {
      en: 'No read can mend that any more: `cdrsync verify --account ID --accept DAY --reason TEXT` closes the day as it is.',
      zh: '重新读取已无法补救：可用 `cdrsync verify --account ID --accept DAY --reason TEXT` 按现状关闭该日。',
    },
  },
  horizon_near: {
    cause: {
      en: 'A day that is not proven leaves the reach of the provider within 15 days, or has left it.',
      zh: '有一天尚未证明完整，而它将在 15 天内超出服务商的话单保留期，或已经超出。',
    },
    hint: {
      en: 'Prove it now: `cdrsync verify --account ID --from DAY --to NEXT`; afterwards it cannot be had any more.',
      zh: '请立即运行 `cdrsync verify --account ID --from DAY --to NEXT` 对账；过期之后就无法再取得。',
    },
  },
  clock: {
    cause: {
      en: "This machine's clock and the provider's are more than a minute apart. Signatures may be refused, and polls come late.",
      zh: '本机时钟与服务商时钟相差超过一分钟，可能导致签名被拒、轮询偏晚。',
    },
    hint: {
      en: "Set this machine's clock (NTP); if it is right, tell the provider. The next poll measures it again: `cdrsync sync --account ID`.",
      zh: '请校准本机时钟（NTP）；如果本机时间无误，请告知服务商。下次轮询会重新测量：`cdrsync sync --account ID`。',
    },
  },
  watermark_ahead: {
    cause: {
      en: 'The watermark, up to which everything counts as read, lies in the future: a clock was ahead when it was written. Calls up to then might be passed over.',
      zh: '同步水位（此前的话单都视为已读取）落在未来：写入时有时钟走快了。在此之前的话单可能被跳过。',
    },
    hint: {
      en: "Check this machine's clock (NTP). When it is right, `cdrsync sync --account ID`, or the next poll, steps back to what is proven and reads on from there.",
      zh: '请检查本机时钟（NTP）。时钟校准之后，运行 `cdrsync sync --account ID`，或等下次轮询，程序会退回到已证明完整的位置，从那里继续读取。',
    },
  },
  disk: {
    cause: {
      en: 'Of the store: its disk has little room left above `diskReserve`, or at the present growth will have within two weeks. Below the reserve nothing is fetched (`store.reserve`).',
      zh: '针对存储库：所在磁盘的剩余空间接近 `diskReserve`，或按目前的增长速度两周内会达到。低于该值后不再拉取话单（`store.reserve`）。',
    },
    hint: {
      en: 'Make room on that disk or move the store to a larger one; "diskReserve" in the configuration says what is to stay free.',
      zh: '请清理该磁盘，或把存储库迁到更大的磁盘；配置中的 `diskReserve` 规定要保留的空间。',
    },
  },
  erasure_unfinished: {
    cause: {
      en: 'Of the store: an erasure that a person asked for was begun and has not come to its end in every account, because it was stopped, or another process held an account. It stands so too while it runs.',
      zh: '针对存储库：有人要求的抹除已经开始，但没有在所有账号里做完：运行被中断，或某个账号被另一个进程占用。抹除正在进行时也会出现。',
    },
    hint: {
      en: 'Run the same `cdrsync erase --number NUMBER --reason TEXT` again, which completes it; `cdrsync erase --list` tells when it was asked for, and why.',
      zh: '再次运行同一条 `cdrsync erase --number NUMBER --reason TEXT` 即可完成；`cdrsync erase --list` 会列出提出的时间和原因。',
    },
  },
} satisfies Family<Entry>;
