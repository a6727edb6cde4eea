import type { Migration } from 'kysely/migration';
import * as initial from './0001_initial.ts';

/** In the order of their names. A released migration is never changed. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_initial': initial,
};
