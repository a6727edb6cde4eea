import { accounts } from './accounts.ts';
import { bytes } from './bytes.ts';
import { history } from './history.ts';
import { insert } from './insert.ts';
import { partition } from './partition.ts';
import type { Phase } from './phase.ts';
import { reads } from './reads.ts';

/** In the order in which they run: what only looks comes before what changes the store. */
export const PHASES: readonly Phase[] = [bytes, reads, insert, history, accounts, partition];
