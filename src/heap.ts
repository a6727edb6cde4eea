import { setFlagsFromString } from 'node:v8';

/**
 * Keeps this process small. A page's rows live as long as it takes to store
 * them: V8 would answer with a young generation of 48 MB and an old one that is
 * collected only once it has doubled, 150 MB more than what is alive. Both flags
 * are looked at whenever a generation is about to grow, so that they may be set
 * now; a Node that does not know one of them goes on without.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}
