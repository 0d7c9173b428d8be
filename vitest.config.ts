import { defineConfig } from 'vitest/config'

// Tests run from the compiled output: what is tested is what is shipped, worker threads and processes included.
const project = (name: string, testTimeout = 20_000) => ({
  test: {
    name,
    include: [`${name}/dist/**/*.test.js`],
    exclude: ['**/node_modules/**'],
    pool: 'forks' as const,
    testTimeout,
    hookTimeout: 60_000,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('proto'),
      project('models', 60_000),
      project('policies'),
      project('device-sdk'),
      project('edge-server'),
      project('test', 120_000),
    ],
    maxWorkers: 2,
    globalSetup: './test/own-temp-folder.mjs',
  },
})
