import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')

/** What must not pass the linter, each with the file it stands in and the rule that has to stop it. */
const violations: [name: string, file: string, source: string, rule: string][] = [
  ['an import upwards', 'packages/sctp/src/a.ts', `export { x } from '@kaon/dtls'`, 'no-restricted-imports'],
  ['a core that calls net', 'packages/ice/src/b.ts', `export { x } from '@kaon/net'`, 'no-restricted-imports'],
  [
    'a core that calls a driver',
    'packages/ice/src/c.ts',
    `export { x } from '@kaon/stun/driver'`,
    'no-restricted-imports',
  ],
  [
    'a core that calls a part of a driver',
    'packages/turn/src/r.ts',
    `export { x } from '@kaon/stun/driver/link'`,
    'no-restricted-imports',
  ],
  [
    'an import past an entry point',
    'packages/ice/src/d.ts',
    `export { x } from '@kaon/stun/src/message.ts'`,
    'no-restricted-imports',
  ],
  [
    'a relative import into a sibling',
    'packages/ice/src/e.ts',
    `export { x } from '../../stun/src/index.ts'`,
    'no-restricted-imports',
  ],
  [
    'a Node built-in in a core',
    'packages/dtls/src/f.ts',
    `export { createHash } from 'node:crypto'`,
    'no-restricted-imports',
  ],
  [
    'a bare Node built-in in a driver',
    'packages/stun/src/driver/g.ts',
    `export { createSocket } from 'dgram'`,
    'no-restricted-imports',
  ],
  ['a timer in a core', 'packages/sctp/src/h.ts', `setTimeout(() => undefined, 1)`, 'no-restricted-globals'],
  [
    'a clock in a core',
    'packages/sctp/src/i.ts',
    `export const t: number = performance.now()`,
    'no-restricted-globals',
  ],
  [
    'the wall clock in a driver',
    'packages/ice/src/driver/j.ts',
    `export const t: number = Date.now()`,
    'no-restricted-properties',
  ],
  ['ambient randomness', 'packages/ice/src/k.ts', `export const r: number = Math.random()`, 'no-restricted-properties'],
  [
    'a timer through globalThis',
    'packages/webrtc/src/l.ts',
    `export const s = globalThis.setTimeout`,
    'no-restricted-properties',
  ],
]

const permitted: [name: string, file: string, source: string][] = [
  ['a driver that calls net', 'packages/ice/src/driver/m.ts', `export { x } from '@kaon/net'`],
  [
    'a driver that calls a part of another',
    'packages/turn/src/driver/s.ts',
    `export { x } from '@kaon/stun/driver/link'`,
  ],
  ['a floor below', 'packages/ice/src/n.ts', `export { x } from '@kaon/stun'`],
  ['platform code in src/node', 'packages/net/src/node/o.ts', `export { createSocket } from 'node:dgram'`],
  ['a timer in src/node', 'packages/net/src/node/q.ts', `setTimeout(() => Date.now(), 1)`],
  ['the umbrella on a driver', 'packages/webrtc/src/p.ts', `export { x } from '@kaon/ice/driver'`],
]

let sandbox: string

beforeAll(() => {
  sandbox = mkdtempSync(join(tmpdir(), 'kaon-lint-'))
  cpSync(join(root, 'oxlint.config.mjs'), join(sandbox, 'oxlint.config.mjs'))
  cpSync(join(root, 'tools/lint/boundaries.mjs'), join(sandbox, 'tools/lint/boundaries.mjs'))
  for (const [, file, source] of [...violations, ...permitted]) {
    mkdirSync(dirname(join(sandbox, file)), { recursive: true })
    writeFileSync(join(sandbox, file), source + '\n')
  }
})

afterAll(() => rmSync(sandbox, { recursive: true, force: true }))

function lint(file: string): { status: number | null; output: string } {
  const run = spawnSync(process.execPath, [oxlint, '-c', 'oxlint.config.mjs', file], { cwd: sandbox, encoding: 'utf8' })
  return { status: run.status, output: run.stdout }
}

describe('floor rules', () => {
  it.each(violations)('stops %s', (_name, file, _source, rule) => {
    const { status, output } = lint(file)
    expect(status).toBe(1)
    expect(output).toContain(rule)
  })

  it.each(permitted)('lets %s pass', (_name, file) => {
    expect(lint(file)).toMatchObject({ status: 0 })
  })

  it('has a row for every package', async () => {
    const { floors } = (await import('../boundaries.mjs')) as { floors: Record<string, unknown> }
    const listed = JSON.parse(execFileSync('npm', ['query', '.workspace'], { cwd: root, encoding: 'utf8' })) as {
      name: string
    }[]
    const packages = listed.map((entry) => entry.name).filter((name) => name.startsWith('@kaon/'))
    expect(
      Object.keys(floors)
        .map((name) => `@kaon/${name}`)
        .sort(),
    ).toEqual(packages.sort())
  })
})
