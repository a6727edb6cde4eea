import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/binary.ts',
    // Much of the time goes into processes and servers that wait: three at once use two cores.
    maxWorkers: 3,
    testTimeout: 30_000,
  },
});
