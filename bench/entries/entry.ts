import type { Result } from '../result.ts';
import type { Lab } from '../support/lab.ts';

/** One kind of work that is measured. */
export interface Entry {
  readonly name: string;
  readonly says: string;
  /** `aside`: explains others, and runs only where it is named. */
  readonly standing?: 'aside';
  measure(lab: Lab): Promise<readonly Result[]>;
}
