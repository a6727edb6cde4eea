import { readFileSync } from 'node:fs';
import { noteAtExit } from './note.ts';

/**
 * Loaded into a program with `--import`: notes its CPU time when it ends, and on
 * Linux its largest resident size. Not `resourceUsage().maxRSS`, which begins
 * with what the parent had.
 */
noteAtExit(() => {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1000, peakBytes: peakBytes() };
});

function peakBytes(): number | null {
  if (process.platform !== 'linux') return null;
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
