import type { ErrorEntry, Family } from './entry.ts';

/** Copying a store into another one. */
export const COPY_ERRORS = {
  'usage.copy': {
    class: 'config',
    cause: {
      en: '`store copy` was given neither `--from` nor `--to`, the same store for both, or something that is no URL of a store.',
      zh: '`store copy` 没有给出 `--from` 和 `--to` 中的任何一个、两边是同一个存储库，或给出的不是存储库地址。',
    },
    hint: {
      en: 'Name at least one; the other one is "store" in the configuration: `cdrsync store copy --to postgres://USER@HOST/DATABASE`, or --to sqlite:PATH.',
      zh: '至少指定其中一个，另一个默认取配置文件中的 `store`：`cdrsync store copy --to postgres://USER@HOST/DATABASE`，或 `--to sqlite:路径`。',
    },
  },
  'copy.target': {
    class: 'config',
    cause: {
      en: 'The target of `store copy` holds something already, or the beginning of a copy of another store; or another process wrote into it meanwhile. It was left as it is: a copy overwrites nothing.',
      zh: '`store copy` 的目标已有数据，或是另一个存储库的未完成副本，或期间有其他进程写入。程序没有改动它：复制不会覆盖任何内容。',
    },
    hint: {
      en: 'Name a new file, or another schema of the database (?schema=NAME). Only what nobody needs may be removed instead: the file with its -wal and -shm, or the schema.',
      zh: '请换一个新文件，或数据库中的另一个 schema（`?schema=名称`）。只有确认无人需要时，才可以删除原有的文件（连同 `-wal` 和 `-shm`）或 schema。',
    },
  },
  'copy.running': {
    class: 'config',
    cause: {
      en: 'Another process is copying into the same target. The message names it.',
      zh: '另一个进程正在向同一目标复制，消息里写明是哪个进程。',
    },
    hint: {
      en: 'Wait for it. If it is gone together with its machine, run the same command again after ten seconds.',
      zh: '请等它完成。如果它所在的机器已经停机，十秒后重新运行同一条命令即可。',
    },
  },
  'copy.unfinished': {
    class: 'config',
    cause: {
      en: 'The store is the beginning of a copy. It does not hold all calls yet, and what would be written into it would be lost.',
      zh: '该存储库是尚未完成的副本，话单还不完整；此时写入的内容会丢失。',
    },
    hint: {
      en: 'Run the same `cdrsync store copy` again: it goes on where it was stopped. Until then leave "store" at the source.',
      zh: '请重新运行同一条 `cdrsync store copy`：它会从中断处继续。完成之前，`store` 应仍指向源存储库。',
    },
  },
  'copy.differs': {
    class: 'store',
    cause: {
      en: 'The two stores do not hold the same. The message names the tables, and of calls and versions the account and the day (`listed_on`), with the rows of the source and of the target.',
      zh: '两个存储库的内容不一致。消息里列出有差异的表；话单及其历史版本还写明账号和日期（`listed_on`），以及源和目标各有多少行。',
    },
    hint: {
      en: 'After a copy run the same command again, which copies these days anew; should they differ again, keep both stores and report it. After `--verify-only`: stop whatever writes into either, and compare again.',
      zh: '若发生在复制之后，请重新运行同一条命令，它会重新复制这些日期；若仍不一致，请保留两个存储库并报告问题。若发生在 `--verify-only` 时，请先停止对两边的写入，再比较一次。',
    },
  },
} satisfies Family<ErrorEntry>;
