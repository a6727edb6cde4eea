import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** What Linux says of processes and folders. Elsewhere than on Linux the soak does not run. */

export interface Usage {
  /** Resident bytes. */
  readonly rss: number;
  /** CPU milliseconds so far, of all threads. */
  readonly cpu: number;
}

/** The kernel counts in hundredths of a second towards programs, whatever its own tick is. */
const TICK_MS = 10;

/** Null where the process is gone. */
export function usageOf(pid: number): Usage | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (kilobytes === undefined) return null;
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { rss: Number(kilobytes) * 1024, cpu: ticks * TICK_MS };
  } catch {
    return null;
  }
}

/** Bytes of files whose path begins so, and of everything in folders among them. */
export function bytesUnder(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  try {
    return readdirSync(path).reduce((sum, name) => sum + bytesUnder(join(path, name)), 0);
  } catch {
    // Gone between the two looks.
    return 0;
  }
}

/** CPU milliseconds of the whole machine so far, all cores together. */
export function machineTimes(): { readonly busy: number; readonly all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.irq + times.idle;
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}
