import { defineConfig } from 'vitest/config'

const ALONE = 'test/**/*.alone.test.ts'
const WEB = 'test/web/**/*.test.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    // by default one core is left to vitest itself, which is half of a machine of two
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      // the library holds no state of its own, so that files can share a process and what is loaded in it
      {
        extends: true,
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: [WEB, ALONE], isolate: false },
      },
      // what replaces modules, or measures its process, has one of its own
      { extends: true, test: { name: 'alone', include: [ALONE] } },
      { extends: true, test: { name: 'web', include: [WEB], globalSetup: 'test/web/setup.ts' } },
    ],
  },
})
