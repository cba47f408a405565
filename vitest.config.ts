import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/web/**'] } },
      {
        extends: true,
        // a browser is as busy as the machine lets it be: one file at a time
        test: {
          name: 'web',
          include: ['test/web/**/*.test.ts'],
          fileParallelism: false,
          globalSetup: 'test/web/setup.ts',
        },
      },
    ],
  },
})
