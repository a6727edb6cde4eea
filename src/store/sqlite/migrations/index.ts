import type { Migration } from 'kysely/migration';
import * as initial from './0001_initial.ts';
import * as worker from './0002_worker.ts';
import * as follow from './0003_follow.ts';
import * as show from './0004_show.ts';
import * as erasure from './0005_erasure.ts';
import * as numbersByHour from './0006_numbers_by_hour.ts';

/** In the order of their names. A released migration is never changed. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_initial': initial,
  '0002_worker': worker,
  '0003_follow': follow,
  '0004_show': show,
  '0005_erasure': erasure,
  '0006_numbers_by_hour': numbersByHour,
};
