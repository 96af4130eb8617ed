import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** They measure their own process, or kill and cut what they stand on: it is to hold nothing of other files. */
const ALONE = [
  'tests/**/*.test.ts',
  'gateway/export/streaming.test.ts',
  'gateway/live/stalled.test.ts',
  'ingestors/sources/kafka-idle-timer.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    // The services of several files at once would share two cores and time each other out.
    maxWorkers: 2,
    projects: [
      // To load the program anew for each file is 0.8 s of CPU, a third of what a file costs. So a worker keeps what it has
      // loaded: modules hold no state but caches, and a test that leaves something behind is to be mended.
      projectOf({ name: 'shared', isolate: false, exclude: ['node_modules/**', '.data/**', ...ALONE] }),
      projectOf({ name: 'alone', include: ALONE }),
    ],
  },
});

function projectOf(own: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  return {
    // One graphql for all: Vite would give our files its ESM build and leave Pothos with the CommonJS one.
    resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
    test: {
      include: ['**/*.test.ts'],
      testTimeout: 20_000,
      hookTimeout: 60_000,
      // A machine that runs the whole suite on two cores is slow to show what a test polls for.
      expect: { poll: { timeout: 10_000 } },
      pool: 'forks',
      ...own,
    },
  };
}
