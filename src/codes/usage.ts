import type { ErrorEntry, Family } from './entry.ts';

/** Command lines that ask for what cannot be. */
export const USAGE_ERRORS = {
  'usage.account': {
    class: 'config',
    cause: {
      en: '`--account` names an account that is not in the configuration; commands on what is stored also take those that only the store still knows.',
      zh: '`--account` 指定的账号不在配置文件中；处理已有数据的命令也接受只存在于存储库中的账号。',
    },
    hint: {
      en: 'Name one of the accounts of the configuration; `cdrsync status` lists them.',
      zh: '请使用配置文件中的账号；`cdrsync status` 会列出它们。',
    },
  },
  'usage.time': {
    class: 'config',
    cause: {
      en: 'An option takes a day or a time with its offset, and got something else.',
      zh: '该选项需要日期，或带时区偏移的时间，而给出的不是。',
    },
    hint: {
      en: 'Write 2026-10-01, or 2026-10-01T08:00:00+08:00.',
      zh: '请写成 `2026-10-01` 或 `2026-10-01T08:00:00+08:00`。',
    },
  },
  'usage.range': {
    class: 'config',
    cause: {
      en: '`--from` is not before `--to`, or one of them is missing.',
      zh: '`--from` 不早于 `--to`，或缺少其中一个。',
    },
    hint: {
      en: 'Ranges are half-open: --to is the day after the last one wanted.',
      zh: '范围是左闭右开的：`--to` 应为所需最后一天的次日。',
    },
  },
  'usage.future': {
    class: 'config',
    cause: {
      en: 'A backfill was asked for a range that has not come yet.',
      zh: '补采的时间范围还没有到来。',
    },
    hint: {
      en: 'A backfill reads the past; `cdrsync sync` follows the present.',
      zh: '`backfill` 只读取过去的话单；当前的话单由 `cdrsync sync` 跟进。',
    },
  },
  'usage.accept': {
    class: 'config',
    cause: {
      en: 'A day cannot be accepted so: `--accept` takes one day of one account with a reason, and only a day that is in question (`incomplete`, `mismatch`, `unreachable`).',
      zh: '不能这样确认：`--accept` 只接受一个账号的一天并且必须写明原因，而且该日必须是存疑状态（`incomplete`、`mismatch`、`unreachable`）。',
    },
    hint: {
      en: 'Write: verify --account ID --accept 2026-10-01 --reason "provider confirmed the loss in ticket 4711"; `cdrsync verify` prints the state of each day.',
      zh: '写法：`verify --account ID --accept 2026-10-01 --reason "服务商在工单 4711 中确认丢失"`；`cdrsync verify` 会打印每一天的状态。',
    },
  },
  'usage.explain': {
    class: 'config',
    cause: {
      en: '`verify --explain` was given no day, several accounts, or other options of `verify`.',
      zh: '`verify --explain` 没有给出日期、给了多个账号，或与 `verify` 的其他选项混用。',
    },
    hint: {
      en: 'For example: cdrsync verify --explain 2026-11-18 --account itnio-hk.',
      zh: '例如：`cdrsync verify --explain 2026-11-18 --account itnio-hk`。',
    },
  },
  'usage.show': {
    class: 'config',
    cause: {
      en: '`show` was given neither a call nor a number, or both, or a range without a number.',
      zh: '`show` 既没有给通话 id 也没有给号码，或两者都给了，或只给了时间范围。',
    },
    hint: {
      en: 'For example: cdrsync show 5fa0…c1, or cdrsync show --number 13800138000 --from 2026-11-01.',
      zh: '例如：`cdrsync show 5fa0…c1`，或 `cdrsync show --number 13800138000 --from 2026-11-01`。',
    },
  },
  'usage.changed_since': {
    class: 'config',
    cause: {
      en: '`export --changed-since` was given together with `--from`, `--to` or `--history`.',
      zh: '`export --changed-since` 与 `--from`、`--to` 或 `--history` 一起使用。',
    },
    hint: {
      en: 'It gives what each call is now, of all that changed since. Leave the others out, or export a range without it.',
      zh: '它导出此后有变化的所有话单的当前内容。请去掉其他选项，或不用它而按范围导出。',
    },
  },
  'usage.change_seq': {
    class: 'config',
    cause: {
      en: 'The number given to `--changed-since` is beyond the last change of this store: it came from another store, or this one was restored from a backup.',
      zh: '`--changed-since` 给出的序号大于该存储库最后一次变更的序号：它来自别的存储库，或该存储库是从备份恢复的。',
    },
    hint: {
      en: 'It is another store, or was restored from a backup: follow it from the beginning, --changed-since 0.',
      zh: '这是另一个存储库，或是从备份恢复的：请从头开始跟进，使用 `--changed-since 0`。',
    },
  },
  'usage.bom': {
    class: 'config',
    cause: {
      en: '`export --bom` was given for a format other than `csv`.',
      zh: '`export --bom` 用在了 `csv` 以外的格式上。',
    },
    hint: {
      en: 'Only csv can have one.',
      zh: '只有 `csv` 可以带 BOM。',
    },
  },
  'usage.terminal': {
    class: 'config',
    cause: {
      en: 'A workbook would have been written to the terminal.',
      zh: '工作簿会被直接输出到终端。',
    },
    hint: {
      en: 'Name a file, --output calls.xlsx, or send it on with > or |.',
      zh: '请指定文件，例如 `--output calls.xlsx`，或用 `>`、`|` 转向。',
    },
  },
  'usage.format': {
    class: 'config',
    cause: {
      en: 'The records would make a workbook of more than 4 GiB, which no spreadsheet opens.',
      zh: '这些话单生成的工作簿会超过 4 GiB，没有电子表格软件能打开。',
    },
    hint: {
      en: 'Export fewer of them (--from, --to, --account), or take --format csv.',
      zh: '请缩小导出范围（`--from`、`--to`、`--account`），或改用 `--format csv`。',
    },
  },
  'usage.output': {
    class: 'config',
    cause: {
      en: 'The file given to `export --output` cannot be written, or belongs to the store or the configuration, or is no regular file.',
      zh: '`export --output` 指定的文件无法写入，或者它属于存储库或配置，或不是普通文件。',
    },
    hint: {
      en: 'Give the export a file of its own; check the path given to --output, and the room on its disk.',
      zh: '请为导出单独指定文件；检查 `--output` 的路径以及所在磁盘的剩余空间。',
    },
  },
} satisfies Family<ErrorEntry>;
