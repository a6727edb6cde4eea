import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Which process of which start of which machine: a pid alone is used again,
 * and means something else in another container.
 */
export interface ProcessIdentity {
  readonly host: string;
  /** The machine's boot; empty where the system does not tell. */
  readonly boot: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** In the system's own ticks, as text; empty where it does not tell. */
  readonly startedAt: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: hostname(),
    boot: bootId(),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startedAt: startOf(process.pid) ?? '',
  };
}

/**
 * Whether that process is certainly gone. That can be told only for the same
 * boot of the same machine (two machines may share a name) and inside the same
 * pid namespace; otherwise its heartbeat decides.
 */
export function isDead(other: ProcessIdentity): boolean {
  if (other.boot === '' || other.boot !== bootId()) return false;
  if (other.pidNamespace !== pidNamespace()) return false;
  const startedAt = startOf(other.pid);
  return startedAt === null || startedAt !== other.startedAt;
}

function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id') ?? '';
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Field 22 of /proc/PID/stat, counted after the command's closing bracket; null where there is no such process. */
function startOf(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended and only waits for its parent to notice.
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? '');
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
