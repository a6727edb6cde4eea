import type { World } from '../server/world.ts';
import type { Lab, Preload } from '../support/lab.ts';
import type { Figure } from './figures.ts';
import type { Kind, ScaledStore, Side } from './side.ts';

/** What a phase measures with. */
export interface Bench {
  readonly lab: Lab;
  readonly side: Side;
  /** Calls of the full store. */
  readonly calls: number;
  /** New calls in each round of what inserts. */
  readonly news: number;
  /** The full store, made when it is first asked for. */
  full(): Promise<FullStore>;
}

export interface FullStore {
  readonly store: ScaledStore;
  readonly world: World;
}

export interface Phase {
  readonly name: string;
  readonly says: string;
  /** `aside`: runs only where it is named. */
  readonly standing?: 'aside';
  /** Whether there is nothing to measure with one of the stores. */
  readonly only?: Kind;
  measure(bench: Bench): Promise<readonly Figure[]>;
}

/** How the statements that a binary sends to a store are noted. */
export function noting({ kind }: Pick<ScaledStore, 'kind'>, note: string): Preload {
  return { module: kind === 'sqlite' ? 'statements' : 'postgres-statements', note };
}
