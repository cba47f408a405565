import { defineConfig } from 'vitest/config'

const MOCKED = 'test/**/*.mocked.test.ts'
const WEB = 'test/web/**/*.test.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    // by default one core is left to vitest itself, which is half of a machine of two
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      // the library holds no state of its own, so that files can share what is loaded
      {
        extends: true,
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: [WEB, MOCKED], isolate: false },
      },
      { extends: true, test: { name: 'mocked', include: [MOCKED] } },
      { extends: true, test: { name: 'web', include: [WEB], globalSetup: 'test/web/setup.ts' } },
    ],
  },
})
