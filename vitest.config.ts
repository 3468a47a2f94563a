import { defineConfig } from 'vitest/config'

const resolve = { conditions: ['@kaon/source', 'node', 'import', 'module', 'default'] }
const ssr = { resolve: { conditions: resolve.conditions, externalConditions: resolve.conditions } }

// Three layers, each a project: `unit` is units, vectors, properties and simulated networks; `peers` needs real programs
// (browsers, OpenSSL); `packages` packs and installs what would be published.
export default defineConfig({
  test: {
    maxWorkers: '100%', // the default leaves a core idle, half of a small machine
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          testTimeout: 30_000, // none takes a tenth of it, but a busy machine may stop for a while
          include: ['packages/*/test/**/*.test.ts', 'tools/*/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.peer.test.ts', '**/*.pack.test.ts'],
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'peers',
          include: ['packages/*/test/**/*.peer.test.ts', 'examples/*/test/**/*.peer.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'packages',
          include: ['tools/*/test/**/*.pack.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
