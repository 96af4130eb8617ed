import { defineConfig } from 'vitest/config';

export default defineConfig({
  // One graphql for all: Vite would give our files its ESM build and leave Pothos with the CommonJS one.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', '.data/**'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // A machine that runs the whole suite on two cores is slow to show what a test polls for.
    expect: { poll: { timeout: 10_000 } },
    // The services of several files at once would share two cores and time each other out.
    maxWorkers: 2,
    pool: 'forks',
  },
});
