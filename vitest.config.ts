import { defineConfig } from 'vitest/config';
import { askPostgres, POSTGRES, sayMissing, trouble } from './test/support/servers.ts';

/** What is run over PostgreSQL as well. */
const OVER_POSTGRES = [
  'store',
  'crash',
  'crash-points',
  'lease',
  'faults',
  'sync',
  'verify',
  'follow',
];

const missing = await trouble(askPostgres(POSTGRES));
if (missing !== null) sayMissing('postgres', missing);

export default defineConfig({
  test: {
    globalSetup: 'test/support/binary.ts',
    // Much of the time goes into processes and servers that wait: three at once use two cores.
    maxWorkers: 3,
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['test/**/*.test.ts'],
          provide: { storeServer: null },
          globalSetup: [],
        },
      },
      ...(missing === null
        ? [
            {
              extends: true as const,
              test: {
                name: 'postgres',
                include: (process.env['CDRSYNC_TEST_POSTGRES']?.split(',') ?? OVER_POSTGRES).map(
                  (name) => `test/${name}.test.ts`,
                ),
                globalSetup: 'test/support/database.ts',
              },
            },
          ]
        : []),
    ],
  },
});
