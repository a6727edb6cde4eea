import type { ErrorEntry, Family } from './entry.ts';

/** The local store, its leases and its copies. */
export const STORE_ERRORS = {
  'store.missing': {
    class: 'config',
    cause: {
      en: 'There is no store where one must be: for commands on what is stored, and with `--require-store` or `CDRSYNC_REQUIRE_STORE=1`.',
      zh: '该位置没有存储库。处理已有数据的命令（如 `verify`、`export`）必须有存储库；使用 `--require-store` 或 `CDRSYNC_REQUIRE_STORE=1` 时，其他命令也必须有。',
    },
    hint: {
      en: 'Check that "store" names it: of a file, that its volume is mounted; in PostgreSQL, the database and the `schema`. Only where there never was one, `cdrsync sync` makes it.',
      zh: '请检查 `store` 是否写对：若为文件，检查所在的卷是否已挂载；若为 PostgreSQL，检查数据库名和 `schema`。只有从未有过存储库时，才运行 `cdrsync sync` 新建。',
    },
  },
  'store.unopened': {
    class: 'store',
    cause: {
      en: 'The file of the store, or its folder, cannot be opened or made.',
      zh: '存储库文件或其所在目录无法打开或创建。',
    },
    hint: {
      en: 'Check that the folder exists and may be written by this user.',
      zh: '请检查目录是否存在，以及当前用户是否有写权限。',
    },
  },
  'store.unreachable': {
    class: 'store',
    cause: {
      en: 'The PostgreSQL server of the store does not answer, refuses connections, or went away. It was waited for half a minute (commands that only read: five seconds).',
      zh: '存储库所在的 PostgreSQL 服务器没有响应、拒绝连接，或连接中断。程序已等待半分钟（只读命令为五秒）。',
    },
    hint: {
      en: 'Check that the server named in "store" runs and can be reached from here. Nothing is lost: the next run goes on after the last page that was stored.',
      zh: '请检查 `store` 中的服务器是否在运行、从本机能否连通。数据没有丢失：下次运行从最后一个已入库的分页之后继续。',
    },
  },
  'store.refused': {
    class: 'config',
    cause: {
      en: 'The PostgreSQL server refuses the user, the password, the database or what the user may do in it, or its certificate cannot be verified.',
      zh: 'PostgreSQL 服务器拒绝了用户名、密码、数据库名或该用户的权限，或其证书无法验证。',
    },
    hint: {
      en: 'Check the URL in "store". The database is yours to make (`create database cdr owner cdrsync`). The user needs CONNECT and CREATE on it, or the schema made for it. For TLS add `sslmode=verify-full`, and `sslrootcert=FILE` where the authority is your own.',
      zh: '请检查 `store` 中的地址。数据库需要由您自己创建（`create database cdr owner cdrsync`），该用户需要数据库的 CONNECT 和 CREATE 权限，或事先为其建好 schema。使用 TLS 时加上 `sslmode=verify-full`；证书由自建机构签发时再加 `sslrootcert=文件`。',
    },
  },
  'store.unsupported': {
    class: 'config',
    cause: {
      en: 'The database is a PostgreSQL that is too old, or speaks its protocol and lacks what the store relies on.',
      zh: '数据库的 PostgreSQL 版本过旧，或只是兼容其协议，缺少存储库所依赖的功能。',
    },
    hint: {
      en: 'Use PostgreSQL 13 or later, or a service that is built on it.',
      zh: '请使用 PostgreSQL 13 或更高版本，或基于它的云服务。',
    },
  },
  'store.readonly': {
    class: 'store',
    cause: {
      en: 'The store can be read, but not written. In PostgreSQL: the server is a standby, or read-only.',
      zh: '存储库可以读取，但不能写入。若为 PostgreSQL：该服务器是备库，或处于只读状态。',
    },
    hint: {
      en: 'Check the rights on the file and its folder, and that the volume is not mounted read-only; in PostgreSQL name the primary server.',
      zh: '请检查文件及其目录的权限，并确认所在的卷没有以只读方式挂载；若为 PostgreSQL，请指向主库。',
    },
  },
  'store.busy': {
    class: 'store',
    cause: {
      en: 'Another process holds the write lock of the store for longer than ten seconds, or in PostgreSQL the same rows.',
      zh: '另一个进程占用存储库的写锁超过十秒；若为 PostgreSQL，则是占用同一批行。',
    },
    hint: {
      en: 'Find the program that keeps a transaction open in this store; the next run goes on from here.',
      zh: '请找出在该存储库上长时间不提交事务的程序；下次运行从断点继续。',
    },
  },
  'store.full': {
    class: 'store',
    cause: {
      en: 'The disk of the store has no room left. The page that was being written was rolled back.',
      zh: '存储库所在磁盘已满。正在写入的那一页已回滚。',
    },
    hint: {
      en: 'Make room; the next run goes on after the last page that was stored.',
      zh: '请清理磁盘空间；下次运行从最后一个已入库的分页之后继续。',
    },
  },
  'store.reserve': {
    class: 'store',
    cause: {
      en: 'The free space on the disk of the store is below `diskReserve`. Nothing is fetched until there is room, so that the disk does not fill up in the middle of a write.',
      zh: '存储库所在磁盘的剩余空间低于 `diskReserve`。为避免写到一半时磁盘写满，腾出空间之前不再拉取话单。',
    },
    hint: {
      en: 'Make room on the disk of the store, or lower `diskReserve`; the next run goes on from here.',
      zh: '请清理存储库所在磁盘，或调小 `diskReserve`；下次运行从断点继续。',
    },
  },
  'store.io': {
    class: 'store',
    cause: {
      en: 'Reading or writing the store failed: a fault of the disk, a network drive that went away, or a limit on the size of files.',
      zh: '读写文件失败：磁盘故障、网络盘断开，或受到文件大小限制。',
    },
    hint: {
      en: 'Check the disk and its free space; the next run goes on after the last page that was stored.',
      zh: '请检查磁盘状态和剩余空间；下次运行从最后一个已入库的分页之后继续。',
    },
  },
  'store.corrupt': {
    class: 'store',
    cause: {
      en: 'The file is damaged, or is no SQLite database; or PostgreSQL says that its data is damaged.',
      zh: '文件已损坏，或者根本不是 SQLite 数据库；或 PostgreSQL 报告其数据已损坏。',
    },
    hint: {
      en: 'Check that "store" names the right file. Otherwise move it away with its -wal and -shm, and restore the newest backup; what the providers still serve is then read again. A PostgreSQL server is its administrator to mend.',
      zh: '请确认 `store` 指向正确的文件；否则把它连同 `-wal` 和 `-shm` 一起移走，再恢复最近的备份；服务商仍保留的话单随后会重新读取。PostgreSQL 请由其管理员修复。',
    },
  },
  'store.failed': {
    class: 'store',
    cause: {
      en: 'The database failed with a code that has no entry of its own: of SQLite, or an SQLSTATE of PostgreSQL. The message names it.',
      zh: '数据库返回了没有单独归类的错误码（SQLite 错误码，或 PostgreSQL 的 SQLSTATE），消息里写明是哪个。',
    },
    hint: {
      en: 'Nothing was written by the transaction that failed; see the code in the documentation of the database.',
      zh: '失败的事务没有写入任何内容；请在该数据库的文档中查询该错误码。',
    },
  },
  'store.gone': {
    class: 'store',
    cause: {
      en: 'The file of the store was deleted or replaced while it was in use. SQLite would go on writing into a file that nobody can open any more.',
      zh: '存储库文件在使用中被删除或替换。继续写入只会写到一个再也打不开的文件里。',
    },
    hint: {
      en: 'What was written since is lost with it: restore the file, or its newest backup, and start again.',
      zh: '此后写入的内容已随之丢失：请恢复该文件或最近的备份，然后重新启动。',
    },
  },
  'store.outdated': {
    class: 'store',
    cause: {
      en: 'The store is of an older version, and this command does not change it.',
      zh: '存储库是旧版本的，而当前命令不会改动它。',
    },
    hint: {
      en: 'Run `cdrsync sync` once: it makes a backup beside a SQLite store and brings it up to date. Of a PostgreSQL store take a `pg_dump` before.',
      zh: '请运行一次 `cdrsync sync`：它会先在 SQLite 存储库旁边做备份，再升级。PostgreSQL 存储库请先做 `pg_dump`。',
    },
  },
  'store.newer': {
    class: 'store',
    cause: {
      en: 'The store was written by a newer version of cdrsync.',
      zh: '存储库由更新版本的 cdrsync 写入。',
    },
    hint: {
      en: 'Use the newer cdrsync again; or move the store away with its -wal and -shm, and put in its place the backup that was made beside it before it migrated. In PostgreSQL restore the dump that you took before.',
      zh: '请继续使用较新的 cdrsync；或把存储库连同 `-wal` 和 `-shm` 一起移走，换上升级前在旁边留下的备份。PostgreSQL 请恢复升级前的转储。',
    },
  },
  'store.foreign': {
    class: 'store',
    cause: {
      en: 'The database holds tables of another program. It was left as it is.',
      zh: '该数据库里有其他程序的表。程序没有改动它。',
    },
    hint: {
      en: 'Give cdrsync a file of its own in "store", or in PostgreSQL another `?schema=`.',
      zh: '请在 `store` 中为 cdrsync 指定单独的文件；若为 PostgreSQL，请换一个 `?schema=`。',
    },
  },
  'lease.lost': {
    class: 'store',
    cause: {
      en: 'This process did not answer for ten seconds, so another one took the account over. What this one would have written since was refused.',
      zh: '本进程超过十秒没有响应，账号已被另一个进程接管。此后本进程的写入都被拒绝。',
    },
    hint: {
      en: 'Nothing is lost: the other process goes on from the last page. Look for a stopped or overloaded machine.',
      zh: '数据没有丢失：另一个进程会从最后一页继续。请检查机器是否曾被挂起或负载过高。',
    },
  },
  'backup.database': {
    class: 'config',
    cause: {
      en: '`backup` copies a SQLite file, and the store is a PostgreSQL database.',
      zh: '`backup` 用于复制 SQLite 文件，而存储库是 PostgreSQL 数据库。',
    },
    hint: {
      en: "Use the database's own tools (`pg_dump`, or those of your provider), or `cdrsync store copy --to sqlite:FILE` for a copy that cdrsync reads.",
      zh: '请使用数据库自带的工具（`pg_dump` 或云服务商的备份功能），或用 `cdrsync store copy --to sqlite:FILE` 复制成 cdrsync 可读的文件。',
    },
  },
  'backup.target': {
    class: 'config',
    cause: {
      en: '`backup --to` names a file that exists, or one that belongs to the store or the configuration. A backup never writes over another one.',
      zh: '`backup --to` 指定的文件已存在，或者属于存储库或配置。备份不会覆盖已有文件。',
    },
    hint: {
      en: 'Name a new file, such as one with the date in it.',
      zh: '请换一个新文件名，例如带上日期。',
    },
  },
  'backup.write': {
    class: 'store',
    cause: {
      en: 'The file given to `backup --to` cannot be written: its folder is missing or not writable, or its disk is full. The message holds the code of the system or of SQLite.',
      zh: '`backup --to` 指定的文件无法写入：目录不存在或没有写权限，或者所在磁盘已满。消息里带有系统或 SQLite 的错误码。',
    },
    hint: {
      en: 'Check that the folder exists and may be written, and the room on its disk; the store itself was only read.',
      zh: '请检查目录是否存在、是否有写权限，以及所在磁盘的剩余空间；原存储库只被读取，没有改动。',
    },
  },
  'backup.unsound': {
    class: 'store',
    cause: {
      en: 'The copy was read again after it was written, and is not whole. It was removed.',
      zh: '备份写完后重新读取校验，发现不完整，已删除。',
    },
    hint: {
      en: 'Check the disk that it was written to, and try again; the store itself was only read.',
      zh: '请检查目标磁盘后重试；原存储库只被读取，没有改动。',
    },
  },
} satisfies Family<ErrorEntry>;
