import type { EraseProgress } from '../sync/erase.ts';
import { SECOND } from '../time.ts';
import { count } from './table.ts';

/** How often a line is written, at most. */
const INTERVAL = 5 * SECOND;

/** What an account's erasure tells while it goes on: a line on stderr now and then. */
export function eraseProgress({ quiet }: { readonly quiet: boolean }) {
  let last = Number.NEGATIVE_INFINITY;
  const tell = (line: string): void => {
    if (quiet || performance.now() - last < INTERVAL) return;
    last = performance.now();
    process.stderr.write(`erase: ${line}\n`);
  };
  return (account: string) => ({
    onWait: (holder: string): void => tell(`waiting for ${holder}, which works on ${account}`),
    onProgress: ({ searched, calls }: EraseProgress): void => {
      tell(`${account}: looked through ${count(searched)} calls, found ${count(calls)}`);
    },
  });
}
