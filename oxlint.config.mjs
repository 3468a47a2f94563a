import { boundaryOverrides } from './tools/lint/boundaries.mjs'

/** The linter's whole configuration; the floor rules of docs/architecture.md are derived from one table in tools/lint/boundaries.mjs. */
export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: true }],
    'no-shadow': 'off', // small scopes read better with the plain word
    'no-underscore-dangle': 'off',
    'unicorn/consistent-function-scoping': 'off', // a helper stands beside its only use
    'unicorn/no-new-array': 'off', // rings and tables have their size at birth
    'import/no-unassigned-import': 'off', // cyclic-free class registration and seeded test set-up
    'typescript/no-extraneous-class': 'off', // fakes in tests
    'unicorn/no-array-reverse': 'off',
    'import/no-named-as-default-member': 'off', // fast-check documents its default import
    'unicorn/prefer-add-event-listener': 'off', // the on… attributes are part of what is tested
    'unicorn/no-array-sort': 'off', // sorting an array of one's own in place is no accident
  },
  ignorePatterns: ['**/dist/**', 'tools/lint/fixtures/**', '.nx/**'],
  overrides: boundaryOverrides,
}
