import { resolve } from 'node:path';
import { configError } from '../errors.ts';
import { type Backup, backupFile } from '../store/sqlite/backup.ts';
import { storeAddress } from '../store-url.ts';
import { refuseProtected } from './protected-files.ts';
import { type GlobalOptions, openSession } from './session.ts';
import { count } from './table.ts';

/** What `backup --json` prints. */
interface BackupReport extends Backup {
  readonly path: string;
}

/** Copies the store to a new file, in use or not. */
export async function backupCommand(
  globals: GlobalOptions,
  { to }: { readonly to: string },
): Promise<number> {
  const { config } = await openSession(globals, new AbortController().signal);
  const path = resolve(to);
  refuseProtected(config, '--to', path);
  const store = storeAddress(config.store);
  if (store.kind === 'postgres') {
    throw configError('backup.database', 'the store is a PostgreSQL database and no file');
  }
  const report: BackupReport = { path, ...backupFile(store.path, path) };
  const { calls, versions, change_seq, bytes } = report;
  const text = `${path}: ${count(calls)} calls, ${count(versions)} earlier versions, up to change ${count(change_seq)}, ${count(bytes)} bytes; checked\n`;
  process.stdout.write(globals.json ? `${JSON.stringify(report)}\n` : text);
  return 0;
}
