import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** What the opening of a store may have to tell. */
export type StoreEvent =
  | { readonly kind: 'created'; readonly name: string }
  /** Before its upgrade. */
  | { readonly kind: 'backed_up'; readonly path: string }
  | { readonly kind: 'upgraded'; readonly name: string };

export interface Opening {
  /** A missing store is an error instead of a new one. */
  readonly mustExist: boolean;
  readonly onEvent: (event: StoreEvent) => void;
}

export type Database = Kysely<Schema>;
