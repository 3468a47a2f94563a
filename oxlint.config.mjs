import { boundaryOverrides } from './tools/lint/boundaries.mjs'

/** The linter's whole configuration; the floor rules of docs/architecture.md are derived from one table in tools/lint/boundaries.mjs. */
export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'no-console': 'off',
  },
  ignorePatterns: ['**/dist/**', 'tools/lint/fixtures/**', '.nx/**'],
  overrides: boundaryOverrides,
}
