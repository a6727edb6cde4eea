import type { ErrorEntry, Family } from './entry.ts';

/** `erase`, and what is kept out of the store for good. */
export const ERASE_ERRORS = {
  'usage.erase': {
    class: 'config',
    cause: {
      en: "`erase` was asked for what it does not do: without a number or a reason, with a number too short to be one person's, or with a reason that holds the number itself.",
      zh: '`erase` 的参数不成立：缺少号码或原因，号码过短、不像是某个人的号码，或者原因里含有该号码本身。',
    },
    hint: {
      en: 'Write: cdrsync erase --number 13800138000 --reason "request of 2026-11-20, ticket 4711".',
      zh: '写法：`cdrsync erase --number 13800138000 --reason "2026-11-20 的请求，工单 4711"`。',
    },
  },
  'erase.clock': {
    class: 'config',
    cause: {
      en: 'No account of the store has come within two days of what this machine says is now. Either nothing was synced for so long, or the clock is ahead, and then calls made after the request would be erased. Nothing was written.',
      zh: '存储库中没有任何账号的同步水位在本机当前时间的两天之内：可能是很久没有同步，也可能是本机时钟偏快；如果是后者，请求之后的通话也会被抹除。本次没有写入任何内容。',
    },
    hint: {
      en: "Check this machine's clock, and run `cdrsync sync`, which hears the time from the providers. If the clock is right and no provider can be asked, add --trust-clock.",
      zh: '请检查本机时钟，并运行 `cdrsync sync`（会从服务商得知时间）。如果时钟无误而服务商已无法访问，请加上 `--trust-clock`。',
    },
  },
  'erase.held': {
    class: 'store',
    cause: {
      en: 'Another process worked on the account for longer than `erase` waits, so nothing of this account was erased. The request is in the register all the same: runs that begin from now on keep to it.',
      zh: '另一个进程占用该账号的时间超过了 `erase` 的等待时间，因此该账号的数据尚未抹除。请求已登记：此后开始的运行都会遵守它。',
    },
    hint: {
      en: 'Repeat the command, or let it wait for longer: --max-wait 30m.',
      zh: '请再次运行该命令，或延长等待时间：`--max-wait 30m`。',
    },
  },
  'erase.busy': {
    class: 'store',
    cause: {
      en: "What was overwritten may still stand in the journal or in unused space of the store's file, because another process was using it.",
      zh: '已覆盖的内容可能仍留在日志文件或存储库文件的空闲空间里，因为有其他进程正在使用它。',
    },
    hint: {
      en: 'Repeat the command when no export or backup reads the store.',
      zh: '请在没有导出或备份读取存储库时再次运行该命令。',
    },
  },
  'erase.room': {
    class: 'store',
    cause: {
      en: "Unused space of the store's file still holds the number, and the disk has no room to write the file anew: for the copy, which SQLite puts into its temporary folder, or for the journal beside the store.",
      zh: '存储库文件的空闲空间里仍有该号码，而磁盘空间不足，无法重写该文件：副本写在 SQLite 的临时目录里，日志写在存储库旁边。',
    },
    hint: {
      en: 'Make room for twice the size of the store on the disk that is named, or set SQLITE_TMPDIR to a folder that has it, and repeat the command.',
      zh: '请在所指的磁盘上腾出约为存储库两倍大小的空间，或把 `SQLITE_TMPDIR` 设为空间足够的目录，然后再次运行该命令。',
    },
  },
} satisfies Family<ErrorEntry>;
