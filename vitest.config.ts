import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/compile-cache.ts',
    // Most of the time goes into processes and servers that wait: two at once use both cores.
    maxWorkers: 2,
    testTimeout: 30_000,
  },
});
