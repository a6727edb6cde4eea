import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { OVER_POSTGRES } from './test/support/over-postgres.ts';
import { askPostgres, POSTGRES, sayMissing, trouble } from './test/support/servers.ts';

/**
 * Much of the time goes into processes and servers that wait: three at once use
 * two cores. A process for each file would spend a tenth of the whole on loading
 * the same modules again: what the tests share has no state of one file.
 */
const shared = { maxWorkers: 3, testTimeout: 30_000, isolate: false, pool: 'threads' } as const;

/** All tests, with a SQLite file for the store. */
const sqlite: TestProjectConfiguration = {
  test: {
    ...shared,
    name: 'sqlite',
    include: ['test/**/*.test.ts'],
    provide: { storeServer: null },
  },
};

/** Some of them once more, with PostgreSQL for the store. */
const postgres: TestProjectConfiguration = {
  test: {
    ...shared,
    name: 'postgres',
    include: Object.keys(OVER_POSTGRES).map((file) => `test/${file}.test.ts`),
    provide: { chosen: OVER_POSTGRES },
    globalSetup: 'test/support/database.ts',
    setupFiles: 'test/support/chosen.ts',
  },
};

const missing = await trouble(askPostgres(POSTGRES));
if (missing !== null) sayMissing('postgres', missing);

export default defineConfig({
  test: {
    maxWorkers: shared.maxWorkers,
    globalSetup: 'test/support/binary.ts',
    projects: missing === null ? [sqlite, postgres] : [sqlite],
  },
});
