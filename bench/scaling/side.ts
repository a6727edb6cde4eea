import type { World } from '../server/world.ts';
import type { FullScan } from '../support/plans.ts';
import type { Statement } from '../support/statements.ts';

export const KINDS = ['sqlite', 'postgres'] as const;
export type Kind = (typeof KINDS)[number];

/** The bytes of a table without its indexes, or of one index. */
export interface Size {
  readonly name: string;
  readonly bytes: number;
}

/** What the phases need of a store, whichever database it is in. */
export interface ScaledStore {
  readonly kind: Kind;
  /** As `store` in the configuration. */
  readonly url: string;
  /** Some calls say that they were changed; `fillVersions` adds what they were. */
  fill(world: World): Promise<void>;
  fillVersions(world: World): Promise<void>;
  /** Of `calls` and `call_versions`, those that have bytes. */
  sizes(): Promise<readonly Size[]>;
  countCalls(): Promise<number>;
  lastChange(): Promise<number>;
  /** The plans of statements that a binary sent, with the values that it sent. */
  fullScans(statements: readonly Statement[]): Promise<readonly FullScan[]>;
  /** Puts what was written where it stays, so that the next measurement does not pay for it. */
  settle(): Promise<void>;
}

/** Makes stores that are gone at the end. */
export interface Side {
  readonly kind: Kind;
  /** Bytes that are free where the stores are made; null where that cannot be told. */
  free(): Promise<number | null>;
  make(): Promise<ScaledStore>;
}

/** Bytes a call, with its indexes and its share of versions: more than was measured. */
export const ROOM: Readonly<Record<Kind, number>> = { sqlite: 2500, postgres: 3000 };

export const BIG_TABLES = ['calls', 'call_versions'];
