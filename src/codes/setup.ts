import type { ErrorEntry, Family } from './entry.ts';

/** The commands that set up or show: `init`, `sandbox`, `demo`. */
export const SETUP_ERRORS = {
  'init.config': {
    class: 'config',
    cause: {
      en: 'There is a file in the place of the configuration, and no account can be added to it as it is.',
      zh: '配置文件的位置上已有一个文件，但以它现在的内容无法往里添加账号。',
    },
    hint: {
      en: 'Correct it first, or choose another --dir.',
      zh: '请先修正该文件，或用 `--dir` 指定其他目录。',
    },
  },
  'init.exists': {
    class: 'config',
    cause: {
      en: 'A file with the name that a secret of this account would get lies under `secrets/` already.',
      zh: '`secrets/` 下已有同名文件，该账号的密钥无法写入。',
    },
    hint: {
      en: 'Look into that file: one that is empty was left by an `init` that was killed. Remove it, or choose another --id.',
      zh: '请查看该文件：如果是空文件，说明是某个被强制结束的 `init` 留下的。请删除它，或换一个 `--id`。',
    },
  },
  'init.write': {
    class: 'config',
    cause: {
      en: 'The configuration or the files of its secrets cannot be written. The message holds the code of the system.',
      zh: '配置文件或密钥文件无法写入。消息里带有系统错误码。',
    },
    hint: {
      en: 'Nothing was changed; check the folder and its rights.',
      zh: '没有任何改动；请检查目录及其权限。',
    },
  },
  'init.locked': {
    class: 'config',
    cause: {
      en: 'Another `init` writes this configuration at the moment, or one was killed while it did and left its lock behind, the file `….lock` beside the configuration.',
      zh: '另一个 `init` 正在写入该配置，或某个 `init` 在写入时被强制结束，留下了锁文件（配置文件旁的 `….lock`）。',
    },
    hint: {
      en: 'Nothing was written. If no other `cdrsync init` is running, remove that file, and run it again.',
      zh: '没有写入任何内容。如果没有其他 `cdrsync init` 在运行，请删除该文件后再运行一次。',
    },
  },
  'usage.init': {
    class: 'config',
    cause: {
      en: 'What was given for the account does not make one. The message lists every problem.',
      zh: '给出的内容不足以构成一个可用的账号。消息里列出所有问题。',
    },
    hint: {
      en: 'Nothing was written. Correct what the message names, and run it again.',
      zh: '没有写入任何内容。请按消息修正后再运行一次。',
    },
  },
  'usage.missing': {
    class: 'config',
    cause: {
      en: 'Without a terminal nobody can be asked, and flags are missing that the account needs.',
      zh: '当前不是交互终端，无法提问，而账号所需的参数没有给全。',
    },
    hint: {
      en: 'Give them, or run it on a terminal to be asked. SOURCE is env:NAME, file:PATH or stdin. Nothing was written.',
      zh: '请补全这些参数，或在终端中运行以便逐项提问。SOURCE 可以是 `env:NAME`、`file:PATH` 或 `stdin`。没有写入任何内容。',
    },
  },
  'usage.login': {
    class: 'config',
    cause: {
      en: 'The keys given with `--set` and `--secret` are not those of one login of this provider.',
      zh: '`--set` 和 `--secret` 给出的键，不是该服务商某一种登录方式所需的组合。',
    },
    hint: {
      en: 'Give the keys of one login; README.md lists them by provider.',
      zh: '请只给出一种登录方式的键；各服务商的键见 README.md。',
    },
  },
  'usage.secret': {
    class: 'config',
    cause: {
      en: 'A secret was given as a word of the command line, which every user of this machine can see.',
      zh: '密钥直接写在了命令行里，本机任何用户都能看到。',
    },
    hint: {
      en: 'Give it as --secret KEY=env:NAME, KEY=file:PATH or KEY=stdin; and have this one replaced if it was real.',
      zh: '请改用 `--secret KEY=env:NAME`、`KEY=file:PATH` 或 `KEY=stdin`；如果刚才写的是真实密钥，请尽快更换。',
    },
  },
  'usage.cancelled': {
    class: 'config',
    cause: {
      en: 'The input ended before all questions were answered.',
      zh: '问题还没答完，输入就结束了。',
    },
    hint: {
      en: 'Nothing was written.',
      zh: '没有写入任何内容。',
    },
  },
  'usage.config': {
    class: 'config',
    cause: {
      en: 'The file that the sandbox would write its configuration to exists, and is not one of its own.',
      zh: '沙箱要写入配置的文件已存在，而且不是沙箱自己生成的。',
    },
    hint: {
      en: 'Give the sandbox another file with --write-config.',
      zh: '请用 `--write-config` 为沙箱指定其他文件。',
    },
  },
  'usage.port': {
    class: 'config',
    cause: {
      en: 'Another program listens on the port of the sandbox.',
      zh: '沙箱要用的端口已被其他程序占用。',
    },
    hint: {
      en: 'Give another with --port; 0 takes any free one.',
      zh: '请用 `--port` 换一个端口；`0` 表示自动选择空闲端口。',
    },
  },
  'usage.keep': {
    class: 'config',
    cause: {
      en: 'The folder given to `demo --keep` is not empty.',
      zh: '`demo --keep` 指定的目录不为空。',
    },
    hint: {
      en: 'Give --keep a new folder: the demo writes a configuration and a store there.',
      zh: '请为 `--keep` 指定一个新目录：演示会在里面写入配置和存储库。',
    },
  },
} satisfies Family<ErrorEntry>;
